"""/v1/sign-in and /v1/sign-out: a browser's session for a code."""

from collections import deque
from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from hub.errors import TooMany
from hub.flow.people import SESSION_SPAN
from hub.ports import Clock
from hub.web.auth import ANY, COOKIE, Asker, Hub
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.services import Services
from hub.web.shield import NO_FORGERY

TRIES = 20
WITHIN = 60.0
CLIENTS = 1000
SILENT = {**PROBLEMS, 204: ResponseSpec(None, description="Done; the cookie says the rest.")}


class SignIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands behind the # of a sign-in link."""

    code: Annotated[str, Meta(min_length=1, max_length=200)]


class SignInLink(Struct, frozen=True, kw_only=True):
    """A link that signs a browser in, for an hour."""

    url: str


class Tries:
    """Counts what each client tried within the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[str, deque[float]] = {}

    def count(self, client: str) -> None:
        """Count one; raises TooMany when it's one too many."""
        now = self._clock.monotonic()
        if client not in self._tries and len(self._tries) >= CLIENTS:
            self._tries.clear()
        tries = self._tries.setdefault(client, deque(maxlen=TRIES))
        if len(tries) == TRIES and now - tries[0] < WITHIN:
            after = WITHIN - (now - tries[0])
            raise TooMany(f"sign-in: {TRIES} tries within a minute; try again in {after:.0f} seconds", after)
        tries.append(now)


class SessionsController(Controller):
    """A browser's session for a code."""

    path = "/v1"
    tags = ("sign-in",)

    @post(
        "/sign-in",
        status_code=204,
        opt={"open": True, NO_FORGERY: True},
        security=[{}],
        responses=SILENT,
        summary="Sign in",
    )
    async def sign_in(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], data: JSONBody[SignIn]
    ) -> Response[None]:
        """Open a session for a code; its cookie is out of reach for scripts and for other sites."""
        tries.count(request.client.host if request.client else "")
        session = await services.people.sign_in(data.code)
        if session is None:
            raise NotAuthorizedException(
                detail="code: unknown or older than an hour; take a fresh link from: agenthost status --link, "
                "or from the hub's output at its start"
            )
        return Response(
            None, status_code=204, cookies=[_cookie(services, session[1], int(SESSION_SPAN.total_seconds()))]
        )

    @post("/sign-out", status_code=204, opt={"scope": ANY}, responses=SILENT, summary="Sign out")
    async def sign_out(self, services: Hub, caller: Asker) -> Response[None]:
        """End the session that asks; a bearer key stays."""
        if caller.key.kind == "session":
            await services.people.revoke(caller.tenant, caller.key.id)
        return Response(None, status_code=204, cookies=[_cookie(services, "", 0)])

    @post(
        "/sign-in/links",
        status_code=201,
        opt={"scope": "admin", SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Make a sign-in link",
    )
    async def link(self, services: Hub, caller: Asker) -> SignInLink:
        """Make a link that signs a browser in as the caller's person."""
        return SignInLink(url=sign_in_url(services, services.people.new_code(caller.tenant, caller.person)))


def sign_in_url(services: Services, code: str) -> str:
    """Return the link for a code. It stands behind the #, so that no server and no log sees it."""
    hub = services.config.hub
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(hub.host, f"[{hub.host}]" if ":" in hub.host else hub.host)  # noqa: S104 - only compared with
    return f"{hub.url.rstrip('/') or f'http://{host}:{hub.port}'}/sign-in#{code}"


def _cookie(services: Services, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="strict",
        secure=services.config.hub.url.startswith("https://"),
    )
