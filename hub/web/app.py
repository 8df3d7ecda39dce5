"""The web, put together: API, sign-in, events and pages over one set of services."""

from litestar import Controller, Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from hub.web.approvals import ApprovalsController
from hub.web.auth import COOKIE, Authentication, guard, provide_caller, provide_services
from hub.web.calls import ReceiptsController
from hub.web.chats import MessagesController
from hub.web.events import watch_events
from hub.web.exports import export
from hub.web.files import AROUND, FilesController, HubRequest
from hub.web.hooks import telegram
from hub.web.keys import KeysController
from hub.web.metrics import COUNTED, metrics
from hub.web.once import Once
from hub.web.packages import PackagesController
from hub.web.people import PeopleController
from hub.web.preferences import PreferencesController
from hub.web.problems import answer_problem
from hub.web.registries import RegistriesController
from hub.web.schedules import SchedulesController
from hub.web.services import Services
from hub.web.sessions import SessionsController, Tries
from hub.web.shield import Csrf, Shield, add_headers, csrf_config
from hub.web.site import Site, static_files, templates
from hub.web.socket import talk
from hub.web.status import StatusController
from hub.web.tasks import TasksController
from hub.web.timeline import TimelineController
from hub.web.usable import UsableController
from hub.web.waker import WakerController

BODY = 1024 * 1024
"""The most bytes of a request's body, before anything is parsed."""


def build(services: Services) -> Litestar:
    """Return the web application over these services."""
    tries = Tries(services.clock)
    return Litestar(
        route_handlers=[
            _with_files(services, MessagesController, FilesController),
            TasksController,
            SchedulesController,
            ReceiptsController,
            TimelineController,
            ApprovalsController,
            KeysController,
            PreferencesController,
            PeopleController,
            export,
            PackagesController,
            RegistriesController,
            UsableController,
            SessionsController,
            StatusController,
            metrics,
            watch_events,
            telegram,
            WakerController,
            talk,
            Site,
            static_files(),
        ],
        state=State({"services": services}),
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "caller": Provide(provide_caller, sync_to_thread=False),
            "tries": Provide(lambda: tries, sync_to_thread=False),
        },
        middleware=[
            Shield(),
            DefineMiddleware(Authentication),
            DefineMiddleware(
                Csrf, config=csrf_config(services.secret, secure=services.config.hub.url.startswith("https://"))
            ),
            Once(),
            # Innermost: what another one raises has no status yet, and would count as good.
            COUNTED.middleware,
        ],
        guards=[guard],
        template_config=templates(),
        exception_handlers={Exception: answer_problem},
        before_send=[add_headers],
        request_max_body_size=BODY,
        openapi_config=_openapi(services.version),
        request_class=HubRequest,
        logging_config=None,
    )


def _with_files(services: Services, *controllers: type[Controller]) -> Router:
    """Return endpoints that take bodies as large as a file may be."""
    return Router("/", route_handlers=controllers, request_max_body_size=services.uploads.limit + AROUND)


def _openapi(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="AgentHost",
        version=version,
        description="Messages in, answers out; tasks, events and keys. Errors are application/problem+json.",
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", description="An API key: ah_..."),
                "session": SecurityScheme(type="apiKey", security_scheme_in="cookie", name=COOKIE),
            }
        ),
        security=[{"key": []}, {"session": []}],
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/schema", route_handlers=[], opt={"open": True}, include_in_schema=False),
    )
