"""The servers among the packages, as MCP's own registries list theirs: read by MCP clients, each version an entry.

A server is called PUBLISHER/NAME there too. What's an MCP bundle comes with its download and its SHA-256; what's made
for hubs alone is listed with its page, and without a package that another client would try in vain.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, func, or_, select, tuple_

from hub.errors import BadRequest, NotFound
from hub.manifests.servers import BUNDLE
from hub.registry.shelf import Shelf
from hub.registry.tables import listings, versions
from hub.releases import order

NAMED = ("publisher", "name", "version", "sha256", "description", "state", "reason", "yanked", "yanked_at", "bundle")
MOST = 1_000
"""Versions of one server that are listed."""


class Entry(Struct, frozen=True, kw_only=True):
    """A version of a server."""

    publisher: str
    name: str
    version: str
    sha256: str
    description: str
    state: str
    reason: str
    yanked: str
    yanked_at: datetime | None
    bundle: bool
    published_at: datetime
    latest: bool


class Servers:
    """Looks for servers."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def page(
        self,
        *,
        cursor: str = "",
        limit: int = 30,
        search: str = "",
        version: str = "",
        since: datetime | None = None,
        removed: bool = False,
    ) -> tuple[Sequence[Entry], str]:
        """Return versions by their servers' names, and the cursor of the next page; empty if there's none.

        `search` is a part of a name; `version` may be "latest"; `removed` has those too that were revoked, as `since`
        has, which leaves out what has been as it is for longer. Raises BadRequest for a cursor that's none.
        """
        query = _entries(removed=removed or since is not None).order_by(*_PLACE).limit(limit + 1)
        if cursor:
            query = query.where(tuple_(*_PLACE) > tuple_(*_after(cursor)))
        if search:
            query = query.where(_WHOLE.contains(search.lower(), autoescape=True))
        if version == "latest":
            query = query.where(versions.c.version == listings.c.latest)
        elif version:
            query = query.where(versions.c.version == version)
        if since is not None:
            at = func.coalesce(versions.c.yanked_at, versions.c.published_at, type_=versions.c.published_at.type)
            query = query.where(or_(at >= since, versions.c.state == "revoked"))
        found = await self._shelf.read(lambda connection: _found(connection, query))
        if len(found) <= limit:
            return found, ""
        last = found[limit - 1]
        return found[:limit], f"{last.publisher}/{last.name}:{last.version}"

    async def of(self, publisher: str, name: str, *, removed: bool = False) -> Sequence[Entry]:
        """Return a server's versions, newest first; raises NotFound."""
        mine = (versions.c.publisher == publisher) & (versions.c.name == name)
        query = _entries(removed=removed).where(mine).order_by(versions.c.published_at.desc()).limit(MOST)
        found = await self._shelf.read(lambda connection: _found(connection, query))
        if not found:
            raise NotFound(f"{publisher[:60]}/{name[:60]}: there's no such server")
        return sorted(found, key=lambda each: (each.published_at, order(each.version)), reverse=True)

    async def one(self, publisher: str, name: str, version: str, *, removed: bool = False) -> Entry:
        """Return a server's version, which may be "latest"; raises NotFound."""
        for each in await self.of(publisher, name, removed=removed):
            if each.version == version or (version == "latest" and each.latest):
                return each
        raise NotFound(f"{publisher[:60]}/{name[:60]}: has no version {version[:60]}")


def is_bundle(archive: bytes) -> bool:
    """Say whether an archive that was looked into is an MCP bundle as it stands."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return BUNDLE in opened.namelist()


_PLACE = (versions.c.publisher, versions.c.name, versions.c.version)
_WHOLE = versions.c.publisher + "/" + versions.c.name


def _entries(*, removed: bool) -> Select[Any]:
    ours = (listings.c.publisher == versions.c.publisher) & (listings.c.name == versions.c.name)
    states = ("listed", "revoked") if removed else ("listed",)
    columns = [versions.c[name] for name in (*NAMED, "published_at")]
    return (
        select(*columns, listings.c.latest)
        .join(listings, ours)
        .where(versions.c.kind == "server", versions.c.state.in_(states), ~listings.c.deleted)
    )


def _found(connection: Connection, query: Select[Any]) -> list[Entry]:
    rows = [row._mapping for row in connection.execute(query)]
    return [
        Entry(
            **{name: row[name] for name in NAMED},
            published_at=row["published_at"],
            latest=row["latest"] == row["version"],
        )
        for row in rows
    ]


def _after(cursor: str) -> tuple[str, str, str]:
    name, colon, version = cursor.partition(":")
    publisher, slash, name = name.partition("/")
    if not (colon and slash and publisher and name and version) or len(cursor) > 300:
        raise BadRequest("cursor", f"{cursor[:40]!r} is none; take a page's metadata.nextCursor")
    return publisher, name, version
