"""The registry's pages for everybody: browse, search, a package with its versions, files and ratings, a publisher."""

import re
from datetime import datetime
from typing import Annotated, cast, get_args
from urllib.parse import urlencode

from litestar import Controller, MediaType, get
from litestar.di import Provide
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct
from msgspec.structs import asdict

from hub.errors import BadRequest, NotFound, TooLarge
from hub.records import PackageKind
from hub.registry import contents
from hub.registry.accounts import Caller
from hub.registry.parts import Parts
from hub.registry.rating import Asked
from hub.registry.reading import Archived, Changes, Package, changes
from hub.registry.records import Version
from hub.registry.searching import Sort
from hub.registry.summaries import Summary, summary_of
from hub.registry.web.auth import PATH, Registry, Visitor
from hub.registry.web.pages import page, provide_onlooker
from hub.registry.web.views import VersionView, version_view
from hub.web.render import markdown

SORTS = (
    ("relevance", "what fits best"),
    ("newest", "newest"),
    ("rating", "best rated"),
    ("downloads", "most fetched"),
)
FRONT = 5
"""Packages in each list of the first page."""
PAGE = 20
LINES = 3_000
"""Of a file on its page; its plain text has all of them."""
AT = "/packages/{publisher:str}/{name:str}"
KEPT_OUT = ("v1/", "search", "account", "sign-in", "sign-up", "publish", "moderation", "audit")
"""Pages that are nobody's find: they're one's own, or made of others."""
HEADING = re.compile(r"<(/?)h([1-6])>")
Word = Annotated[str, QueryParameter(max_length=300)]


class Wish(Struct, frozen=True, kw_only=True):
    """What's searched for."""

    q: str
    kind: PackageKind | None
    tag: str
    sort: Sort


class Row(VersionView, frozen=True, kw_only=True):
    """A version, with what it asks for that the one before didn't."""

    changes: Changes


class Shown(Summary, frozen=True, kw_only=True):
    """A package with its versions."""

    license: str
    created_at: datetime
    versions: list[Row]


class Site(Controller):
    """Pages that need no account and no script."""

    path = PATH
    include_in_schema = False
    dependencies = {"visitor": Provide(provide_onlooker)}  # noqa: RUF012 - Litestar reads it from the class

    @get("/", media_type=MediaType.HTML)
    async def browse(self, parts: Registry, visitor: Visitor) -> Template:
        """Show what there is: the newest, the best rated, the most fetched."""
        front = await parts.browsing.front(FRONT)
        return page("browse.html", parts, visitor, "/", asdict(front))

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
        wish = _wish(q.strip(), kind, tag.strip(), sort)
        usual = await parts.usual.mean()
        context: dict[str, object] = {"wish": wish, "sorts": SORTS, "private": True, "items": [], "next": None}
        try:
            found = await parts.search.find(
                wish.q, kind=wish.kind, tag=wish.tag, sort=wish.sort, usual=usual, cursor=cursor, limit=PAGE
            )
        except BadRequest as error:
            context["fault"] = str(error)
        else:
            context["items"] = [summary_of(each, usual) for each in found.items]
            context["next"] = found.next
            context["more"] = f"{PATH}/search?{urlencode({**asdict(wish), 'kind': kind, 'cursor': found.next})}"
        return page("search.html", parts, visitor, "/search", context)

    @get(AT, media_type=MediaType.HTML)
    async def package(
        self, publisher: FromPath[str], name: FromPath[str], parts: Registry, visitor: Visitor, ratings: Word = ""
    ) -> Template:
        """Show a package: what it is, what it may do, who made it, what people think."""
        found = await parts.reading.package(publisher, name, visitor)
        asked = Asked(publisher=publisher, name=name, counted=True, after=ratings or None, limit=PAGE + 1)
        rated = await parts.ratings.listed(asked)
        of = await _shown(parts, found)
        context = {
            "of": of,
            "latest": next(each for each in of.versions if each.version == found.newest.version),
            "keys": found.keys,
            "readme": _readme(found.newest.readme),
            "ratings": rated[:PAGE],
            "more_ratings": rated[PAGE - 1].place if len(rated) > PAGE else None,
            "is_owner": await _owns(parts, visitor, publisher),
        }
        return page("package.html", parts, visitor, f"/packages/{publisher}/{name}", context)

    @get(f"{AT}/versions/{{version:str}}", media_type=MediaType.HTML)
    async def version(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        parts: Registry,
        visitor: Visitor,
    ) -> Template:
        """Show one version of a package."""
        found, changed = await _seen(parts, publisher, name, version, visitor)
        package = await parts.reading.package(publisher, name, visitor)
        context = {
            "of": await _shown(parts, package),
            "version": _row(found, changed),
            "is_owner": await _owns(parts, visitor, publisher),
            "keys": package.keys,
            "readme": _readme(found.readme),
        }
        return page("version.html", parts, visitor, f"/packages/{publisher}/{name}/versions/{version}", context)

    @get([f"{AT}/versions/{{version:str}}/files", f"{AT}/versions/{{version:str}}/files/{{path:path}}"])
    async def files(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        parts: Registry,
        visitor: Visitor,
        path: FromPath[str] = "",
    ) -> Template:
        """Show the files of a version, or one of them."""
        found = await parts.reading.fetchable(publisher, name, version, visitor)
        path = path.removeprefix("/")
        context = {"publisher": publisher, "name": name, "version": version, "path": path, "private": True}
        if path:
            context |= await _text(parts, found, path)
        else:
            context["items"] = await parts.reading.look(found, contents.files)
        where = f"/packages/{publisher}/{name}/versions/{version}/files{f'/{path}' if path else ''}"
        return page("files.html", parts, visitor, where, context)

    @get("/publishers/{publisher:str}", media_type=MediaType.HTML)
    async def publisher(self, publisher: FromPath[str], parts: Registry, visitor: Visitor) -> Template:
        """Show who publishes: their packages and keys."""
        found = await parts.reading.publisher(publisher, visitor)
        usual = await parts.usual.mean()
        context = {
            "of": found.publisher,
            "keys": found.keys,
            "packages": [summary_of(listing, usual) for listing in found.packages],
        }
        return page("publisher.html", parts, visitor, f"/publishers/{publisher}", context)


@get("/", include_in_schema=False, sync_to_thread=False)
def home() -> Redirect:
    """Lead to the first page, where the registry stands alone."""
    return Redirect(f"{PATH}/", status_code=307)


@get(["/robots.txt", f"{PATH}/robots.txt"], media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def robots() -> str:
    """Tell search engines what's worth their while; they ask at the root, which is a registry's if it stands alone."""
    return "User-agent: *\n" + "".join(f"Disallow: {PATH}/{each}\n" for each in KEPT_OUT)


def _readme(text: str) -> str:
    """Return a README as sanitised HTML, its headings below the page's, and code that's scrolled by keys."""
    html = HEADING.sub(lambda found: f"<{found[1]}h{min(6, int(found[2]) + 2)}>", markdown(text))
    return html.replace("<pre>", '<pre tabindex="0">')


def _wish(q: str, kind: str, tag: str, sort: str) -> Wish:
    """Return what's searched for; what can't be meant is left out."""
    return Wish(
        q=q,
        kind=cast("PackageKind", kind) if kind in get_args(PackageKind) else None,
        tag=tag,
        sort=cast("Sort", sort) if sort in get_args(Sort) else "relevance" if q else "newest",
    )


async def _shown(parts: Parts, found: Package) -> Shown:
    listed = [(each.version, each.asks) for each in found.versions if each.state == "listed"]
    return Shown(
        **asdict(summary_of(found.listing, await parts.usual.mean())),
        license=found.newest.license,
        created_at=found.listing.created_at,
        versions=[_row(each, changes(each, listed)) for each in found.versions],
    )


def _row(version: Version, changed: Changes) -> Row:
    return Row(**asdict(version_view(version)), changes=changed)


async def _seen(
    parts: Parts, publisher: str, name: str, version: str, visitor: Caller | None
) -> tuple[Version, Changes]:
    """Return a version; raises NotFound, and Withheld where a moderator took it away."""
    try:
        return await parts.reading.version(publisher, name, version, visitor)
    except NotFound:
        await parts.reading.fetchable(publisher, name, version, visitor)
        raise


async def _text(parts: Parts, version: Archived, path: str) -> dict[str, object]:
    try:
        text = await parts.reading.look(version, lambda archive: contents.text(archive, path))
    except contents.NoText:
        return {"fault": "It isn’t text. To see it, download the zip."}
    except TooLarge as error:
        return {"fault": str(error)}
    lines = text.splitlines()
    return {"lines": lines[:LINES], "more_lines": max(0, len(lines) - LINES), "fault": "" if text else "It’s empty."}


async def _owns(parts: Parts, visitor: Caller | None, publisher: str) -> bool:
    return visitor is not None and await parts.accounts.owns(visitor, publisher)
