"""A registry's web, put together: its API and its pages, all below /registry."""

from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler, Message, Scope

from hub import __version__
from hub.registry.limits import networks_of
from hub.registry.parts import Parts
from hub.registry.web.accounts import AccountsController
from hub.registry.web.auth import PATH, SAFE, provide_caller, provide_parts, provide_visitor
from hub.registry.web.desk import Desk
from hub.registry.web.downloads import DownloadsController
from hub.registry.web.faults import answer
from hub.registry.web.gate import Gate, tell
from hub.registry.web.index import IndexController
from hub.registry.web.looks import LooksController
from hub.registry.web.mcp import ServersController
from hub.registry.web.moderation import ModerationController
from hub.registry.web.once import Once
from hub.registry.web.packages import PackagesController
from hub.registry.web.pages import static_files, templates
from hub.registry.web.publishing import PublishingController
from hub.registry.web.ratings import RatingsController
from hub.registry.web.search import SearchController
from hub.registry.web.site import Site, home, robots
from hub.web.lean import Web
from hub.web.shield import HEADERS

BODY = 1024 * 1024
"""The most bytes of a body, before anything is parsed; uploads have a limit of their own."""
API: tuple[ControllerRouterHandler, ...] = (
    AccountsController,
    PackagesController,
    DownloadsController,
    SearchController,
    PublishingController,
    ModerationController,
    RatingsController,
    IndexController,
    LooksController,
)
"""What lies below /registry/v1."""
PAGES: tuple[ControllerRouterHandler, ...] = (Site, Desk, home, robots)
"""What people look at, and what sends them there."""


async def add_headers(message: Message, scope: Scope) -> None:
    """Put the security headers on every answer, errors included; what somebody's own is kept by no cache."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    own = any(name in (b"authorization", b"cookie") for name, _ in scope["headers"])
    if own or scope.get("method") not in SAFE:
        headers.setdefault("Cache-Control", "no-store")


def build(parts: Parts) -> Litestar:
    """Return the web application over a registry's parts."""
    return Web(
        route_handlers=[
            Router(f"{PATH}/v1", route_handlers=API),
            Router(f"{PATH}/v0.1", route_handlers=[ServersController]),
            # Where MCP clients look that are told a host and nothing more.
            Router("/v0.1", route_handlers=[ServersController], include_in_schema=False),
            *PAGES,
            static_files(),
        ],
        state=state_over(parts),
        dependencies={
            "parts": Provide(provide_parts, sync_to_thread=False),
            "caller": Provide(provide_caller),
            "visitor": Provide(provide_visitor),
        },
        middleware=[Gate(), Once()],
        exception_handlers={Exception: answer},
        template_config=templates(),
        before_send=[tell, add_headers],
        request_max_body_size=BODY,
        openapi_config=OpenAPIConfig(
            title="AgentHost registry",
            version=__version__,
            description="Packages: found, fetched, published and rated. Errors are application/problem+json.",
            use_handler_docstrings=True,
            path=f"{PATH}/schema",
            components=Components(
                security_schemes={"token": SecurityScheme(type="http", scheme="bearer", description="ah_...")}
            ),
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
    )


def state_over(parts: Parts) -> State:
    """Return all that an application keeps: with another's it serves another registry."""
    return State({"parts": parts, "proxies": networks_of(parts.config.proxies)})
