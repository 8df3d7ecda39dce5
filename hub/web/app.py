"""The web, put together: API, sign-in, events and pages over one set of services."""

from typing import Any, cast

from litestar import Controller, Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler

from hub.web.a2a.bindings import A2AController, agent_card
from hub.web.account import AccountController
from hub.web.approvals import ApprovalsController
from hub.web.audit import AuditController
from hub.web.auth import Authentication, guard, provide_caller, provide_services
from hub.web.brand import BrandController, BrandFiles, provide_look
from hub.web.calls import ReceiptsController
from hub.web.chats import MessagesController
from hub.web.cookies import SESSION, name_of
from hub.web.document import described
from hub.web.embeds import EmbedsController
from hub.web.events import watch_events
from hub.web.exports import export
from hub.web.files import AROUND, FilesController, HubRequest, in_base64
from hub.web.foreign import Foreign
from hub.web.guests import GuestsController
from hub.web.handovers import HandoversController
from hub.web.hooks import telegram
from hub.web.inlets import InletsController, take
from hub.web.invitations import InvitationsController
from hub.web.keys import KeysController
from hub.web.lean import Web
from hub.web.local import ComputersController, lend
from hub.web.mcp.door import mcp
from hub.web.metrics import COUNTED, metrics
from hub.web.once import Once
from hub.web.openai.chat import ChatController
from hub.web.openai.faults import answer_fault, speaks_so
from hub.web.openai.models import ModelsController
from hub.web.openai.responses import ResponsesController
from hub.web.pace import Pace, tell_pace
from hub.web.packages import PackagesController
from hub.web.pausing import PauseController
from hub.web.people import PeopleController
from hub.web.preferences import PreferencesController
from hub.web.problems import answer_problem
from hub.web.registries import RegistriesController
from hub.web.routes import RoutesController
from hub.web.schedules import SchedulesController
from hub.web.services import Services
from hub.web.sessions import SessionsController
from hub.web.shield import Csrf, Shield, add_headers, csrf_config
from hub.web.signing_in import SigningInController
from hub.web.site import Site, static_files, templates
from hub.web.socket import talk
from hub.web.status import StatusController
from hub.web.tasks import TasksController
from hub.web.tenants import TenantsController
from hub.web.timeline import TimelineController
from hub.web.tries import Tries
from hub.web.usable import UsableController
from hub.web.usage import UsageController
from hub.web.vouched import VouchedController
from hub.web.waiting import WaitingController
from hub.web.waker import WakerController
from hub.web.webhooks import WebhooksController

MORE = (
    SchedulesController,
    ReceiptsController,
    TimelineController,
    ApprovalsController,
    WaitingController,
    RoutesController,
    HandoversController,
    AuditController,
    PauseController,
)
BODY = 1024 * 1024
"""The most bytes of a request's body, before anything is parsed."""
OF_CUSTOMERS = (TenantsController, EmbedsController, GuestsController, UsageController, BrandController, BrandFiles)
OF_SIGN_IN = (SessionsController, SigningInController, VouchedController, AccountController, InvitationsController)


FOR_PROGRAMS: list[ControllerRouterHandler] = [mcp, A2AController, agent_card]

LENDING = (ComputersController, lend)


def build(services: Services) -> Litestar:
    """Return the web application over these services."""
    return Web(
        route_handlers=[
            _with_files(services, MessagesController, FilesController),
            TasksController,
            *MORE,
            KeysController,
            *OF_CUSTOMERS,
            PreferencesController,
            *LENDING,
            PeopleController,
            export,
            PackagesController,
            RegistriesController,
            UsableController,
            _speaking_openai(services, ChatController, ResponsesController, ModelsController),
            *OF_SIGN_IN,
            StatusController,
            metrics,
            watch_events,
            telegram,
            *FOR_PROGRAMS,
            WebhooksController,
            InletsController,
            take,
            WakerController,
            talk,
            Site,
            static_files(),
        ],
        state=state_over(services),
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "caller": Provide(provide_caller, sync_to_thread=False),
            "look": Provide(provide_look),
            "tries": Provide(_provide_tries, sync_to_thread=False),
        },
        middleware=[
            Foreign(),
            Shield(),
            DefineMiddleware(Authentication),
            Pace(),
            DefineMiddleware(
                Csrf, config=csrf_config(services.secret, secure=services.config.hub.url.startswith("https://"))
            ),
            Once(),
            # Innermost: what another one raises has no status yet, and would count as good.
            COUNTED.middleware,
        ],
        guards=[guard],
        template_config=templates(),
        exception_handlers={Exception: _answer_error},
        before_send=[add_headers, tell_pace],
        request_max_body_size=BODY,
        openapi_config=described(services.version, services.config.hub.url, name_of(services.config, SESSION)),
        request_class=HubRequest,
        logging_config=None,
    )


def state_over(services: Services) -> State:
    """Return all that an application keeps: with another's it serves other services."""
    return State({"services": services, "tries": Tries(services.clock)})


def _provide_tries(state: State) -> Tries:
    return cast("Tries", state.tries)


def _with_files(services: Services, *controllers: type[Controller]) -> Router:
    """Return endpoints that take bodies as large as a file may be."""
    return Router("/", route_handlers=controllers, request_max_body_size=services.uploads.limit + AROUND)


def _speaking_openai(services: Services, *controllers: type[Controller]) -> Router:
    """Return endpoints whose JSON may hold files."""
    return Router("/", route_handlers=controllers, request_max_body_size=in_base64(services.uploads.limit))


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return (answer_fault if speaks_so(request.url.path) else answer_problem)(request, error)
