"""The HTTP plane: requests go on to the hub, and wait at the door while it's being woken.

Only who the hub knows wakes it: a stranger is told to sign in, and costs nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, suppress
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import httpcore

from hub.guests import PLACE as PAGES
from hub.ports.time import Clock
from hub.waker import pages
from hub.waker.answers import Answer, Receive, Scope, Send, headers_of, problem
from hub.waker.bodies import Body, CutOff, Kept, Passing, has_body
from hub.waker.guests import Guests, away
from hub.waker.pages import wants_page
from hub.waker.power import Power
from hub.waker.spool import Spool

log = logging.getLogger(__name__)

COOKIE = "agenthost_session"
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)
"""Of one connection alone: RFC 9110, section 7.6.1."""
CONNECTIONS = 2_000
ANSWER = 3_600.0
"""Seconds that a hub may be silent within an answer: streams are long."""
GLANCE = 3.0
"""Seconds that a person's browser stays blank; then they see that the hub is being woken."""
EVENTS = b"text/event-stream"
INLETS = "/in/"
"""Where other systems write, by a token that the hub gave them."""
ASLEEP = 15.0
"""Seconds between two signs of life in a stream over a sleep."""
AWAY = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)


class Proxy:
    """Takes requests to one hub."""

    def __init__(self, power: Power, spool: Spool, clock: Clock) -> None:
        self.power = power
        self._spool = spool
        self._clock = clock
        self._guests = Guests(power.hub, spool, clock)
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=CONNECTIONS, max_keepalive_connections=64, keepalive_expiry=15.0
        )
        self._waiting = 0

    async def close(self) -> None:
        await self._pool.aclose()

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have one request answered: by the hub as soon as it's up, or by why nobody can."""
        began = self._clock.monotonic()
        with ExitStack() as hold, suppress(CutOff):
            if self.power.state == "ready":
                hold.enter_context(self.power.held())
                await self._forward(scope, Passing(receive) if has_body(scope) else None, send, hold, "")
            elif scope["path"].startswith(PAGES):
                await self._for_a_guest(scope, receive, send, hold, began)
            elif refusal := await self._at_the_door(scope):
                await self._refuse(refusal, scope, send)
            elif _wants_events(scope):
                await self._sleep_on(receive, send)
            else:
                hold.enter_context(self.power.held())
                await self._woken(scope, receive, send, hold, began)

    async def known(self, headers: Mapping[str, str]) -> bool:
        """Say whether a request comes with a key or a session that the hub knew when it was up last."""
        return bool(await self.guest(headers))

    async def guest(self, headers: Mapping[str, str]) -> str:
        """Return by what the hub knows who sends a request: the hash of a key or a session; "" for a stranger."""
        secret = secret_in(headers)
        hashed = sha256(secret.encode()).hexdigest()
        return hashed if secret and await self._spool.knows(self.power.hub.name, "key", [hashed]) else ""

    async def _at_the_door(self, scope: Scope) -> Answer | None:
        """Say who may not wake the hub, or not now; nothing if they may."""
        if not (await self.known(headers_of(scope)) or await self._is_inlet(scope)):
            return problem(
                401,
                "Asleep",
                "the hub is asleep, and only who it knows can wake it: send 'Authorization: Bearer KEY', or sign in",
                headers=((b"www-authenticate", b"Bearer"),),
            )
        return self._not_now()

    def _not_now(self) -> Answer | None:
        """Say why nobody may wake the hub at this moment; nothing if it can be woken."""
        if self.power.state == "failed":
            return _asleep(503, f"it could not be started ({self.power.detail})")
        if self._waiting >= self.power.hub.waiting:
            return _asleep(503, "too many requests wait for it already")
        return None

    async def _for_a_guest(self, scope: Scope, receive: Receive, send: Send, hold: ExitStack, began: float) -> None:
        """See to what a chat in another site's page asks."""
        visit = await self._guests.look(scope)
        send = visit.telling(send)
        if answer := visit.answer:
            await answer.send(scope, send)
        elif _wants_events(scope):
            await self._sleep_on(receive, send)
        elif refusal := self._not_now():
            await self._refuse(refusal, scope, send)
        else:
            hold.enter_context(self.power.held())
            await self._woken(scope, receive, send, hold, began)

    async def _is_inlet(self, scope: Scope) -> bool:
        """Say whether another system posts to an address that the hub gave it."""
        token = scope["path"].removeprefix(INLETS)
        if scope["method"] != "POST" or token == scope["path"]:
            return False
        return await self._spool.knows(self.power.hub.name, "inlet", [sha256(token.encode()).hexdigest()])

    async def _refuse(self, refusal: Answer, scope: Scope, send: Send) -> None:
        """Say why nobody answers, to a person as a page; to a guest in other words."""
        if scope["path"].startswith(PAGES):
            refusal = away(refusal.status)
        elif wants_page(scope):
            if refusal.status == 401:
                refusal = pages.asleep()
            elif self.power.state == "failed":
                refusal = pages.cannot_wake(f"it could not be started ({self.power.detail})")
            else:
                refusal = pages.waking()
        await refusal.send(scope, send)

    async def _sleep_on(self, receive: Receive, send: Send) -> None:
        """Hold a stream of events open over the hub's sleep: a page left open in a browser is no reason to wake it.

        It ends when the hub is up, so that the page asks again and gets what it missed.
        """
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(_gone(receive))
        try:
            while not gone.done() and not await self.power.seen_up(ASLEEP):
                await send({"type": "http.response.body", "body": b": asleep\n\n", "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _woken(self, scope: Scope, receive: Receive, send: Send, hold: ExitStack, began: float) -> None:
        kept = Kept(receive)
        try:
            up = await self._taken_and_up(kept, scope)
            if up:
                took = (self._clock.monotonic() - began) * 1000
                await self._forward(scope, kept if has_body(scope) else None, send, hold, f"cold;dur={took:.0f}")
            elif self.power.state == "failed":
                why = f"it could not be started ({self.power.detail})"
                await self._refuse(_asleep(503, why), scope, send)
            else:
                await self._refuse(_asleep(504, "it wasn't up in time"), scope, send)
        finally:
            kept.close()

    async def _taken_and_up(self, kept: Kept, scope: Scope) -> bool:
        """Take a request's body while the hub is being woken; return whether it's up."""
        self._waiting += 1
        try:
            self.power.wake()
            # Taken while the hub starts: nobody's upload is held up by it.
            await kept.take()
            patience = self.power.hub.hold_seconds
            return await self.power.up(min(patience, GLANCE) if wants_page(scope) else patience)
        finally:
            self._waiting -= 1

    def asked(self, scope: Scope, body: Body | None) -> AbstractAsyncContextManager[httpcore.Response]:
        """Have the hub, which is up, asked something; its answer's body is still to come. Raises AWAY."""
        headers = [(name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP]
        headers += _forwarded(scope)
        if body is not None and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"transfer-encoding", b"chunked"))
        return self._pool.stream(
            scope["method"],
            self.power.url.rstrip("/") + target(scope),
            headers=headers,
            content=body.chunks() if body is not None else None,
            extensions={"timeout": {"connect": 5.0, "read": ANSWER, "write": 300.0, "pool": 30.0}},
        )

    async def _forward(self, scope: Scope, body: Body | None, send: Send, hold: ExitStack, woken: str) -> None:
        began = False
        try:
            async with self.asked(scope, body) as answer:
                found = passed_back(answer.headers)
                if any(name == b"content-type" and value.startswith(EVENTS) for name, value in found):
                    hold.close()  # it lasts as long as a page is open, and says nothing about whether anybody looks
                found += [(b"agenthost-wake", woken.encode())] if woken else []
                await send({"type": "http.response.start", "status": answer.status, "headers": found})
                began = True
                async for chunk in answer.aiter_stream():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except AWAY as error:
            log.warning("hub %s: a request was cut off (%s)", self.power.hub.name, type(error).__name__)
            if began:
                raise  # whoever asked must see a broken answer, not a short one
            why = "it went away while it was asked; whether it has done what it was asked isn't known"
            await problem(502, "Gone", f"the hub: {why}").send(scope, send)


def passed_back(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return those of an answer's headers that go on to who asked."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in HOP_BY_HOP]


def secret_in(headers: Mapping[str, str], cookie: str = COOKIE) -> str:
    """Return the key or the session that a request comes with; "" if there's none."""
    kind, _, secret = headers.get("authorization", "").partition(" ")
    if kind:
        return secret.strip() if kind.lower() == "bearer" else ""
    try:
        given = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    # Over https the hub's is called so that browsers take it from this very host alone.
    found = given.get(f"__Host-{cookie}") or given.get(cookie)
    return found.value if found else ""


async def _gone(receive: Receive) -> None:
    """Return when who asked is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _wants_events(scope: Scope) -> bool:
    return scope["method"] == "GET" and EVENTS.decode() in headers_of(scope).get("accept", "")


def target(scope: Scope) -> str:
    """Return a request's path and query, as they came."""
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string") or b""
    return str((path + (b"?" + query if query else b"")).decode("latin-1"))


def _forwarded(scope: Scope) -> list[tuple[bytes, bytes]]:
    client = scope.get("client")
    return [(b"x-forwarded-for", str(client[0]).encode())] if client else []


def _asleep(status: int, why: str) -> Answer:
    return problem(
        status, "Asleep", f"the hub is asleep, and {why}; try again later", headers=((b"retry-after", b"5"),)
    )


def host_of(scope: Scope) -> str:
    """Return the name that a request came to, without its port."""
    try:
        return (urlsplit("//" + headers_of(scope).get("host", "")).hostname or "").rstrip(".")
    except ValueError:
        return ""
