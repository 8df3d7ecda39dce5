"""Idempotency keys: a POST that comes again gets the first one's answer, and does nothing twice."""

import asyncio
import logging
from hashlib import blake2b
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from hub.errors import StoreUnavailable
from hub.registry.parts import Parts
from hub.registry.replays import Answer
from hub.registry.web.auth import parts_of, provide_visitor
from hub.registry.web.gate import who_of
from hub.web.replaying import HEADER, SHOWN_ONCE, Recorder, key_of, send_again, was_shown

log = logging.getLogger(__name__)


class Once(ASGIMiddleware):
    """Keeps the answer to each POST with an idempotency key, and gives it again."""

    scopes = (ScopeType.HTTP,)
    should_bypass_for_scope = staticmethod(
        lambda scope: scope.get("method") != "POST" or not any(n == b"idempotency-key" for n, _ in scope["headers"])
    )

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from what's kept, or keep what's answered."""
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        parts, key = parts_of(request), key_of(request.headers.get(HEADER))
        account = await _account(request, parts)
        name, secret = f"POST {scope['path']} {key}", bool(request.route_handler.opt.get(SHOWN_ONCE))
        # A body may hold a password: from a plain hash, whoever has a copy of the database could guess it quickly.
        kept = await parts.replays.claim(account, name, _marked(parts, await request.body(), 32))
        if kept is not None:
            if secret:
                raise was_shown()
            await send_again(kept.status, kept.body.encode(), send)
            return
        recorder = Recorder(send)
        try:
            await next_app(scope, receive, recorder.send)
        finally:
            answer = Answer(status=recorder.status, body="" if secret else recorder.body.decode())
            await asyncio.shield(_keep(parts, account, name, answer))


async def _account(request: Request[Any, Any, Any], parts: Parts) -> str:
    """Return whose key it is: an account's, or of an address."""
    caller = await provide_visitor(request)
    if caller is not None:
        return caller.account.id
    return f"nobody:{_marked(parts, who_of(request).encode(), 16)}"


def _marked(parts: Parts, data: bytes, size: int) -> str:
    """Return a hash that only this registry can make."""
    return blake2b(data, key=parts.signer.told().encode()[:64], digest_size=size).hexdigest()


async def _keep(parts: Parts, account: str, name: str, answer: Answer) -> None:
    try:
        # Without a good answer nothing was done: the same key may try again.
        if answer.status < 300:
            await parts.replays.keep(account, name, answer)
        else:
            await parts.replays.forget(account, name)
    except StoreUnavailable as error:
        # The answer is on its way already. Until the claim grows old, the same key is told to come again.
        log.warning("an answer under an idempotency key wasn't kept: %s", error)
