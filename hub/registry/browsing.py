"""What the registry's pages show besides what its services tell: what there is in all, and what's an account's own."""

import asyncio
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import get_args

from msgspec import Struct
from sqlalchemy import Connection, func, or_, select

from hub.ports import Clock
from hub.records import PackageKind
from hub.registry.accounts import Caller
from hub.registry.records import Publisher, PublisherKey, Version
from hub.registry.searching import Search, Sort
from hub.registry.shelf import Shelf, record
from hub.registry.summaries import Summary, Usual, summary_of
from hub.registry.tables import accounts, listings, publisher_keys, publishers, versions

RENEWED = timedelta(minutes=1)
OF_TAGS = 500
"""Packages whose tags are counted: the newest."""
TAGS = 16
OWN = 200
"""Versions of one's own that are shown."""


class Front(Struct, frozen=True, kw_only=True):
    """What there is, at a glance."""

    newest: tuple[Summary, ...]
    best: tuple[Summary, ...]
    most: tuple[Summary, ...]
    counted: tuple[tuple[PackageKind, int], ...]
    """How many packages of each kind there are, without those of which there's none."""
    tags: tuple[str, ...]
    """Those that most of the newest packages have."""


class Own(Struct, frozen=True, kw_only=True):
    """A publisher of one's own, with its keys, newest first."""

    name: str
    created_at: datetime
    keys: tuple[PublisherKey, ...]


class Browsing:
    """Answers what pages ask."""

    def __init__(self, shelf: Shelf, clock: Clock, search: Search, usual: Usual) -> None:
        self._shelf = shelf
        self._clock = clock
        self._search = search
        self._usual = usual
        self._front: Front | None = None
        self._looking = asyncio.Lock()
        self._good_until = float("-inf")

    async def front(self, limit: int) -> Front:
        """Return what there is, so many packages of each sort; a minute old at most."""
        if self._front is not None and self._clock.monotonic() < self._good_until:
            return self._front
        # One looks; who comes meanwhile is shown what that one finds.
        async with self._looking:
            if self._front is not None and self._clock.monotonic() < self._good_until:
                return self._front
            counts, tags = await self._shelf.read(_counted)
            self._front = Front(
                newest=await self._first("newest", limit),
                best=tuple(each for each in await self._first("rating", limit) if each.rating.n),
                most=tuple(each for each in await self._first("downloads", limit) if each.downloads),
                counted=tuple((kind, counts[kind]) for kind in get_args(PackageKind) if kind in counts),
                tags=tags,
            )
            self._good_until = self._clock.monotonic() + RENEWED.total_seconds()
        return self._front

    async def own(self, caller: Caller) -> list[Version]:
        """Return the versions that an account uploaded or whose publisher it owns, newest first."""
        mine = select(publishers.c.name).where(publishers.c.account == caller.account.id)
        of_mine = or_(versions.c.account == caller.account.id, versions.c.publisher.in_(mine))
        newest_first = (versions.c.published_at.desc(), versions.c.publisher, versions.c.name)
        query = select(versions).where(of_mine, versions.c.state != "deleted").order_by(*newest_first).limit(OWN)
        return [record(Version, row) for row in await self._shelf.read(lambda each: each.execute(query).all())]

    async def publishers(self, caller: Caller) -> list[Own]:
        """Return an account's publishers with their keys."""
        mine = select(publishers).where(publishers.c.account == caller.account.id).order_by(publishers.c.name)

        def ask(connection: Connection) -> list[Own]:
            found = [record(Publisher, row) for row in connection.execute(mine)]
            return [
                Own(name=each.name, created_at=each.created_at, keys=_keys(connection, each.name)) for each in found
            ]

        return await self._shelf.read(ask)

    async def names(self, ids: Collection[str]) -> dict[str, str]:
        """Return what accounts are called, by their ids; others are left out."""
        query = select(accounts.c.id, accounts.c.name).where(accounts.c.id.in_(set(ids)))
        return {row.id: row.name for row in await self._shelf.read(lambda each: each.execute(query).all())}

    async def _first(self, sort: Sort, limit: int) -> tuple[Summary, ...]:
        usual = await self._usual.mean()
        found = await self._search.find(sort=sort, usual=usual, limit=limit)
        return tuple(summary_of(each, usual) for each in found.items)


def _counted(connection: Connection) -> tuple[dict[PackageKind, int], tuple[str, ...]]:
    listed = (listings.c.latest != "", ~listings.c.deleted)
    many = select(listings.c.kind, func.count().label("many")).where(*listed).group_by(listings.c.kind)
    newest = select(listings.c.tags).where(*listed).order_by(listings.c.updated_at.desc()).limit(OF_TAGS)
    tags = Counter(tag for row in connection.execute(newest) for tag in row.tags)
    counts = {row.kind: int(row.many) for row in connection.execute(many)}
    return counts, tuple(tag for tag, _ in tags.most_common(TAGS))


def _keys(connection: Connection, publisher: str) -> tuple[PublisherKey, ...]:
    newest_first = (publisher_keys.c.created_at.desc(), publisher_keys.c.id)
    query = select(publisher_keys).where(publisher_keys.c.publisher == publisher).order_by(*newest_first)
    return tuple(record(PublisherKey, row) for row in connection.execute(query))
