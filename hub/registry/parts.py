"""A registry's parts, put together: the only place in it that says which depends on which."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from hub.errors import StartError, StatementError
from hub.packages.scanning import Scanner
from hub.ports import Clock
from hub.registry.accounts import MEMORY, Accounts
from hub.registry.keys import Keys
from hub.registry.moderating import Moderating
from hub.registry.publishing import Publishing
from hub.registry.reporting import Reports
from hub.registry.scans import Scans
from hub.registry.shelf import Shelf
from hub.registry.standing import Standing
from hub.registry.withdrawing import Withdrawing
from hub.shelves import ShelfConfig, database_of, folder_of
from hub.statements import SigningKey
from hub.store.disk import make_folder

KEY = "index.key"


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
    keys: Keys
    scans: Scans
    publishing: Publishing
    withdrawing: Withdrawing
    reports: Reports
    moderating: Moderating
    standing: Standing


@asynccontextmanager
async def opened(
    config: ShelfConfig,
    data: Path,
    url: str,
    clock: Clock,
    *,
    memory: int = MEMORY,
    scanner: Scanner | None = None,
) -> AsyncIterator[Parts]:
    """Yield a registry's parts, open and at work; raises StartError.

    `data` is the hub's folder, `url` where it listens, `memory` what a password's hash takes, in KiB; `scanner` looks
    into what's published, in place of the config's.
    """
    folder = folder_of(config, data)
    try:
        make_folder(folder)
        signer = SigningKey.kept(folder / KEY)
    except OSError as error:
        raise StartError(f"{folder}: can't be written ({error.strerror}); give this user the folder's rights") from None
    except StatementError as error:
        raise StartError(str(error)) from None
    shelf = Shelf(database_of(config, data))
    await shelf.open()
    scans = Scans(shelf, clock, config, scanner or Scanner(config.scan))
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(scans.run())
            try:
                yield Parts(
                    config=config,
                    url=(config.url or url).rstrip("/"),
                    clock=clock,
                    shelf=shelf,
                    signer=signer,
                    accounts=Accounts(shelf, clock, config.admins, memory=memory),
                    keys=Keys(shelf, clock),
                    scans=scans,
                    publishing=Publishing(shelf, clock, config, scans),
                    withdrawing=Withdrawing(shelf, clock),
                    reports=Reports(shelf, clock),
                    moderating=Moderating(shelf, clock),
                    standing=Standing(shelf, clock, config),
                )
            finally:
                running.cancel()
    finally:
        await shelf.close()
