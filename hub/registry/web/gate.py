"""What a request meets before anything of it is looked at: how often it may come, and how large it may be.

Each is counted for its address at once, and for its account as soon as that's known. Answers say how one stands by
RateLimit and RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers-09 has them.
"""

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from hub.buckets import Standing, policies, told
from hub.errors import TooLarge, TooMany
from hub.registry.limits import Limits, address_of

QUOTA = "quota"
"""In an endpoint's `opt`: which quota it counts for; else reads, or writes."""
SAFE = ("GET", "HEAD", "OPTIONS")
_STANDINGS, _WHO, _LIMITS = "registry_standings", "registry_who", "registry_limits"


class Gate(ASGIMiddleware):
    """Lets in what isn't too often nor too large."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count a request and look at its announced size; raises TooMany, TooLarge."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        peer = connection.client.host if connection.client else "local"
        lists = connection.headers.getall("x-forwarded-for", [])
        forwarded = [each for header in lists for each in header.split(",")]
        own, state = _own(scope), connection.app.state
        own[_WHO] = f"address:{address_of(peer, forwarded, state.proxies)}"
        own[_LIMITS] = state.parts.limits
        spend(connection, own[_WHO])
        announced = connection.headers.get("content-length", "0")
        handler = connection.route_handler
        most = handler.resolve_request_max_body_size() if isinstance(handler, HTTPRouteHandler) else None
        if most is not None and announced.isdecimal() and int(announced) > most:
            raise TooLarge(f"body: {int(announced):,} bytes; at most {most:,} are taken here")
        await next_app(scope, receive, send)


def who_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the address that a request is counted for."""
    return str(_own(connection.scope).get(_WHO, "local"))


def spend(connection: ASGIConnection[Any, Any, Any, Any], who: str) -> None:
    """Count a request for somebody, once; raises TooMany."""
    limits: Limits | None = _own(connection.scope).get(_LIMITS)
    standings: dict[str, Standing] = _own(connection.scope).setdefault(_STANDINGS, {})
    if limits is None or who in standings:
        return
    standing = standings[who] = limits.take(_quota_of(connection), who)
    if not standing.allowed:
        rule = standing.quota
        within = "a minute" if rule.seconds == 60 else "a day" if rule.seconds == 86_400 else f"{rule.seconds:g} s"
        raise TooMany(f"too many requests: {rule.name} are limited to {rule.most:,} {within}", after=standing.after)


async def tell(message: Message, scope: Scope) -> None:
    """Put how somebody stands on an answer, whatever it is."""
    if message["type"] != "http.response.start":
        return
    standings: dict[str, Standing] | None = _own(scope).get(_STANDINGS)
    if standings:
        headers = MutableScopeHeaders.from_message(message)
        headers["RateLimit-Policy"] = policies(list(standings.values()))
        headers["RateLimit"] = told(list(standings.values()))


def _quota_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    named = connection.route_handler.opt.get(QUOTA)
    return str(named or ("reads" if connection.scope.get("method") in SAFE else "writes"))


def _own(scope: Scope) -> dict[str, Any]:
    """Return a request's scope as what else goes along with it."""
    return cast("dict[str, Any]", scope)
