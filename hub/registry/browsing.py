"""What the registry's pages show besides what its services tell: what there is in all, and what's an account's own."""

from collections import Counter
from datetime import datetime, timedelta
from typing import get_args

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, or_, select

from hub.ports import Clock
from hub.records import PackageKind
from hub.registry.accounts import Caller
from hub.registry.records import Listing, Publisher, PublisherKey, Version
from hub.registry.shelf import Shelf, record
from hub.registry.summaries import Summary, Usual, summary_of
from hub.registry.tables import accounts, ratings, listings, publisher_keys, publishers, versions

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


class Wish(Struct, frozen=True, kw_only=True):
    """What's searched for."""

    q: str = ""
    kind: str = ""
    tag: str = ""
    sort: str = "relevance"


class Found(Struct, frozen=True, kw_only=True):
    """What was found, in part."""

    items: list[Summary]
    next: str | None
    fault: str = ""


class Rated(Struct, frozen=True, kw_only=True):
    account: str
    stars: int
    text: str
    version: str
    updated_at: datetime


class RatedList(Struct, frozen=True, kw_only=True):
    items: list[Rated]
    next: str | None = None


class Browsing:
    """Answers what pages ask."""

    def __init__(self, shelf: Shelf, clock: Clock, usual: Usual) -> None:
        self._shelf = shelf
        self._clock = clock
        self._usual = usual
        self._front: Front | None = None
        self._good_until = float("-inf")

    async def front(self, limit: int) -> Front:
        """Return what there is, so many packages of each sort; a minute old at most."""
        if self._front is None or self._clock.monotonic() >= self._good_until:
            usual = await self._usual.mean()
            self._front = await self._shelf.read(lambda each: _front(each, usual, limit))
            self._good_until = self._clock.monotonic() + RENEWED.total_seconds()
        return self._front

    async def search(self, wish: Wish, cursor: str, limit: int) -> Found:
        usual = await self._usual.mean()
        query = select(listings).where(listings.c.latest != "", (listings.c.name + " " + listings.c.description).contains(wish.q))
        if wish.kind:
            query = query.where(listings.c.kind == wish.kind)
        rows = await self._shelf.read(lambda each: each.execute(query.limit(limit)).all())
        return Found(items=[summary_of(record(Listing, row), usual) for row in rows], next=None)

    async def ratings(self, publisher: str, name: str, cursor: str, limit: int) -> RatedList:
        query = select(ratings, accounts.c.name.label("who")).join(accounts, accounts.c.id == ratings.c.account).where(ratings.c.publisher == publisher, ratings.c.name == name, ratings.c.counted)
        rows = await self._shelf.read(lambda each: each.execute(query.limit(limit)).all())
        return RatedList(items=[Rated(account=row.who, stars=row.stars, text=row.text, version=row.version, updated_at=row.updated_at) for row in rows])

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
            return [Own(name=each.name, created_at=each.created_at, keys=_keys(connection, each.name)) for each in found]

        return await self._shelf.read(ask)


def _front(connection: Connection, usual: float, limit: int) -> Front:
    listed = (listings.c.latest != "", ~listings.c.deleted)
    many = select(listings.c.kind, func.count()).where(*listed).group_by(listings.c.kind)
    counts = dict(connection.execute(many).tuples().all())
    newest = select(listings.c.tags).where(*listed).order_by(listings.c.updated_at.desc()).limit(OF_TAGS)
    tags = Counter(tag for row in connection.execute(newest) for tag in row.tags)
    mean = (5 * usual + listings.c.stars) / (5 + listings.c.ratings)

    def first(*order: ColumnElement[object], where: tuple[ColumnElement[bool], ...] = ()) -> tuple[Summary, ...]:
        query = select(listings).where(*listed, *where).order_by(*order, listings.c.publisher, listings.c.name)
        return tuple(summary_of(record(Listing, row), usual) for row in connection.execute(query.limit(limit)))

    return Front(
        newest=first(listings.c.updated_at.desc()),
        best=first(mean.desc(), where=(listings.c.ratings > 0,)),
        most=first(listings.c.downloads.desc(), where=(listings.c.downloads > 0,)),
        counted=tuple((kind, counts[kind]) for kind in get_args(PackageKind) if kind in counts),
        tags=tuple(tag for tag, _ in tags.most_common(TAGS)),
    )


def _keys(connection: Connection, publisher: str) -> tuple[PublisherKey, ...]:
    newest_first = (publisher_keys.c.created_at.desc(), publisher_keys.c.id)
    query = select(publisher_keys).where(publisher_keys.c.publisher == publisher).order_by(*newest_first)
    return tuple(record(PublisherKey, row) for row in connection.execute(query))
