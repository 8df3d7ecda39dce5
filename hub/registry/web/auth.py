"""Who asks a registry: by a token as `Authorization: Bearer`, or by a browser's session: a cookie with a token."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException

from hub.errors import NotAllowed
from hub.registry.accounts import SESSION, Caller
from hub.registry.parts import Parts
from hub.registry.web.gate import spend

COOKIE = "agenthost_registry"
PATH = "/registry"
"""Everything of a registry lies below it, also where it stands alone."""
SAFE = ("GET", "HEAD", "OPTIONS")
Registry = NamedDependency[Parts]
"""An endpoint's parameter `parts`."""
Asker = NamedDependency[Caller]
"""An endpoint's parameter `caller`: whoever has no good token or session gets 401."""
Visitor = NamedDependency[Caller | None]
"""An endpoint's parameter `visitor`: also for who isn't signed in."""


def parts_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Parts:
    """Return the registry's parts."""
    parts: Parts = connection.app.state["parts"]
    return parts


def provide_parts(request: Request[Any, Any, Any]) -> Parts:
    """Give `parts` to endpoints."""
    return parts_of(request)


async def provide_visitor(request: Request[Any, Any, Any]) -> Caller | None:
    """Return who asks; None for who says nothing.

    Raises NotAuthorizedException for a token that isn't good, NotAllowed for a session that another site's page uses,
    TooMany for an account that asks too often.
    """
    header, cookie = request.headers.get("authorization"), request.cookies.get(COOKIE)
    if header is not None:
        scheme, _, token = header.partition(" ")
        caller = await parts_of(request).accounts.caller(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise NotAuthorizedException("the token isn't good, or not any more; sign in, or make another")
        spend(request, f"account:{caller.account.id}")
        return caller
    if not cookie:
        return None
    if request.method not in SAFE:
        check_own_page(request)
    caller = await parts_of(request).accounts.caller(cookie)
    if caller is not None:
        spend(request, f"account:{caller.account.id}")
    return caller


async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """Return who asks; raises NotAuthorizedException for who has no good token or session."""
    caller = await provide_visitor(request)
    if caller is None:
        raise NotAuthorizedException("sign in, or send a token as Authorization: Bearer ah_...")
    return caller


def check_own_page(request: Request[Any, Any, Any]) -> None:
    """Raise NotAllowed unless a browser says that the registry's own page asks.

    Browsers have sent Sec-Fetch-Site, or Origin with each POST, for years; one that sends neither isn't believed.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    host = request.headers.get("host", "").lower()
    if site not in (None, "same-origin") or (origin is not None and _netloc(origin) != host):
        raise NotAllowed("another site's page asked for this; only the registry's own pages may use your session")
    if site is None and origin is None:
        raise NotAllowed("Origin: missing; a session is good in a browser only, send a token instead")


def session_cookie(token: str, *, secure: bool) -> Cookie:
    """Return the cookie that a browser keeps a session by; an empty token ends it."""
    return Cookie(
        key=COOKIE,
        value=token,
        path=PATH,
        httponly=True,
        secure=secure,
        samesite="strict",
        max_age=int(SESSION.total_seconds()) if token else 0,
    )


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
