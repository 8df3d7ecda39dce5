"""Idempotency keys: a request that comes again gets the first one's answer and does nothing twice."""

import asyncio
import hmac
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec.structs import replace

from hub.errors import Duplicate, PersonError, StoreUnavailable
from hub.ports import Add, Change, Remove, Save
from hub.records import Replay
from hub.web.auth import Caller, caller_of, services_of
from hub.web.problems import Busy
from hub.web.replaying import AT_WORK, HEADER, SHOWN_ONCE, Recorder, key_of, send_again, used_otherwise, was_shown
from hub.web.services import Services

log = logging.getLogger(__name__)

OWN = "own_replay"
"""In an endpoint's `opt`: what it keeps has the key in it, so it sees by itself that a request comes again."""


class Once(ASGIMiddleware):
    """Keeps the answer to each POST with an idempotency key, and gives it again."""

    scopes = (ScopeType.HTTP,)
    should_bypass_for_scope = staticmethod(
        lambda scope: scope.get("method") != "POST" or not any(n == b"idempotency-key" for n, _ in scope["headers"])
    )

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from what's kept, or keep what's answered."""
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        caller = caller_of(request)
        opt = request.route_handler.opt
        idempotency = key_of(request.headers.get(HEADER))
        if caller is None or idempotency is None or opt.get(OWN) or opt.get("open"):
            await next_app(scope, receive, send)
            return
        services = services_of(request)
        body = await request.body()
        replay, kept = await claim(services, caller, f"POST {scope['path']} {idempotency}", body)
        if kept is not None and await _answered(services, kept):
            if opt.get(SHOWN_ONCE):
                raise was_shown()
            await send_again(kept.status, kept.body.encode(), send)
            return
        recorder = Recorder(send)
        try:
            await next_app(scope, receive, recorder.send)
        finally:
            # Without a good answer nothing was done: the same key may try again.
            done = replace(replay, status=recorder.status, body="" if opt.get(SHOWN_ONCE) else recorder.body.decode())
            await asyncio.shield(_keep(services, Save(done) if recorder.status < 300 else Remove(replay)))


async def claim(services: Services, caller: Caller, name: str, body: bytes) -> tuple[Replay, Replay | None]:
    """Say that this request is at work; return its record, and that of an earlier one like it.

    Raises AlreadyUsed if the name stands for another body.
    """
    fresh = replay_of(services, caller, name, body)
    try:
        await services.store.commit(Add(fresh))
    except Duplicate:
        kept = await check_same(services, fresh)
        if kept is None:
            raise Busy(f"{HEADER}: its first request just ended; send it again") from None
        return kept, kept
    return fresh, None


def replay_of(services: Services, caller: Caller, name: str, body: bytes, status: int = 0) -> Replay:
    """Return what's kept of a request under an idempotency key."""
    # A body may hold a password: from a plain hash of it, whoever has a copy of the database could guess it quickly.
    fingerprint = hmac.digest(services.secret, body, sha256().name).hex()
    return Replay(
        tenant=caller.tenant,
        key=caller.key.id,
        name=name,
        fingerprint=fingerprint,
        status=status,
        body="",
        created_at=services.clock.now(),
    )


async def check_same(services: Services, fresh: Replay) -> Replay | None:
    """Return what's kept of an earlier request like this one; raises AlreadyUsed if that had another body."""
    kept = await services.store.replay(fresh.key, fresh.name)
    if kept is not None and kept.fingerprint != fresh.fingerprint:
        raise used_otherwise()
    return kept


@asynccontextmanager
async def claimed(
    services: Services, caller: Caller, name: str, key: str | None, body: bytes
) -> AsyncGenerator[None, None]:
    """Do within what is itself kept once under this idempotency key; raises AlreadyUsed for another body.

    If the request is refused, the key is free again.
    """
    if key is None:
        yield
        return
    fresh, kept = await claim(services, caller, f"{name} {key}", body)
    try:
        yield
    except PersonError:
        if kept is None:
            await services.store.commit(Remove(fresh))
        raise


async def _answered(services: Services, kept: Replay) -> bool:
    """Say whether the first request was answered; False if it died, raises Busy if it's at work, on whichever hub."""
    if kept.status:
        return True
    began_at = min((hub.started_at for hub in await services.hubs.listed()), default=services.started_at)
    alive = kept.created_at >= began_at and services.clock.now() - kept.created_at < AT_WORK
    if alive:
        raise Busy(f"{HEADER}: its first request is still at work; come again for the answer")
    return False


async def _keep(services: Services, change: Change) -> None:
    try:
        await services.store.commit(change)
    except StoreUnavailable as error:
        # The answer is on its way already. Until the claim grows old, the same key is told to come again.
        log.warning("an answer under an idempotency key wasn't kept: %s", error)
