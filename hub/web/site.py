"""The web site: pages that are shells without data, and the files they're made of.

A page asks the API for everything it shows, so it's the same for everybody and needs no key; what may be seen is
decided in one place, the API.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path

from litestar import Controller, MediaType, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig

FOLDER = Path(__file__).parent

# no-cache: kept by the browser but asked about each time, so that an upgraded hub meets no old page.
FRESH = {"Cache-Control": "no-cache"}


class Site(Controller):
    """The pages that people open in a browser."""

    include_in_schema = False
    opt = {"open": True}  # noqa: RUF012 - Litestar reads it from the class

    @get("/", media_type=MediaType.HTML, sync_to_thread=False)
    def chat(self) -> Template:
        """Show the conversation."""
        return Template("chat.html", context={"page": "chat"}, headers=FRESH)

    @get("/tasks", media_type=MediaType.HTML, sync_to_thread=False)
    def tasks(self) -> Template:
        """Show all tasks by state."""
        return Template("tasks.html", context={"page": "tasks"}, headers=FRESH)

    @get("/tasks/{id:str}", media_type=MediaType.HTML, sync_to_thread=False)
    def task(self) -> Template:
        """Show one task: its turns, verdicts and steps. The page itself reads the id from its address."""
        return Template("task.html", context={"page": "task"}, headers=FRESH)

    @get("/people", media_type=MediaType.HTML, sync_to_thread=False)
    def people(self) -> Template:
        """Show who's known, who asks to be let in, and how to link an account."""
        return Template("people.html", context={"page": "people"}, headers=FRESH)

    @get("/packages", media_type=MediaType.HTML, sync_to_thread=False)
    def packages(self) -> Template:
        """Show what's installed, what it may, and let more in."""
        return Template("packages.html", context={"page": "packages"}, headers=FRESH)

    @get("/packages/find", media_type=MediaType.HTML, sync_to_thread=False)
    def market(self) -> Template:
        """Show what the registries have, and let it in."""
        return Template("market.html", context={"page": "packages"}, headers=FRESH)

    @get("/status", media_type=MediaType.HTML, sync_to_thread=False)
    def status(self) -> Template:
        """Show what's wrong, each with a way out, and how the hub's parts are."""
        return Template("status.html", context={"page": "status"}, headers=FRESH)

    @get("/sign-in", media_type=MediaType.HTML, sync_to_thread=False)
    def sign_in(self) -> Template:
        """Turn the code behind the # of a sign-in link, or a pasted key, into a session."""
        return Template("sign_in.html", context={"page": "sign-in"}, headers=FRESH)


def static_files() -> Router:
    """Return the route of scripts, styles and pictures."""
    return create_static_files_router(
        path=address(),
        directories=[FOLDER / "static"],
        opt={"open": True},
        cache_control=CacheControlHeader(max_age=365 * 24 * 3600, immutable=True),
    )


def templates() -> TemplateConfig[JinjaTemplateEngine]:
    """Return where the pages' templates lie, and who fills them in."""
    return TemplateConfig(
        directory=FOLDER / "templates",
        engine=JinjaTemplateEngine,
        engine_callback=lambda engine: engine.engine.globals.update(static=address()),
    )


@cache
def address() -> str:
    """Return where the files lie: elsewhere after every change of one, so that browsers may keep them for good."""
    digest = sha256()
    for path in sorted((FOLDER / "static").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"
