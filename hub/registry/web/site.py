"""The registry's pages for everybody: browse, search, a package with its versions, files and ratings, a publisher."""

import asyncio
from pathlib import Path
from typing import Annotated, BinaryIO

from litestar import Controller, MediaType, Response, get
from litestar.di import Provide
from litestar.params import FromPath, Parameter
from litestar.response import Template
from msgspec import Struct

from hub.errors import NotFound, TooLarge
from hub.registry import contents
from hub.registry.accounts import Caller
from hub.registry.parts import Parts
from hub.registry.reading import Package, changes
from hub.registry.records import Version
from hub.registry.summaries import summary_of
from hub.registry.web.auth import PATH, Registry, Visitor
from hub.registry.web.pages import page, provide_onlooker
from hub.registry.web.views import PackageView, VersionView, key_view, version_view
from hub.web.render import markdown

SORTS = (
    ("relevance", "what fits best"),
    ("newest", "newest"),
    ("rating", "best rated"),
    ("downloads", "most fetched"),
)
FRONT = 6
"""Packages in each list of the first page."""
PAGE = 20
Word = Annotated[str, Parameter(max_length=200)]


class Wish(Struct, frozen=True, kw_only=True):
    """What's searched for."""

    q: str = ""
    kind: str = ""
    tag: str = ""
    sort: str = "relevance"


class Row(VersionView, frozen=True, kw_only=True):
    """A version in a list, with what it asks for that the one before didn't."""

    changes: object


class Site(Controller):
    """Pages that need no account and no script."""

    path = PATH
    include_in_schema = False
    dependencies = {"visitor": Provide(provide_onlooker)}  # noqa: RUF012 - Litestar reads it from the class

    @get("/", media_type=MediaType.HTML)
    async def browse(self, parts: Registry, visitor: Visitor) -> Template:
        """Show what there is: the newest, the best rated, the most fetched."""
        shown = await parts.browsing.front(FRONT)
        return page("browse.html", parts, visitor, "/", shown)

    @get("/search", media_type=MediaType.HTML)
    async def search(
        self,
        parts: Registry,
        visitor: Visitor,
        q: Word = "",
        kind: Word = "",
        tag: Word = "",
        sort: Word = "",
        cursor: Word = "",
    ) -> Template:
        """Show what fits a query."""
        wish = Wish(q=q.strip(), kind=kind, tag=tag.strip(), sort=sort or ("relevance" if q.strip() else "newest"))
        found = await parts.browsing.search(wish, cursor, PAGE)
        return page("search.html", parts, visitor, "/search", found)

    @get("/packages/{publisher:str}/{name:str}", media_type=MediaType.HTML)
    async def package(
        self, publisher: FromPath[str], name: FromPath[str], parts: Registry, visitor: Visitor, ratings: Word = ""
    ) -> Template:
        """Show a package: what it is, what it may do, who made it, what people think."""
        found = await parts.reading.package(publisher, name, visitor)
        context = {"of": await _package(parts, found), "readme": markdown(found.newest.readme)}
        return page("package.html", parts, visitor, f"/packages/{publisher}/{name}", context)

    @get("/robots.txt", media_type=MediaType.TEXT, sync_to_thread=False)
    def robots(self) -> str:
        """Tell search engines what's worth their while."""
        kept_out = ("v1/", "search", "account", "sign-in", "sign-up", "publish", "moderation", "audit")
        return "User-agent: *\n" + "".join(f"Disallow: {PATH}/{each}\n" for each in kept_out)
