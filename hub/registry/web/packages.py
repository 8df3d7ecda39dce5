"""/registry/v1/packages and /publishers: what there is, looked at without an account."""

from typing import Annotated

from litestar import Controller, MediaType, Response, get
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from msgspec import Struct
from msgspec.structs import asdict

from hub.registry import contents
from hub.registry.contents import Inside, NoText
from hub.registry.summaries import summary_of
from hub.registry.web.auth import Registry, Visitor
from hub.registry.web.refusals import refusals
from hub.registry.web.views import (
    PackageView,
    PublisherView,
    VersionList,
    WholeVersion,
    key_view,
    version_view,
    whole_version,
)
from hub.statements import Envelope

Cursor = Annotated[str | None, QueryParameter(max_length=200, description="What `next` said.")]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
VERSION = "/packages/{publisher:str}/{name:str}/versions/{version:str}"
AS_TEXT = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Cache-Control": "no-cache",
}
"""A stranger's file is shown as letters: no browser takes it for a page, whatever is in it."""


class FileList(Struct, frozen=True, kw_only=True):
    """The files of an archive."""

    items: list[Inside]
    next: str | None = None


class PackagesController(Controller):
    """Packages, their versions, and what's in them."""

    tags = ("packages",)

    @get("/packages/{publisher:str}/{name:str}", responses=refusals(404))
    async def package(
        self, publisher: FromPath[str], name: FromPath[str], visitor: Visitor, parts: Registry
    ) -> PackageView:
        """Show a package."""
        found = await parts.reading.package(publisher, name, visitor)
        summary = summary_of(found.listing, await parts.usual.mean())
        return PackageView(
            **asdict(summary),
            license=found.newest.license,
            readme=found.newest.readme,
            created_at=found.listing.created_at,
            keys=[key_view(key) for key in found.keys],
            versions=[version_view(version) for version in found.versions],
        )

    @get("/packages/{publisher:str}/{name:str}/versions", responses=refusals(404))
    async def versions(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        visitor: Visitor,
        parts: Registry,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> VersionList:
        """List a package's versions, newest first."""
        found = await parts.reading.versions(publisher, name, visitor, after=cursor, limit=limit + 1)
        shown = found[:limit]
        return VersionList(
            items=[version_view(version) for version in shown],
            next=shown[-1].version if len(found) > limit else None,
        )

    @get(VERSION, responses=refusals(404))
    async def version(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        visitor: Visitor,
        parts: Registry,
    ) -> WholeVersion:
        """Show a version, with how what it asks for differs from the one before."""
        found, changes = await parts.reading.version(publisher, name, version, visitor)
        return whole_version(found, changes)

    @get(
        f"{VERSION}/statement",
        responses={
            **refusals(404),
            200: ResponseSpec(Envelope, description="As its publisher sent it.", generate_examples=False),
        },
    )
    async def statement(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        visitor: Visitor,
        parts: Registry,
    ) -> Response[bytes]:
        """Give the publisher's signed statement, byte by byte as it was uploaded."""
        found, _ = await parts.reading.version(publisher, name, version, visitor)
        return Response(found.envelope.encode(), media_type=MediaType.JSON, headers={"Cache-Control": "no-cache"})

    @get(f"{VERSION}/files", responses=refusals(404, 451))
    async def files(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        visitor: Visitor,
        parts: Registry,
    ) -> FileList:
        """List the files of a version's archive."""
        found = await parts.reading.fetchable(publisher, name, version, visitor)
        return FileList(items=await parts.reading.look(found, contents.files))

    @get(
        f"{VERSION}/files/{{path:path}}",
        responses={
            **refusals(404, 413, 415, 451),
            200: ResponseSpec(str, description="Its text.", media_type=MediaType.TEXT, generate_examples=False),
        },
        media_type=MediaType.TEXT,
    )
    async def file(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        path: FromPath[str],
        visitor: Visitor,
        parts: Registry,
    ) -> Response[str]:
        """Show a file of a version's archive, if it's text."""
        found = await parts.reading.fetchable(publisher, name, version, visitor)
        try:
            text = await parts.reading.look(found, lambda archive: contents.text(archive, path.removeprefix("/")))
        except NoText:
            raise HTTPException(
                status_code=415, detail="this file isn't text in UTF-8; to see it, download the archive"
            ) from None
        return Response(text, media_type=MediaType.TEXT, headers=AS_TEXT)

    @get("/publishers/{publisher:str}", responses=refusals(404))
    async def publisher(self, publisher: FromPath[str], visitor: Visitor, parts: Registry) -> PublisherView:
        """Show a publisher: its keys and its packages."""
        found = await parts.reading.publisher(publisher, visitor)
        usual = await parts.usual.mean()
        return PublisherView(
            name=found.publisher.name,
            created_at=found.publisher.created_at,
            keys=[key_view(key) for key in found.keys],
            packages=[summary_of(listing, usual) for listing in found.packages],
        )
