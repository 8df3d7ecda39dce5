"""The web site: pages that are shells without data, and the files they're made of.

A page asks the API for everything it shows, so it needs no key, and is the same for everybody but for its look; what
may be seen is decided in one place, the API.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from litestar import Controller, MediaType, Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig

from hub.flow.brands import Look
from hub.web.languages import Language, Spoken, catalogue, languages, spoken

FOLDER = Path(__file__).parent

# no-cache: kept by the browser but asked about each time, so that an upgraded hub meets no old page.
FRESH = {"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
FOREVER = CacheControlHeader(max_age=365 * 24 * 3600, immutable=True)


Shown = NamedDependency[Look]
"""A page's parameter `look`: how it looks."""


class Site(Controller):
    """The pages that people open in a browser."""

    include_in_schema = False
    opt = {"open": True}  # noqa: RUF012 - Litestar reads it from the class

    @get("/", media_type=MediaType.HTML, sync_to_thread=False)
    def chat(self, look: Shown) -> Template:
        """Show the conversation."""
        return _page("chat.html", "chat", look)

    @get("/tasks", media_type=MediaType.HTML, sync_to_thread=False)
    def tasks(self, look: Shown) -> Template:
        """Show all tasks by state."""
        return _page("tasks.html", "tasks", look)

    @get("/tasks/{id:str}", media_type=MediaType.HTML, sync_to_thread=False)
    def task(self, look: Shown) -> Template:
        """Show one task: its turns, verdicts and steps. The page itself reads the id from its address."""
        return _page("task.html", "task", look)

    @get("/approvals", media_type=MediaType.HTML, sync_to_thread=False)
    def approvals(self, look: Shown) -> Template:
        """Show what waits for one's leave or answer, and take it."""
        return _page("approvals.html", "approvals", look)

    @get("/routes", media_type=MediaType.HTML, sync_to_thread=False)
    def routes(self, look: Shown) -> Template:
        """Show where messages went and why, how often that was right, and put it right."""
        return _page("routes.html", "routes", look)

    @get("/people", media_type=MediaType.HTML, sync_to_thread=False)
    def people(self, look: Shown) -> Template:
        """Show who's known, who asks to be let in, and how to link an account."""
        return _page("people.html", "people", look)

    @get("/desk", media_type=MediaType.HTML, sync_to_thread=False)
    def desk(self, look: Shown) -> Template:
        """Show who wants a human, and have an operator answer them."""
        return _page("desk.html", "desk", look)

    @get("/packages", media_type=MediaType.HTML, sync_to_thread=False)
    def packages(self, look: Shown) -> Template:
        """Show what's installed, what it may, and let more in."""
        return _page("packages.html", "packages", look)

    @get("/packages/find", media_type=MediaType.HTML, sync_to_thread=False)
    def market(self, look: Shown) -> Template:
        """Show what the registries have, and let it in."""
        return _page("market.html", "packages", look)

    @get("/webhooks", media_type=MediaType.HTML, sync_to_thread=False)
    def webhooks(self, look: Shown) -> Template:
        """Show who is told what happens, what went to them, and which systems write."""
        return _page("webhooks.html", "webhooks", look)

    @get("/keys", media_type=MediaType.HTML, sync_to_thread=False)
    def keys(self, look: Shown) -> Template:
        """Show what programs sign in with, and make more."""
        return _page("keys.html", "keys", look)

    @get("/usage", media_type=MediaType.HTML, sync_to_thread=False)
    def usage(self, look: Shown) -> Template:
        """Show what was taken, by day and by whom, and how the quotas stand."""
        return _page("usage.html", "usage", look)

    @get("/status", media_type=MediaType.HTML, sync_to_thread=False)
    def status(self, look: Shown) -> Template:
        """Show what's wrong, each with a way out, and how the hub's parts are."""
        return _page("status.html", "status", look)

    @get("/look", media_type=MediaType.HTML, sync_to_thread=False)
    def look(self, look: Shown) -> Template:
        """Show what pages are called and how they look, to be changed."""
        return _page("look.html", "look", look)

    @get("/sign-in", media_type=MediaType.HTML, sync_to_thread=False)
    def sign_in(self, look: Shown) -> Template:
        """Turn the code behind the # of a sign-in link, or a pasted key, into a session."""
        return _page("sign_in.html", "sign-in", look)

    @get("/invitation", media_type=MediaType.HTML, sync_to_thread=False)
    def invitation(self, look: Shown) -> Template:
        """Turn the code behind the # of an invitation into a way to sign in."""
        return _page("invitation.html", "sign-in", look)

    @get("/account", media_type=MediaType.HTML, sync_to_thread=False)
    def account(self, look: Shown) -> Template:
        """Show how one signs in and where one is signed in, to be changed."""
        return _page("account.html", "account", look)

    @get("/words/{version:str}/{name:str}", cache_control=FOREVER, sync_to_thread=False)
    def words(self, version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """Return the scripts' texts in a language; each version has an address of its own."""
        code = name.removesuffix(".js")
        texts = catalogue(code) if code in languages() else None
        if texts is None or texts.address != f"/words/{version}/{name}":
            raise NotFoundException(detail="words: no such language, or none of this version")
        return Response(texts.script, media_type="text/javascript")


def _page(template: str, page: str, look: Look) -> Template:
    return Template(template, context={"page": page, "look": look}, headers=FRESH)


def static_files() -> Router:
    """Return the route of scripts, styles and pictures."""
    return create_static_files_router(
        path=address(),
        directories=[FOLDER / "static"],
        opt={"open": True},
        cache_control=FOREVER,
    )


def templates() -> TemplateConfig[JinjaTemplateEngine]:
    """Return where the pages' templates lie, and who fills them in."""
    return TemplateConfig(
        directory=FOLDER / "templates",
        engine=JinjaTemplateEngine,
        engine_callback=_prepare,
    )


def _prepare(engine: JinjaTemplateEngine) -> None:
    """Give templates the files' address, what languages there are, and `_()` and `ngettext()` for their texts."""
    environment = engine.engine
    environment.globals.update(static=address(), spoken=_spoken, languages=_languages)
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]  # the extension's


@pass_context
def _spoken(context: Context) -> Spoken:
    """Return the language of the page that's being filled in."""
    state: dict[str, Any] = context["request"].scope["state"]
    if "spoken" not in state:
        state["spoken"] = spoken(context["request"])
    found: Spoken = state["spoken"]
    return found


@pass_context
def _gettext(context: Context, text: str) -> str:
    texts = _spoken(context).catalogue
    return texts.gettext(text) if texts else text


@pass_context
def _ngettext(context: Context, one: str, many: str, count: int) -> str:
    texts = _spoken(context).catalogue
    return texts.ngettext(one, many, count) if texts else one if count == 1 else many


def _languages() -> Sequence[Language]:
    return tuple(languages().values())


@cache
def address() -> str:
    """Return where the files lie: elsewhere after every change of one, so that browsers may keep them for good."""
    digest = sha256()
    for path in sorted((FOLDER / "static").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"
