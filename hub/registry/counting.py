"""How often packages are fetched: each version once a UTC day for whoever asks, whatever they do.

A download only notes that it happened; what's noted is kept a moment later, many at a time. Who asked is kept as a hash
with a salt of that day, which is thrown away with the hashes on the day after: from then on nobody can tell who fetched
what.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b

from msgspec import Struct
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.errors import StoreUnavailable
from hub.ports import Clock
from hub.registry.shelf import Shelf, hold
from hub.registry.tables import downloaders, downloads, fetches, listings, salts, versions

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two times that what's noted is kept."""
WAITING = 20_000
"""Downloads that may wait to be kept; further ones aren't counted."""
KNOWN = 100_000
"""Of those that were counted today, so that the database isn't asked about them again."""
HUBS_A_DAY = 5
"""Hubs whose proof that they fetched an archive is noted on a day, of one address or account: with thousands of keys
nobody becomes thousands of hubs."""


class Download(Struct, frozen=True, kw_only=True):
    """That somebody fetched an archive."""

    who: str
    """An account's id, or an address."""
    publisher: str
    name: str
    version: str
    sha256: str
    hub: str
    """The id of the key by which a hub proved that it's the one; empty: nobody did."""
    at: datetime

    @property
    def day(self) -> str:
        """The UTC day."""
        return self.at.date().isoformat()


class Counting:
    """Counts downloads, and notes which hub fetched what."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._waiting: list[Download] = []
        self._known: set[int] = set()
        self._today = ""
        self._keeping = asyncio.Lock()

    def note(self, download: Download) -> None:
        """Remember that somebody fetched an archive; it's kept a moment later."""
        if download.day != self._today:
            self._today = download.day
            self._known.clear()
        # Python's own hash has a secret of this process: no address lies here for a day.
        mark = hash((download.who, download.publisher, download.name, download.sha256, download.hub))
        if mark in self._known or len(self._waiting) >= WAITING:
            return
        if len(self._known) < KNOWN:
            self._known.add(mark)
        self._waiting.append(download)

    async def keep(self) -> None:
        """Keep what was noted so far; raises StoreUnavailable, and then still has it."""
        async with self._keeping:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            today = self._clock.now().date().isoformat()
            try:
                await self._shelf.write(lambda connection: _keep(connection, waiting, today))
            except BaseException:
                self._waiting = [*waiting, *self._waiting][:WAITING]
                raise

    async def run(self) -> None:
        """Keep what's noted now and then until cancelled."""
        while True:
            await self._clock.sleep(EVERY)
            try:
                await self.keep()
            except StoreUnavailable as error:
                log.warning("downloads wait to be counted: %s", error)


def _keep(connection: Connection, waiting: list[Download], today: str) -> None:
    # Two processes that count the same packages would otherwise take their rows in two orders, and wait for each other.
    hold(connection, "downloads")
    oldest = min(today, *(each.day for each in waiting))
    connection.execute(delete(downloaders).where(downloaders.c.day < oldest))
    connection.execute(delete(salts).where(salts.c.day < oldest))
    for day in sorted({each.day for each in waiting}):
        _count(connection, day, [each for each in waiting if each.day == day])


def _count(connection: Connection, day: str, noted: list[Download]) -> None:
    salt = _salt(connection, day)
    by_mark = {(_hash(salt, f"{each.who} {each.publisher}/{each.name}"), each.sha256): each for each in noted}
    fresh = _added(connection, day, by_mark)
    counts = Counter((each.publisher, each.name, each.version) for mark, each in by_mark.items() if mark in fresh)
    for (publisher, name, version), count in sorted(counts.items()):
        row = {"day": day, "publisher": publisher, "name": name, "version": version, "count": count}
        query = _upsert(connection, downloads).values(row)
        key = ["publisher", "name", "version", "day"]
        connection.execute(
            query.on_conflict_do_update(index_elements=key, set_={"count": downloads.c.count + query.excluded.count})
        )
        _raise(connection, publisher, name, downloads=count)
    for each in noted:
        if each.hub:
            _note_fetch(connection, day, salt, each)


def _note_fetch(connection: Connection, day: str, salt: str, fetched: Download) -> None:
    known = select(fetches.c.sha256).where(fetches.c.hub == fetched.hub)
    if connection.execute(known.where(fetches.c.sha256 == fetched.sha256)).first():
        return
    places = ((_hash(salt, f"{fetched.who} {place}"), fetched.sha256) for place in range(HUBS_A_DAY))
    if not any(_added(connection, day, [place]) for place in places):
        return
    of_package = select(versions.c.sha256).where(
        versions.c.publisher == fetched.publisher, versions.c.name == fetched.name
    )
    has_it = connection.execute(known.where(fetches.c.sha256.in_(of_package))).first()
    connection.execute(insert(fetches).values(hub=fetched.hub, sha256=fetched.sha256, at=fetched.at))
    if not has_it:
        _raise(connection, fetched.publisher, fetched.name, installs=1)


def _raise(connection: Connection, publisher: str, name: str, *, downloads: int = 0, installs: int = 0) -> None:
    more = {"downloads": listings.c.downloads + downloads, "installs": listings.c.installs + installs}
    package = (listings.c.publisher == publisher) & (listings.c.name == name)
    connection.execute(update(listings).where(package).values(more))


def _salt(connection: Connection, day: str) -> str:
    row = connection.execute(select(salts.c.salt).where(salts.c.day == day)).first()
    if row is not None:
        return str(row.salt)
    salt = secrets.token_hex(16)
    connection.execute(insert(salts).values(day=day, salt=salt))
    return salt


def _hash(salt: str, who: str) -> str:
    return blake2b(who.encode(), key=bytes.fromhex(salt), digest_size=16).hexdigest()


def _added(connection: Connection, day: str, marks: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Add those that aren't there yet; return them."""
    rows = [{"day": day, "who": who, "sha256": digest} for who, digest in marks]
    query = _upsert(connection, downloaders).on_conflict_do_nothing()
    returned = query.returning(downloaders.c.who, downloaders.c.sha256)
    return {(row.who, row.sha256) for row in connection.execute(returned, rows)}


def _upsert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
