"""How often a key may ask: told with every answer, and refused beyond that before anything is looked at.

Answers say how one stands by RateLimit and RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers-09 has them.
"""

from random import random
from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from hub.buckets import Standing, policies, told
from hub.errors import TooMany
from hub.records import Key, PersonId, TenantId
from hub.web.auth import caller_of, services_of
from hub.web.services import Services

REFUSAL = 0.5
"""Seconds, up to twice as many, until it's told that it's too many: whoever asks too often mostly asks again at once,
and told later, and not all at one moment, they leave others their share."""
_STANDINGS = "hub_standings"


class Pace(ASGIMiddleware):
    """Lets through what doesn't come too often."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count a request for its key; raises TooMany."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        caller = caller_of(connection)
        if caller is not None:
            await count(services_of(connection), caller.key, scope)
        await next_app(scope, receive, send)


async def count(services: Services, key: Key, scope: Scope) -> None:
    """Count a request for a key, and take note of how it stands, for the answer; raises TooMany."""
    standings = await services.business.rates.take(key)
    _own(scope)[_STANDINGS] = standings
    if standings and not standings[-1].allowed:
        await slow(services)
        raise refused(standings[-1])


async def check_speaks(services: Services, tenant: TenantId, person: PersonId) -> None:
    """Count that a key speaks for somebody else; raises TooMany."""
    standing = services.business.rates.speaks(tenant, person)
    if standing is not None and not standing.allowed:
        raise refused(standing)


async def slow(services: Services) -> None:
    """Wait before it's told that it's too many."""
    await services.clock.sleep(REFUSAL * (1 + random()))  # noqa: S311 - no secret


def refused(standing: Standing) -> TooMany:
    """Return how it's told that a request is one too many."""
    rule = standing.quota
    whose = {"key": "this key", "person": "this person", "tenant": "your tenant"}[rule.name]
    return TooMany(f"too many requests: {whose} may make {rule.most:,} a minute", after=standing.after)


async def tell_pace(message: Message, scope: Scope) -> None:
    """Put how one stands on an answer, whatever it is."""
    standings: tuple[Standing, ...] = _own(scope).get(_STANDINGS, ())
    if message["type"] == "http.response.start" and standings:
        headers = MutableScopeHeaders.from_message(message)
        headers["RateLimit-Policy"] = policies(standings)
        headers["RateLimit"] = told(standings)


def _own(scope: Scope) -> dict[str, Any]:
    """Return a request's scope as what else goes along with it."""
    return cast("dict[str, Any]", scope)
