"""A registry's parts, put together: the only place in it that says which depends on which."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from hub.errors import StartError, StatementError, StoreUnavailable
from hub.packages.scanning import Scanner
from hub.passwords import MEMORY
from hub.ports import Clock
from hub.registry.accounts import Accounts
from hub.registry.archives import Archives
from hub.registry.browsing import Browsing
from hub.registry.counting import Counting
from hub.registry.indexing import Indexing
from hub.registry.keys import Keys
from hub.registry.limits import Limits, quotas_of
from hub.registry.looking import Looking
from hub.registry.mcp import Servers
from hub.registry.moderating import Moderating
from hub.registry.publishing import Publishing
from hub.registry.rating import Ratings
from hub.registry.reading import Reading
from hub.registry.replays import Replays
from hub.registry.reporting import Reports
from hub.registry.scans import Scans
from hub.registry.searching import Search
from hub.registry.shelf import Shelf
from hub.registry.standing import Standing
from hub.registry.summaries import Usual
from hub.registry.upkeep import Upkeep
from hub.registry.withdrawing import Withdrawing
from hub.shelves import ShelfConfig, database_of, folder_of
from hub.statements import SigningKey
from hub.store.disk import make_folder

KEY = "index.key"
ARCHIVES = "archives"
"""The folder of large archives that were asked for lately."""


class Parts(Struct, frozen=True, kw_only=True):
    """What the registry's web is built over."""

    config: ShelfConfig
    url: str
    """How people reach it, without a / at the end."""
    clock: Clock
    shelf: Shelf
    signer: SigningKey
    """Signs the index."""
    accounts: Accounts
    reading: Reading
    search: Search
    servers: Servers
    indexing: Indexing
    upkeep: Upkeep
    usual: Usual
    counting: Counting
    limits: Limits
    replays: Replays
    keys: Keys
    scans: Scans
    publishing: Publishing
    withdrawing: Withdrawing
    reports: Reports
    moderating: Moderating
    standing: Standing
    ratings: Ratings
    looking: Looking
    browsing: Browsing


@asynccontextmanager
async def opened(
    config: ShelfConfig, data: Path, url: str, clock: Clock, *, memory: int = MEMORY, scanner: Scanner | None = None
) -> AsyncIterator[Parts]:
    """Yield a registry's parts, open; raises StartError.

    `data` is the hub's folder, `url` where it listens, `memory` what a password's hash takes, in KiB; `scanner` looks
    into what's published, in place of the config's.
    """
    folder, address = folder_of(config, data), (config.url or url).rstrip("/")
    signer = _signer(folder)
    shelf = Shelf(database_of(config, data))
    await shelf.open()
    scans = Scans(shelf, clock, config, scanner or Scanner(config.scan))
    counting, usual, search = Counting(shelf, clock), Usual(shelf, clock), Search(shelf)
    indexing = Indexing(shelf, clock, signer, address, config.index_hours)
    try:
        await indexing.check()
        yield Parts(
            config=config,
            url=address,
            clock=clock,
            shelf=shelf,
            signer=signer,
            accounts=Accounts(shelf, clock, config.admins, memory=memory),
            reading=Reading(shelf, Archives(shelf, folder / ARCHIVES)),
            search=search,
            servers=Servers(shelf),
            keys=Keys(shelf, clock),
            scans=scans,
            publishing=Publishing(shelf, clock, config, scans),
            withdrawing=Withdrawing(shelf, clock),
            reports=Reports(shelf, clock),
            moderating=Moderating(shelf, clock),
            standing=Standing(shelf, clock, config),
            usual=usual,
            indexing=indexing,
            upkeep=Upkeep(shelf, clock),
            counting=counting,
            limits=Limits(clock, quotas_of(config)),
            replays=Replays(shelf, clock),
            ratings=Ratings(shelf, clock, config, counting, usual),
            looking=Looking(),
            browsing=Browsing(shelf, clock, search, usual),
        )
    finally:
        with suppress(StoreUnavailable):
            await counting.keep()
        await shelf.close()


@asynccontextmanager
async def at_work(parts: Parts) -> AsyncIterator[None]:
    """Do meanwhile what has to be done now and then."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(parts))
        try:
            yield
        finally:
            running.cancel()


async def run(parts: Parts) -> None:
    """Do what has to be done now and then, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(parts.counting.run())
        group.create_task(parts.scans.run())
        group.create_task(parts.indexing.run())
        group.create_task(parts.upkeep.run())


def _signer(folder: Path) -> SigningKey:
    """Return the key in a registry's folder, which is made if it isn't there; raises StartError."""
    try:
        make_folder(folder)
        return SigningKey.kept(folder / KEY)
    except OSError as error:
        raise StartError(f"{folder}: can't be written ({error.strerror}); give this user the folder's rights") from None
    except StatementError as error:
        raise StartError(str(error)) from None
