"""/v1/sign-in and /v1/sign-out: a browser's session for a code."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from hub.errors import Decided
from hub.web.auth import ANY, Asker, Hub
from hub.web.cookies import SESSION, a_cookie
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.services import Services
from hub.web.shield import NO_FORGERY
from hub.web.signing_in import ProviderView, WaysIn, address_of, session_cookies, session_of
from hub.web.tries import Tries

SILENT = {**PROBLEMS, 204: ResponseSpec(None, description="Done; the cookie says the rest.")}


class SignIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands behind the # of a sign-in link."""

    code: Annotated[str, Meta(min_length=1, max_length=200)]
    instead: bool = False
    """Also where this browser is signed in as somebody else: who follows another's link should know what they do."""


class SignInLink(Struct, frozen=True, kw_only=True):
    """A link that signs a browser in, for an hour."""

    url: str


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
        tries.count(address_of(request))
        person = await services.people.sign_in(data.code)
        if person is None:
            raise NotAuthorizedException(
                detail="code: unknown or older than an hour; take a fresh link from: agenthost status --link, "
                "or from the hub's output at its start"
            )
        before = session_of(request)
        if before is not None and (before.tenant, before.person) != (person.tenant, person.id) and not data.instead:
            raise Decided("code: signs in somebody else than who's signed in here; to have that, send instead: true")
        return Response(None, status_code=204, cookies=await session_cookies(request, services, person))

    @get(
        "/sign-in",
        opt={"open": True},
        security=[{}],
        responses=PROBLEMS,
        summary="Ways to sign in",
        sync_to_thread=False,
    )
    def ways(self, services: Hub) -> WaysIn:
        """Return who vouches for people here."""
        told = services.entrance.passports.providers()
        return WaysIn(oidc=[ProviderView(name=each.name, title=each.title or each.name) for each in told])

    @post("/sign-out", status_code=204, opt={"scope": ANY}, responses=SILENT, summary="Sign out")
    async def sign_out(self, services: Hub, caller: Asker) -> Response[None]:
        """End the session that asks; a bearer key stays."""
        if caller.key.kind == "session":
            await services.entrance.sessions.end(caller.tenant, caller.person, caller.key.id)
        return Response(None, status_code=204, cookies=[a_cookie(services.config, SESSION, "", 0)])

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
