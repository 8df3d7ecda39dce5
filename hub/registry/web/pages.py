"""What all pages of a registry have in common: their frame, their words, and the files they're made of.

A page is made here with all that it shows, so that it's read without scripts and found by search engines. Everything
that people sent is escaped by the templates; only a README becomes HTML, sanitised.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

from litestar import Request, Router
from litestar.datastructures import CacheControlHeader
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from msgspec import Struct

from hub.packages.meanings import KINDS, meaning
from hub.records import PackageKind
from hub.registry.accounts import Caller
from hub.registry.parts import Parts
from hub.registry.records import VersionState
from hub.registry.web.auth import PATH, provide_visitor
from hub.web import site

FOLDER = Path(__file__).parent
STATIC = (FOLDER / "static", site.FOLDER / "static")
"""A file that the hub's site has too is served from there: there's one of each."""


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of package in words."""

    name: str
    many: str
    words: str


class State(Struct, frozen=True, kw_only=True):
    """A version's state in words, and what a moderator can make of it."""

    name: str
    words: str
    ways: tuple[str, ...]


_NAMES: Mapping[PackageKind, tuple[str, str]] = {
    "plugin": ("plugin", "Plugins"),
    "agent": ("agent", "Agents"),
    "skill": ("skill", "Skills"),
    "script": ("script", "Scripts"),
    "server": ("MCP server", "MCP servers"),
}
KIND_WORDS: Mapping[PackageKind, Kind] = {
    kind: Kind(name=_NAMES[kind][0], many=_NAMES[kind][1], words=KINDS[kind]) for kind in get_args(PackageKind)
}
STATES: Mapping[VersionState, State] = {
    "pending": State(name="Waiting", words="The scan hasn’t passed it yet; nobody else sees it.", ways=("revoke",)),
    "listed": State(name="Listed", words="Everybody can find and install it.", ways=("quarantine", "revoke")),
    "held": State(
        name="Held", words="It waits for a moderator; nobody else sees it.", ways=("release", "quarantine", "revoke")
    ),
    "quarantined": State(
        name="Quarantined", words="A moderator took it away for now; it isn’t given out.", ways=("release", "revoke")
    ),
    "revoked": State(name="Revoked", words="It was taken away for good; hubs are told not to use it.", ways=()),
    "deleted": State(name="Deleted", words="It’s gone, and its name is given to nobody.", ways=()),
}
DECISIONS = (("release", "List it"), ("quarantine", "Quarantine"), ("revoke", "Revoke"))
REASONS = (
    ("malware", "It does harm"),
    ("impersonation", "It pretends to be somebody else’s"),
    ("secrets", "It holds or takes secrets"),
    ("spam", "It’s spam"),
    ("illegal", "It’s illegal"),
    ("other", "Something else"),
)


def page(
    template: str, parts: Parts, visitor: Caller | None, path: str, context: Mapping[str, object], *, status: int = 200
) -> Template:
    """Return a page at a path below /registry."""
    return Template(
        template,
        context={
            "page": "",
            "wish": None,
            "private": False,
            "rated_after": after(parts.config.rate_after_hours),
            **context,
            "visitor": visitor,
            "canonical": f"{parts.url}{PATH}{quote(path)}",
        },
        headers={"Cache-Control": "private, no-store" if visitor else "no-cache", "Vary": "Cookie"},
        status_code=status,
        media_type="text/html",
    )


def after(hours: float) -> str:
    """Return in words how long after installing something may be rated."""
    days, rest = divmod(hours, 24)
    number, unit = (days, "day") if days and not rest else (hours, "hour")
    if not number:
        return "at once"
    return f"{number:g} {unit}{'' if number == 1 else 's'} after installing"


def to_sign_in(path: str) -> Redirect:
    """Return the way by the sign-in page and back."""
    return Redirect(f"{PATH}/sign-in?next={quote(f'{PATH}{path}')}", status_code=303)


async def provide_onlooker(request: Request[Any, Any, Any]) -> Caller | None:
    """Give `visitor` to pages, also to those that tell what went wrong; see `provide_visitor`."""
    visitor = await provide_visitor(request)
    request.state["visitor"] = visitor
    return visitor


def static_files() -> Router:
    """Return the route of scripts, styles and pictures."""
    return create_static_files_router(
        path=address(),
        directories=list(STATIC),
        include_in_schema=False,
        cache_control=CacheControlHeader(max_age=365 * 24 * 3600, immutable=True),
    )


def templates() -> TemplateConfig[JinjaTemplateEngine]:
    """Return where the pages' templates lie, and who fills them in."""
    return TemplateConfig(directory=FOLDER / "templates", engine=JinjaTemplateEngine, engine_callback=_prepare)


@cache
def address() -> str:
    """Return where the files lie: elsewhere after every change of one, so that browsers may keep them for good."""
    digest = sha256()
    for file in sorted(file for folder in STATIC for file in folder.iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    return f"{PATH}/static/{digest.hexdigest()[:12]}"


def _prepare(engine: JinjaTemplateEngine) -> None:
    engine.engine.trim_blocks = engine.engine.lstrip_blocks = True
    engine.engine.globals.update(
        root=PATH,
        static=address(),
        meaning=meaning,
        kinds=KIND_WORDS,
        states=STATES,
        decisions=DECISIONS,
        reasons=REASONS,
    )
