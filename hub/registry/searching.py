"""Finds packages: by words, kind and tag; what isn't listed is in no search."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Float, Select, cast, select

from hub.errors import BadRequest
from hub.records import PackageKind
from hub.registry.fulltext import WEIGHED, Asked, best
from hub.registry.records import Listing
from hub.registry.shelf import Shelf, record
from hub.registry.summaries import NEUTRAL, VOTES, bayesian
from hub.registry.tables import listings, places

Sort = Literal["relevance", "newest", "rating", "downloads"]
DEEPEST = 1_000
"""So many packages of a search are listed in all; the signed index has every one."""
MANY = 100
"""Packages of a page."""


class Found(Struct, frozen=True, kw_only=True):
    """A page of what was found."""

    items: tuple[Listing, ...]
    next: str | None
    """The cursor of the next page."""


class Search:
    """Looks for packages."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def find(
        self,
        query: str = "",
        *,
        kind: PackageKind | None = None,
        tag: str = "",
        sort: Sort = "relevance",
        usual: float = NEUTRAL,
        cursor: str = "",
        limit: int = 20,
    ) -> Found:
        """Return what has all of a query's words, the last of which may be but begun; without any, all there is.

        By relevance, what has them in its name or tags comes first; without words that's newest first. `usual` is the
        mean that ratings are weighed against. Raises BadRequest for a cursor that's none of ours.
        """
        start, limit = _position(cursor), max(1, min(limit, MANY))
        asked = Asked.of(query, kind, tag)
        if query.strip() and not asked.words:
            return Found(items=(), next=None)
        wanted = limit + 1

        def ask(connection: Connection) -> list[Listing]:
            if asked.words or tag:
                return _matching(connection, asked, sort, usual, slice(start, start + wanted))
            return _all(connection, kind, sort, usual, start, wanted)

        found = await self._shelf.read(ask)
        over = len(found) > limit and start + limit < DEEPEST
        return Found(items=tuple(found[:limit]), next=str(start + limit) if over else None)


def _matching(connection: Connection, asked: Asked, sort: Sort, usual: float, page: slice) -> list[Listing]:
    if sort == "relevance" and asked.words:
        return _numbered(connection, best(connection, asked, page.stop)[page])
    found = _numbered(connection, best(connection, asked, WEIGHED))
    return sorted(found, key=_key(sort, usual), reverse=True)[page]


def _numbered(connection: Connection, numbers: Sequence[int]) -> list[Listing]:
    query = select(listings, places.c.id).join(places, _placed()).where(places.c.id.in_(numbers), _shown())
    found = {row.id: row._mapping for row in connection.execute(query)} if numbers else {}
    names = Listing.__struct_fields__
    return [Listing(**{name: found[each][name] for name in names}) for each in numbers if each in found]


def _key(sort: Sort, usual: float) -> Callable[[Listing], Any]:
    match sort:
        case "rating":
            return lambda each: (each.ratings > 0, bayesian(each.stars, each.ratings, usual), each.ratings)
        case "downloads":
            return lambda each: (each.downloads, each.publisher, each.name)
        case _:
            return lambda each: (each.updated_at, each.publisher, each.name)


def _all(
    connection: Connection, kind: PackageKind | None, sort: Sort, usual: float, start: int, many: int
) -> list[Listing]:
    query = select(listings).where(_shown()).offset(start).limit(min(many, max(DEEPEST + 1 - start, 0)))
    if kind:
        query = query.where(listings.c.kind == kind)
    return [record(Listing, row) for row in connection.execute(_ordered(query, sort, usual))]


def _ordered(query: Select[Any], sort: Sort, usual: float) -> Select[Any]:
    last = (listings.c.publisher.desc(), listings.c.name.desc())
    match sort:
        case "rating":
            mean = (VOTES * usual + cast(listings.c.stars, Float)) / (VOTES + listings.c.ratings)
            return query.order_by((listings.c.ratings > 0).desc(), mean.desc(), listings.c.ratings.desc(), *last)
        case "downloads":
            return query.order_by(listings.c.downloads.desc(), *last)
        case _:
            return query.order_by(listings.c.updated_at.desc(), *last)


def _placed() -> ColumnElement[bool]:
    return (places.c.publisher == listings.c.publisher) & (places.c.name == listings.c.name)


def _shown() -> ColumnElement[bool]:
    return (listings.c.latest != "") & ~listings.c.deleted


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 4):
        raise BadRequest("cursor", f"{cursor[:40]!r} is none; take a page's `next`, or leave it out for the first")
    return int(cursor)
