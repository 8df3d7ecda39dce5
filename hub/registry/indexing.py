"""The signed index: what the registry has, all of it, so that no mirror rolls a hub back nor keeps news from it.

It's made anew when something changed, or half of its time is over. It names 256 shards by their SHA-256, of which only
those are made anew in which something changed. Its serial only grows: over processes, and over a database that was
restored from a backup, for it's never below the seconds since 1970.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from hub.errors import NotFound, StartError, StatementError, StoreUnavailable
from hub.ports import Clock
from hub.registry.shelf import Shelf, hold
from hub.registry.tables import indexes, places, shards, stale, versions
from hub.releases import INDEX, Index, IndexedPackage, IndexedVersion, Shard, order, read_index
from hub.statements import SigningKey, signer_of

log = logging.getLogger(__name__)

REST = timedelta(seconds=3)
"""Between two indexes at least, however much changes."""
LOOKED = 1.0
"""Seconds for which an index is given out without another look whether there's news: not where other processes make
some too, for who was given theirs would take this one for a roll-back."""
EVERY = 5.0
"""Seconds between two looks while nobody asks."""
KEPT = 10
"""Indexes that stay in the database."""
REVOKED, YANKED = "the registry took it away", "its publisher took it back"
"""Told where nobody said why."""


class Made(Struct, frozen=True, kw_only=True):
    """An index as it's given out."""

    serial: int
    issued_at: datetime
    expires_at: datetime
    envelope: bytes


class Indexing:
    """Makes the index, and gives it out."""

    def __init__(
        self, shelf: Shelf, clock: Clock, signer: SigningKey, url: str, hours: float, *, rest: timedelta = REST
    ) -> None:
        """`url` is the registry's address, which the index names; it's good for so many hours."""
        self._shelf = shelf
        self._clock = clock
        self._signer = signer
        self._url = url
        self._good = timedelta(hours=hours)
        self._rest = rest
        self._newest: Made | None = None
        self._look_again = float("-inf")
        self._looking = asyncio.Lock()

    async def check(self) -> None:
        """Raise StartError if another process signs this database's index by another key."""
        newest = await self._shelf.read(_newest)
        if newest is None or not self._shelf.is_shared or newest.expires_at <= self._clock.now():
            return
        if signer_of(newest.envelope) != self._signer.id:
            raise StartError(
                f"registry.database: its index is signed by the key {signer_of(newest.envelope)}, and index.key in this"
                f" process's folder is {self._signer.id}; copy that file from the other process's folder, or, if it's"
                f" lost, start after {newest.expires_at:%Y-%m-%d %H:%M} UTC"
            )

    async def current(self) -> Made:
        """Return the index: what was changed longer than a few seconds ago stands in it. Raises StoreUnavailable."""
        async with self._looking:
            if self._newest is None or self._clock.monotonic() >= self._look_again:
                self._newest = await self._looked()
                self._look_again = self._clock.monotonic() + (0.0 if self._shelf.is_shared else LOOKED)
            return self._newest

    async def shard(self, digest: str) -> bytes:
        """Return a shard's bytes by their SHA-256; raises NotFound."""
        query = select(shards.c.data).where(shards.c.sha256 == digest)
        data = await self._shelf.read(lambda connection: connection.execute(query).scalar())
        if data is None:
            raise NotFound(f"shard {digest[:64]}: not in any index of late; take the newest index")
        return bytes(data)

    async def run(self) -> None:
        """Renew the index when it's time, until cancelled."""
        while True:
            try:
                await self.current()
            except StoreUnavailable as error:
                log.warning("the index isn't renewed: %s", error)
            await self._clock.sleep(EVERY)

    async def _looked(self) -> Made:
        def ask(connection: Connection) -> tuple[Made | None, bool]:
            return _newest(connection), connection.execute(select(stale.c.id).limit(1)).first() is not None

        newest, changed = await self._shelf.read(ask)
        if newest is not None and not self._is_due(newest, changed):
            return newest
        return await self._shelf.write(self._make)

    def _is_due(self, newest: Made, changed: bool) -> bool:
        now = self._clock.now()
        if changed:
            return abs(now - newest.issued_at) >= self._rest
        if not newest.issued_at <= now < newest.issued_at + self._good / 2:
            return True
        seen = self._newest is not None and self._newest.serial == newest.serial
        return not seen and self._index_of(newest) is None

    def _index_of(self, made: Made) -> Index | None:
        """Return what an index says; None for another key's, or another address's."""
        try:
            index = read_index(made.envelope, self._signer.public)
        except StatementError:
            return None
        return index if index.registry == self._url else None

    def _make(self, connection: Connection) -> Made:
        # Of several processes one makes it, and the others find it made.
        hold(connection, "index")
        newest = _newest(connection)
        changed = connection.execute(select(stale.c.id).limit(1)).first() is not None
        if newest is not None and not self._is_due(newest, changed):
            return newest
        before = self._index_of(newest) if newest is not None else None
        taken = set(connection.execute(delete(stale).returning(stale.c.shard)).scalars())
        anew = taken if before else set(connection.execute(select(places.c.shard).distinct()).scalars())
        now = self._clock.now()
        held = dict(before.shards) if before else {}
        for name in sorted(anew):
            _renew(connection, name, held, now)
        if before is None:
            _leave(connection, [shard.sha256 for shard in held.values()], now)
        index = Index(
            registry=self._url,
            serial=max(newest.serial + 1 if newest else 1, int(now.timestamp())),
            issued_at=now,
            expires_at=now + self._good,
            shards=held,
        )
        return self._keep(connection, index)

    def _keep(self, connection: Connection, index: Index) -> Made:
        made = Made(
            serial=index.serial,
            issued_at=index.issued_at,
            expires_at=index.expires_at,
            envelope=self._signer.seal(index, INDEX),
        )
        row = {"serial": made.serial, "issued_at": made.issued_at, "expires_at": made.expires_at}
        connection.execute(insert(indexes).values(row | {"envelope": made.envelope.decode()}))
        eldest = select(indexes.c.serial).order_by(indexes.c.serial.desc()).offset(KEPT).limit(1)
        if (serial := connection.execute(eldest).scalar()) is not None:
            connection.execute(delete(indexes).where(indexes.c.serial <= serial))
        return made


def _newest(connection: Connection) -> Made | None:
    row = connection.execute(select(indexes).order_by(indexes.c.serial.desc()).limit(1)).first()
    if row is None:
        return None
    return Made(serial=row.serial, issued_at=row.issued_at, expires_at=row.expires_at, envelope=row.envelope.encode())


def _renew(connection: Connection, name: str, held: dict[str, Shard], now: datetime) -> None:
    """Make a shard anew, in place of the one that's held by its name."""
    old = held.pop(name, None)
    packages = _packages(connection, name)
    if packages:
        data = msgspec.json.encode(packages)
        held[name] = Shard(sha256=sha256(data).hexdigest(), packages=len(packages))
        same = shards.c.sha256 == held[name].sha256
        if not connection.execute(update(shards).where(same).values(left_at=None)).rowcount:
            connection.execute(insert(shards).values(sha256=held[name].sha256, data=data, left_at=None))
    if old and old != held.get(name):
        connection.execute(update(shards).where(shards.c.sha256 == old.sha256).values(left_at=now))


def _leave(connection: Connection, staying: list[str], now: datetime) -> None:
    gone = shards.c.left_at.is_(None) & shards.c.sha256.not_in(staying)
    connection.execute(update(shards).where(gone).values(left_at=now))


def _packages(connection: Connection, shard: str) -> list[IndexedPackage]:
    """Return what an index tells of a shard's packages: what's listed, and what must not be used any more."""
    query = (
        select(
            versions.c.publisher,
            versions.c.name,
            versions.c.version,
            versions.c.sha256,
            versions.c.key,
            versions.c.state,
            versions.c.reason,
            versions.c.yanked_at,
            versions.c.yanked,
            versions.c.listed_at,
        )
        .join(places, (places.c.publisher == versions.c.publisher) & (places.c.name == versions.c.name))
        .where(places.c.shard == shard, versions.c.state.in_(("listed", "revoked")))
        .order_by(versions.c.publisher, versions.c.name)
    )
    rows = connection.execute(query).all()
    return [
        IndexedPackage(
            name=name,
            versions=tuple(
                IndexedVersion(
                    version=row.version,
                    sha256=row.sha256,
                    key=row.key,
                    yanked=(row.yanked or YANKED) if row.yanked_at else "",
                    revoked=(row.reason or REVOKED) if row.state == "revoked" else "",
                    listed_at=row.listed_at,
                )
                for row in sorted(each, key=lambda row: (order(row.version), row.version))
            ),
        )
        for name, each in groupby(rows, lambda row: f"{row.publisher}/{row.name}")
    ]
