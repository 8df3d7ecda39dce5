"""/v1/sign-in/...: people sign in as themselves, step by step; and what every way in ends with, a session's cookie.

What's proved so far is in a sealed cookie of this browser, never in a page or an address.
"""

import ipaddress
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.flow import passports, steps
from hub.flow.logins import Asked, Outcome, Proven, WrongCode, WrongPassword
from hub.flow.people import SESSION_SPAN
from hub.records import Key, Person, TenantId
from hub.web.auth import Hub, caller_of
from hub.web.cookies import DEVICE, SESSION, STEP, WAY, a_cookie, language_cookie, name_of
from hub.web.devices import device_of
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.services import Services
from hub.web.shield import NO_FORGERY, is_here, name_in
from hub.web.tries import Tries

OPEN = {"open": True, NO_FORGERY: True, SHOWN_ONCE: True}
"""The `opt` of a way in. Another site's page can't use one: its Origin is refused."""
DEVICE_SPAN = 180 * 24 * 3600
"""Seconds that a browser stays known."""
Email = Annotated[str, Meta(min_length=1, max_length=320)]
Secret = Annotated[str, Meta(min_length=1, max_length=1024)]
OneTime = Annotated[str, Meta(min_length=1, max_length=64)]


class ByPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who somebody says they are, and what proves it."""

    email: Email
    password: Secret


class ByTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where somebody wants to be signed in who may be in several tenants."""

    tenant: Annotated[str, Meta(min_length=1, max_length=64)]


class ByCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an authenticator app shows, or a recovery code."""

    code: OneTime


class ByProvider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a browser goes to an identity provider."""

    invitation: Annotated[str, Meta(max_length=200)] = ""
    """The code of one that's accepted that way; empty: to sign in."""


class TenantChoice(Struct, frozen=True, kw_only=True):
    """A tenant in which the address and the password are good."""

    id: TenantId
    name: str


class Next(Struct, frozen=True, kw_only=True):
    """What comes next."""

    next: Literal["done", "choose", "code", "enrol"]
    """done: signed in, the cookie says the rest. choose: POST .../choose. code: POST .../code. enrol: an authenticator
    app is needed here and none is set up; POST .../enrol with a code of it."""
    tenants: list[TenantChoice] = []
    secret: str = ""
    """For the app, and the same as an otpauth: address and as a picture of that (an SVG as a data: URL)."""
    uri: str = ""
    qr: str = ""
    recovery: list[str] = []
    """Codes for when the app is lost, each good once; they're shown this once."""


class ProviderView(Struct, frozen=True, kw_only=True):
    """Somebody who vouches for people here."""

    name: str
    title: str


class WaysIn(Struct, frozen=True, kw_only=True):
    """How one may sign in, beside by e-mail and password."""

    oidc: list[ProviderView]


class Elsewhere(Struct, frozen=True, kw_only=True):
    """Where the browser goes on."""

    url: str


class SigningInController(Controller):
    """People sign in as themselves."""

    path = "/v1/sign-in"
    tags = ("sign-in",)
    security = ({},)

    @post("/password", status_code=200, opt=OPEN, responses=PROBLEMS, summary="Sign in by a password")
    async def by_password(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], data: JSONBody[ByPassword]
    ) -> Response[Next]:
        """Take an address and a password. Whether either is known isn't told, nor does it take longer."""
        tries.count(address_of(request))
        device = request.cookies.get(name_of(services.config, DEVICE), "")
        try:
            outcome = await services.entrance.logins.by_password(data.email, data.password, device)
        except WrongPassword as error:
            raise NotAuthorizedException(detail=str(error)) from None
        return await proceed(request, services, outcome)

    @get("/step", opt={"open": True}, responses=PROBLEMS, summary="Read what comes next")
    async def step(self, request: Request[Any, Any, Any], services: Hub) -> Next:
        """Return what's awaited of this browser, for a page that was loaded again."""
        return _next(await services.entrance.logins.resumed(_step(request, services)))

    @post("/choose", status_code=200, opt=OPEN, responses=PROBLEMS, summary="Choose a tenant")
    async def choose(self, request: Request[Any, Any, Any], services: Hub, data: JSONBody[ByTenant]) -> Response[Next]:
        """Go on in one of several tenants."""
        outcome = await services.entrance.logins.choose(_step(request, services), data.tenant)
        return await proceed(request, services, outcome)

    @post("/code", status_code=200, opt=OPEN, responses=PROBLEMS, summary="Give a code")
    async def code(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], data: JSONBody[ByCode]
    ) -> Response[Next]:
        """Take a code of the authenticator app, or a recovery code; each is good once."""
        tries.count(address_of(request))
        try:
            outcome = await services.entrance.logins.by_code(_step(request, services), data.code)
        except WrongCode as error:
            raise NotAuthorizedException(detail=str(error)) from None
        return await proceed(request, services, outcome)

    @post("/enrol", status_code=200, opt=OPEN, responses=PROBLEMS, summary="Set up an app")
    async def enrol(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], data: JSONBody[ByCode]
    ) -> Response[Next]:
        """Set up an authenticator app where one is needed, by a code that it shows."""
        tries.count(address_of(request))
        try:
            outcome = await services.entrance.logins.enrol(_step(request, services), data.code)
        except WrongCode as error:
            raise NotAuthorizedException(detail=str(error)) from None
        return await proceed(request, services, outcome)

    @post("/oidc/{name:str}", status_code=200, opt=OPEN, responses=PROBLEMS, summary="Sign in by a provider")
    async def by_provider(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        tries: NamedDependency[Tries],
        name: FromPath[str],
        data: JSONBody[ByProvider],
    ) -> Response[Elsewhere]:
        """Return where to send the browser; it comes back to /sign-in/oidc/{name}."""
        tries.count(address_of(request))
        back = redirect_of(request, services, name)
        url, way = await services.entrance.passports.begin(
            name, back, invitation=data.invitation, before=session_of(request)
        )
        return Response(Elsewhere(url=url), cookies=[way_cookie(services, way)])


async def proceed(request: Request[Any, Any, Any], services: Services, outcome: Outcome) -> Response[Next]:
    """Answer with what comes next: one more step, or a session."""
    if isinstance(outcome, Asked):
        step = a_cookie(services.config, STEP, outcome.step, int(steps.SPAN.total_seconds()))
        return Response(_next(outcome), status_code=200, cookies=[step])
    device = services.entrance.logins.device_of(outcome.email)
    cookies = [
        *await session_cookies(request, services, outcome.person),
        a_cookie(services.config, DEVICE, device, DEVICE_SPAN),
    ]
    return Response(_done(outcome), status_code=200, cookies=cookies)


async def session_cookies(
    request: Request[Any, Any, Any], services: Services, person: Person, before: Key | None = None
) -> list[Cookie]:
    """Open a session for somebody who proved who they are; the one that this browser had before ends."""
    before = session_of(request) or before
    device = device_of(request.headers.get("user-agent", ""))
    _, secret = await services.entrance.sessions.open(person, device, before)
    cookies = [a_cookie(services.config, SESSION, secret, int(SESSION_SPAN.total_seconds()))]
    language = await services.habits.preferences.language(person.tenant, person.id)
    cookies += [language_cookie(services.config, language)] * bool(language)
    # What was left of the way here is of no use any more.
    return cookies + [a_cookie(services.config, STEP, "", 0)] * bool(_step(request, services))


def session_of(request: Request[Any, Any, Any]) -> Key | None:
    """Return the session that a browser is signed in by, if it is."""
    caller = caller_of(request)
    return caller.key if caller is not None and caller.by == "cookie" else None


def way_cookie(services: Services, way: str) -> Cookie:
    """Return what a browser keeps that was sent to a provider; it must come along when that sends it back."""
    return a_cookie(services.config, WAY, way, int(passports.SPAN.total_seconds()), same_site="lax")


def redirect_of(request: Request[Any, Any, Any], services: Services, name: str) -> str:
    """Return where a provider sends people back to."""
    return f"{base_of(request, services)}/sign-in/oidc/{name}"


def base_of(request: Request[Any, Any, Any], services: Services) -> str:
    """Return how people reach the hub; where the config doesn't say, as this request did, which the Shield let in.

    Who came by a name that's a tenant's own stays there.
    """
    url = services.config.hub.url
    host = request.headers.get("host", "")
    if url and not is_here(name_in(host)) and name_in(host) != urlsplit(url).hostname:
        return f"{urlsplit(url).scheme}://{host}"
    return (url or str(request.base_url)).rstrip("/")


def address_of(request: Request[Any, Any, Any]) -> str:
    """Return the address that a request is counted for; one customer's of 2**64 of IPv6 are one."""
    host = request.client.host if request.client else ""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return str(getattr(found, "ipv4_mapped", None) or found)


def qr_of(uri: str) -> str:
    """Return a picture to be scanned: an SVG as a data: URL; "" for nothing."""
    if not uri:
        return ""
    import segno  # noqa: PLC0415 - few pages have one, and a hub that starts has none

    return str(segno.make(uri, error="m").svg_data_uri(scale=5, border=2, light="#fff"))


def _step(request: Request[Any, Any, Any], services: Services) -> str:
    return request.cookies.get(name_of(services.config, STEP), "")


def _next(asked: Asked) -> Next:
    return Next(
        next=asked.ask,
        tenants=[TenantChoice(id=tenant.id, name=tenant.name) for tenant in asked.tenants],
        secret=asked.secret,
        uri=asked.uri,
        qr=qr_of(asked.uri),
    )


def _done(proven: Proven) -> Next:
    return Next(next="done", recovery=list(proven.recovery))
