"""What people see of packages: strangers what's listed, owners all of their own, moderators everything.

Who may see what is part of each query. So what somebody mustn't see takes as long to look up as what there isn't, and
both are told alike.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from typing import Any, BinaryIO, TypeVar

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from hub.errors import BadRequest, NotFound, Withheld
from hub.registry.accounts import Caller
from hub.registry.archives import Archives
from hub.registry.records import Listing, Publisher, PublisherKey, Version, VersionState
from hub.registry.shelf import Shelf, record
from hub.registry.tables import listings, publisher_keys, publishers, versions
from hub.releases import order

SHOWN = 200
"""Versions and packages that are shown with what they belong to."""
WITHHELD = ("quarantined", "revoked")
LOOKED_AT = 2
"""Archives that are looked into side by side: unpacking takes a processor."""
Found = TypeVar("Found")


class Package(Struct, frozen=True, kw_only=True):
    """A package with what belongs to it."""

    listing: Listing
    newest: Version
    """The latest listed version, or the newest that the viewer sees."""
    keys: tuple[PublisherKey, ...]
    versions: tuple[Version, ...]
    """Newest first, without their readmes and statements."""


class Changes(Struct, frozen=True, kw_only=True):
    """What a version asks for that the one before didn't, and the other way round."""

    against: str | None
    """The highest listed version below; null: there's none, and all it asks for is new."""
    added: tuple[str, ...]
    removed: tuple[str, ...]


class Archived(Struct, frozen=True, kw_only=True):
    """What's needed of a version to give its archive out."""

    publisher: str
    name: str
    version: str
    sha256: str
    size: int
    state: VersionState
    reason: str


class PublisherShown(Struct, frozen=True, kw_only=True):
    """A publisher with what it published."""

    publisher: Publisher
    keys: tuple[PublisherKey, ...]
    packages: tuple[Listing, ...]


class Reading:
    """Answers what people ask about packages."""

    def __init__(self, shelf: Shelf, archives: Archives) -> None:
        self._shelf = shelf
        self._archives = archives
        self._looking = asyncio.Semaphore(LOOKED_AT)

    async def package(self, publisher: str, name: str, viewer: Caller | None) -> Package:
        """Return a package of which the viewer sees a version; raises NotFound."""

        def ask(connection: Connection) -> Package | None:
            shown = _versions_of(publisher, name, viewer).limit(SHOWN)
            found = [record(Version, row) for row in connection.execute(shown)]
            if not found:
                return None
            kept = connection.execute(select(listings).where(_is(listings, publisher, name))).one()
            listing = record(Listing, kept)
            newest = next((each.version for each in found if each.version == listing.latest), found[0].version)
            whole = select(versions).where(_is(versions, publisher, name), versions.c.version == newest)
            return Package(
                listing=listing,
                newest=record(Version, connection.execute(whole).one()),
                keys=_keys(connection, publisher),
                versions=tuple(found),
            )

        package = await self._shelf.read(ask)
        if package is None:
            raise _no_package(publisher, name)
        return package

    async def versions(
        self, publisher: str, name: str, viewer: Caller | None, *, after: str | None, limit: int
    ) -> Sequence[Version]:
        """Return versions behind another one, newest first, without readmes and statements.

        Raises NotFound, BadRequest for a version that there isn't.
        """

        def ask(connection: Connection) -> list[Version] | None:
            query = _versions_of(publisher, name, viewer)
            if not connection.execute(query.limit(1)).first():
                return None
            if after is not None:
                before = connection.execute(query.where(versions.c.version == after)).first()
                if before is None:
                    raise BadRequest("cursor", f"{after[:60]!r} isn't one; take what `next` said")
                place = tuple_(versions.c.published_at, versions.c.version)
                query = query.where(place < tuple_(literal(before.published_at, PUBLISHED), literal(before.version)))
            return [record(Version, row) for row in connection.execute(query.limit(limit))]

        found = await self._shelf.read(ask)
        if found is None:
            raise _no_package(publisher, name)
        return found

    async def version(self, publisher: str, name: str, version: str, viewer: Caller | None) -> tuple[Version, Changes]:
        """Return a version, and how what it asks for differs from the one before; raises NotFound."""

        def ask(connection: Connection) -> tuple[Version, list[tuple[str, tuple[str, ...]]]] | None:
            query = select(versions).where(_is(versions, publisher, name), seen_by(viewer))
            row = connection.execute(query.where(versions.c.version == version)).first()
            if row is None:
                return None
            others = select(versions.c.version, versions.c.asks).where(
                _is(versions, publisher, name), versions.c.state == "listed"
            )
            return record(Version, row), [(each.version, each.asks) for each in connection.execute(others)]

        found = await self._shelf.read(ask)
        if found is None:
            raise _no_version(publisher, name, version)
        return found[0], changes(found[0], found[1])

    async def fetchable(self, publisher: str, name: str, version: str, viewer: Caller | None) -> Archived:
        """Return a version whose archive the viewer may have.

        Raises NotFound, Withheld for one that's quarantined or revoked.
        """
        query = OF_STRANGERS if viewer is None else _archived(seen_by(viewer))
        named = {"of": publisher, "called": name, "at": version}
        row = await self._shelf.read(lambda each: each.execute(query, named).first())
        if row is None:
            raise _no_version(publisher, name, version)
        found = record(Archived, row)
        if found.state in WITHHELD and not (viewer and viewer.moderates):
            why = found.reason or "a moderator decided so"
            raise Withheld(f"{publisher}/{name} {version} is {found.state} and isn't given out: {why}")
        return found

    async def archive(self, version: Archived) -> bytes | BinaryIO:
        """Return the bytes of a version, or a file with them, for the caller to close; raises StoreUnavailable."""
        return await self._archives.lend(version.sha256, version.size)

    async def look(self, version: Archived, what: Callable[[bytes | BinaryIO], Found]) -> Found:
        """Return what a function that blocks finds in a version's archive; raises what it raises, StoreUnavailable."""
        async with self._looking:
            archive = await self.archive(version)
            with nullcontext() if isinstance(archive, bytes) else closing(archive):
                return await asyncio.to_thread(what, archive)

    async def publisher(self, name: str, viewer: Caller | None) -> PublisherShown:
        """Return a publisher with those of its packages that the viewer sees; raises NotFound."""

        def ask(connection: Connection) -> PublisherShown | None:
            row = connection.execute(select(publishers).where(publishers.c.name == name)).first()
            if row is None:
                return None
            visible = exists().where(
                versions.c.publisher == listings.c.publisher, versions.c.name == listings.c.name, seen_by(viewer)
            )
            newest_first = (listings.c.updated_at.desc(), listings.c.name)
            mine = select(listings).where(listings.c.publisher == name, visible).order_by(*newest_first).limit(SHOWN)
            return PublisherShown(
                publisher=record(Publisher, row),
                keys=_keys(connection, name),
                packages=tuple(record(Listing, each) for each in connection.execute(mine)),
            )

        found = await self._shelf.read(ask)
        if found is None:
            raise NotFound(f"publisher {name[:60]!r}: there's none of that name")
        return found


BRIEF: tuple[ColumnElement[Any], ...] = tuple(
    literal("").label(column.name) if column.name in ("readme", "envelope") else column for column in versions.c
)
PUBLISHED = versions.c.published_at.type


def seen_by(viewer: Caller | None) -> ColumnElement[bool]:
    """Return which versions somebody sees."""
    listed = versions.c.state == "listed"
    if viewer is None:
        return listed
    if viewer.moderates:
        return true()
    own = select(publishers.c.name).where(publishers.c.account == viewer.account.id)
    return or_(listed, and_(versions.c.state != "deleted", versions.c.publisher.in_(own)))


def _archived(seen: ColumnElement[bool]) -> Select[Any]:
    package = and_(versions.c.publisher == bindparam("of"), versions.c.name == bindparam("called"))
    columns = (versions.c[name] for name in Archived.__struct_fields__)
    return select(*columns).where(
        package, versions.c.version == bindparam("at"), or_(seen, versions.c.state.in_(WITHHELD))
    )


OF_STRANGERS = _archived(seen_by(None))
"""Made once: making it takes longer than asking it, and it's asked for each download."""


def changes(version: Version, others: Sequence[tuple[str, tuple[str, ...]]]) -> Changes:
    """Return how what a version asks for differs from the highest one below it; `others` have what each asks for."""
    below = [(each, asks) for each, asks in others if order(each) < order(version.version)]
    if not below:
        return Changes(against=None, added=tuple(sorted(version.asks)), removed=())
    against, before = max(below, key=lambda each: order(each[0]))
    return Changes(
        against=against,
        added=tuple(sorted(set(version.asks) - set(before))),
        removed=tuple(sorted(set(before) - set(version.asks))),
    )


def _is(table: Table, publisher: str, name: str) -> ColumnElement[bool]:
    return and_(table.c.publisher == publisher, table.c.name == name)


def _versions_of(publisher: str, name: str, viewer: Caller | None) -> Select[Any]:
    newest_first = (versions.c.published_at.desc(), versions.c.version.desc())
    return select(*BRIEF).where(_is(versions, publisher, name), seen_by(viewer)).order_by(*newest_first)


def _keys(connection: Connection, publisher: str) -> tuple[PublisherKey, ...]:
    newest_first = (publisher_keys.c.created_at.desc(), publisher_keys.c.id)
    query = select(publisher_keys).where(publisher_keys.c.publisher == publisher).order_by(*newest_first).limit(SHOWN)
    return tuple(record(PublisherKey, row) for row in connection.execute(query))


def _no_package(publisher: str, name: str) -> NotFound:
    return NotFound(f"package {f'{publisher}/{name}'[:100]!r}: there's none that you may see")


def _no_version(publisher: str, name: str, version: str) -> NotFound:
    return NotFound(f"version {f'{publisher}/{name}@{version}'[:160]!r}: there's none that you may see")
