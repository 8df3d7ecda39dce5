"""Which pages may call the chats that stand in other sites: those of their origins, by the Fetch standard's CORS."""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import NotAllowed
from hub.records import Embed
from hub.web.auth import services_of
from hub.web.problems import shown

PREFIX = "/embed/"
SENT = "authorization, content-type, idempotency-key, last-event-id"
"""What the chat's script sends along."""
REMEMBERED = "600"
"""Seconds for which a browser needn't ask again."""


class Foreign(ASGIMiddleware):
    """Lets pages of a chat's origins read what it answers, and refuses other pages."""

    scopes = (ScopeType.HTTP,)
    should_bypass_for_scope = staticmethod(lambda scope: not scope["path"].startswith(PREFIX))

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer a browser that asks beforehand, or pass a request on and say who may read the answer."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope, receive, send)
        origin = connection.headers.get("origin")
        embed = await services_of(connection).embeds.shown(scope["path"].removeprefix(PREFIX).partition("/")[0])
        allowed = origin is None or _is_ours(origin, connection.headers.get("host", "")) or _shows(embed, origin)
        headers = _headers(origin if allowed else None)
        if connection.scope.get("method") == "OPTIONS":
            await send({"type": "http.response.start", "status": 204 if allowed else 403, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if not allowed:
            raise NotAllowed(f"Origin: {shown(str(origin))} isn't one of this chat's; add it with PATCH /v1/embeds")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableScopeHeaders.from_message(message)
                for name, value in headers:
                    found[name.decode()] = value.decode()
            await send(message)

        await next_app(scope, receive, marked)


def _headers(origin: str | None) -> list[tuple[bytes, bytes]]:
    told = {"cross-origin-resource-policy": "cross-origin", "vary": "Origin", "cache-control": "no-store"}
    if origin is not None:
        told |= {
            "access-control-allow-origin": origin,
            "access-control-allow-headers": SENT,
            "access-control-allow-methods": "GET, POST",
            "access-control-expose-headers": "Retry-After",
            "access-control-max-age": REMEMBERED,
        }
    return [(name.encode(), value.encode()) for name, value in told.items()]


def _is_ours(origin: str, host: str) -> bool:
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


def _shows(embed: Embed | None, origin: str) -> bool:
    return embed is not None and origin.lower() in embed.origins
