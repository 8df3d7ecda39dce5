"""What keeps other web pages out: host names, origins, tokens for browsers, and headers on every answer."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import BadRequest, NotAllowed
from hub.web.auth import services_of
from hub.web.cookies import SESSION, name_of
from hub.web.services import Services

SAFE = ("GET", "HEAD", "OPTIONS")
CSRF_COOKIE = "csrftoken"
CSRF_HEADER = "x-csrftoken"
NO_FORGERY = "no_forgery"
"""In an endpoint's `opt`: it needs no token, for it gives none of the session's rights away."""

FOREIGN = "foreign"
"""In an endpoint's `opt`: pages of other sites call it, and foreign.py looks at which."""
CALLED_BY_ANY_NAME = "called_by_any_name"
"""In an endpoint's `opt`: a platform may know the hub by another name; a browser's page has nothing to gain here."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Shield(ASGIMiddleware):
    """Refuses what only another page in somebody's browser would send."""

    exclude_opt_key = CALLED_BY_ANY_NAME

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on if its Host is ours and, where a browser acts for somebody, its origin too."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope, receive, send)
        host = connection.headers.get("host", "")
        await _check_host(services_of(connection), host)
        foreign = getattr(scope.get("route_handler"), "opt", {}).get(FOREIGN)
        if (
            not foreign
            and "authorization" not in connection.headers
            and (scope["type"] == ScopeType.WEBSOCKET or connection.scope.get("method") not in SAFE)
        ):
            check_origin(host, connection.headers.get("origin"), connection.headers.get("sec-fetch-site"))
        services_of(connection).asked()
        await next_app(scope, receive, send)


class Csrf(CSRFMiddleware):
    """Litestar's tokens against forged requests, for sessions only: a bearer key is sent by nobody unasked."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check or hand out a token if the browser has a session."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        session = name_of(services_of(connection).config, SESSION)
        if "authorization" in connection.headers or session not in connection.cookies:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def csrf_config(secret: bytes, *, secure: bool) -> CSRFConfig:
    """Return how the tokens are made; pages read the cookie and send it back as a header."""
    return CSRFConfig(
        secret=secret.hex(),
        cookie_name=CSRF_COOKIE,
        header_name=CSRF_HEADER,
        cookie_samesite="strict",
        cookie_secure=secure,
        exclude_from_csrf_key=NO_FORGERY,
    )


async def _check_host(services: Services, host: str) -> None:
    try:
        check_host(host, urlsplit(services.config.hub.url).hostname)
    except BadRequest:
        # A name that whoever runs the hub gave one of its tenants is ours as well.
        if await services.business.brands.at(name_in(host)) is None:
            raise


def check_host(host: str, ours: str | None) -> None:
    """Raise BadRequest unless the Host is an address in digits, localhost or the configured name.

    A page elsewhere can make its own name point to us, and so get around the same-origin rule; it can't do that with
    an address in digits.
    """
    name = name_in(host)
    if not (is_here(name) or (name and name == ours)):
        raise BadRequest("Host", f"{host!r} isn't a name of this hub; set hub.url in the config to how people reach it")


def is_here(name: str) -> bool:
    """Say whether a name is localhost, or an address in digits."""
    try:
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def name_in(host: str) -> str:
    """Return the name alone that a Host header gives, in small letters; empty if it's none."""
    return (urlsplit(f"//{host}").hostname or "").rstrip(".") if _splits(host) else ""


def check_origin(host: str, origin: str | None, fetch_site: str | None) -> None:
    """Raise NotAllowed if a browser says that another site's page sent this."""
    if fetch_site not in (None, "same-origin", "none"):
        raise NotAllowed(f"Sec-Fetch-Site: {fetch_site}; only the hub's own pages may do this without a bearer key")
    if origin is not None and (not _splits(origin) or urlsplit(origin).netloc.lower() != host.lower()):
        raise NotAllowed(f"Origin: {origin!r} isn't this hub; only its own pages may do this without a bearer key")


async def add_headers(message: Message, scope: Scope) -> None:
    """Put the security headers on every answer, errors included."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scope["path"].startswith("/v1"):
        headers.setdefault("Cache-Control", "no-store")


def _splits(url: str) -> bool:
    try:
        return bool(urlsplit(url if "//" in url else f"//{url}").netloc)
    except ValueError:
        return False
