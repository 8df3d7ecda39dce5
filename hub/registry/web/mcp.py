"""/registry/v0.1/servers, and /v0.1/servers: the servers among the packages, for clients of MCP registries.

As https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/api/openapi.yaml has it, read-only, with
server.json of the schema 2025-12-11.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import UNSET, Struct, UnsetType, field

from hub.errors import BadRequest
from hub.registry.mcp import Entry
from hub.registry.parts import Parts
from hub.registry.web.auth import PATH, Registry
from hub.registry.web.refusals import refusals

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
DESCRIBED, SAID = 100, 500
"""Characters of a description, and of why a version isn't active."""
OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=60"}
"""Clients in browsers read it too; nothing of anybody's session is in it."""
Cursor = Annotated[str, QueryParameter(max_length=300, description="What metadata.nextCursor said.")]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Part = Annotated[str, QueryParameter(max_length=100, description="A part of a server's name.")]
Which = Annotated[str, QueryParameter(max_length=100, description='"latest", or an exact version.')]
Since = Annotated[datetime | None, QueryParameter(description="Only what was published or changed since.")]
Removed = Annotated[bool, QueryParameter(description="Also versions that were revoked, as deleted.")]


class Transport(Struct, frozen=True, kw_only=True):
    """How a server is talked to."""

    type: Literal["stdio"] = "stdio"


class Package(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """Where a server's bundle is."""

    registry_type: Literal["mcpb"] = "mcpb"
    identifier: str
    """Its download."""
    version: str
    file_sha256: str = field(name="fileSha256")
    transport: Transport = Transport()


class Detail(Struct, frozen=True, kw_only=True, rename="camel"):
    """A server.json."""

    schema: str = field(name="$schema", default=SCHEMA)
    name: str
    description: str
    version: str
    website_url: str
    packages: list[Package] | UnsetType = UNSET


class Standing(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the registry says of a version."""

    status: Literal["active", "deprecated", "deleted"]
    status_message: str | UnsetType = UNSET
    status_changed_at: datetime
    published_at: datetime
    updated_at: datetime
    is_latest: bool


class Meta(Struct, frozen=True, kw_only=True):
    """The registry's own words beside a server.json."""

    official: Standing = field(name="io.modelcontextprotocol.registry/official")


class ServerResponse(Struct, frozen=True, kw_only=True):
    """A version of a server."""

    server: Detail
    meta: Meta = field(name="_meta")


class Metadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a listing goes on."""

    next_cursor: str | UnsetType = UNSET
    count: int


class ServerList(Struct, frozen=True, kw_only=True):
    """A page of servers."""

    servers: list[ServerResponse]
    metadata: Metadata


class ServersController(Controller):
    """Servers, as an MCP registry lists them."""

    path = "/servers"
    tags = ("mcp",)

    @get(responses=refusals())
    async def servers(
        self,
        request: Request[Any, Any, Any],
        parts: Registry,
        cursor: Cursor = "",
        limit: Limit = 30,
        search: Part = "",
        version: Which = "",
        updated_since: Since = None,
        include_deleted: Removed = False,
    ) -> Response[ServerList]:
        """List servers by their names, each version an entry."""
        if not re.match(r"\d{4}-|$", since := request.query_params.get("updated_since", "")):
            # A number would be taken for seconds since 1970, which the specification doesn't have.
            raise BadRequest("updated_since", f"{since[:40]!r} is no time; write it as 2026-11-30T12:00:00Z")
        found, following = await parts.servers.page(
            cursor=cursor, limit=limit, search=search, version=version, since=updated_since, removed=include_deleted
        )
        return _listed(parts, found, following)

    @get("/{publisher:str}/{name:str}/versions", responses=refusals(404))
    async def versions(
        self, publisher: FromPath[str], name: FromPath[str], parts: Registry, include_deleted: Removed = False
    ) -> Response[ServerList]:
        """List a server's versions, newest first."""
        return _listed(parts, await parts.servers.of(publisher, name, removed=include_deleted), "")

    @get("/{publisher:str}/{name:str}/versions/{version:str}", responses=refusals(404))
    async def version(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        parts: Registry,
        include_deleted: Removed = False,
    ) -> Response[ServerResponse]:
        """Show a version; "latest" is the newest."""
        found = await parts.servers.one(publisher, name, version, removed=include_deleted)
        return Response(_shown(parts, found), headers=OPEN)


def _listed(parts: Parts, found: Sequence[Entry], following: str) -> Response[ServerList]:
    metadata = Metadata(next_cursor=following or UNSET, count=len(found))
    return Response(ServerList(servers=[_shown(parts, each) for each in found], metadata=metadata), headers=OPEN)


def _shown(parts: Parts, entry: Entry) -> ServerResponse:
    place = f"packages/{entry.publisher}/{entry.name}"
    server: dict[str, Any] = {}
    if entry.bundle:
        download = f"{parts.url}{PATH}/v1/{place}/versions/{entry.version}/download"
        server["packages"] = [Package(identifier=download, version=entry.version, file_sha256=entry.sha256)]
    return ServerResponse(
        server=Detail(
            name=f"{entry.publisher}/{entry.name}",
            description=_cut(entry.description, DESCRIBED),
            version=entry.version,
            website_url=f"{parts.url}{PATH}/{place}",
            **server,
        ),
        meta=Meta(official=_standing(entry)),
    )


def _standing(entry: Entry) -> Standing:
    revoked, at = entry.state == "revoked", entry.yanked_at or entry.published_at
    why = (entry.reason if revoked else entry.yanked) if revoked or entry.yanked_at else ""
    return Standing(
        status="deleted" if revoked else "deprecated" if entry.yanked_at else "active",
        status_message=_cut(why, SAID) if why else UNSET,
        status_changed_at=at,
        published_at=entry.published_at,
        updated_at=at,
        is_latest=entry.latest,
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
