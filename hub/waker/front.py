"""What comes in at the waker's own address: platforms' calls, questions about the waker, and all else for a hub."""

import logging
from collections.abc import Sequence

from hub.ports.time import Clock
from hub.waker.answers import Receive, Scope, Send, body_of, headers_of, json, problem
from hub.waker.ears import Ear
from hub.waker.later import PLACE as REQUESTS
from hub.waker.later import wanted
from hub.waker.orphans import Orphans
from hub.waker.proxy import host_of
from hub.waker.site import PLACE, Seat, Site
from hub.waker.sockets import pass_on
from hub.waker.spool import Spool
from hub.waker.telegram import TelegramEar

log = logging.getLogger(__name__)

BODY = 1 << 20
"""Bytes of what a platform posts."""


class Front:
    """An ASGI application."""

    def __init__(
        self, seats: Sequence[Seat], ears: Sequence[Ear], spool: Spool, clock: Clock, key: str, orphans: Orphans
    ) -> None:
        """`key` is what the waker's own status is asked with."""
        self._seats = seats
        self._site = Site(seats, spool, clock, key, orphans)
        self._posted_to = {ear.name: ear for ear in ears if isinstance(ear, TelegramEar)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "websocket":
            seat = self._seat(scope)
            await pass_on(seat.proxy if seat else None, scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(PLACE) and not path.startswith(REQUESTS):
            await self._site.http(scope, receive, send)
        elif path.startswith("/telegram/") and (ear := self._posted_to.get(path.removeprefix("/telegram/"))):
            await self._posted(ear, scope, receive, send)
        elif path.startswith("/v1/waker/"):
            await problem(404, "Not found", "that's between hub and waker").send(scope, send)
        elif (seat := self._seat(scope)) is None:
            await problem(421, "Misdirected", f"no hub answers to {host_of(scope)!r} here").send(scope, send)
        else:
            await self._to_hub(seat, scope, receive, send)

    async def _to_hub(self, seat: Seat, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        if scope["path"].startswith(REQUESTS):
            await seat.later.tell(scope, send, await seat.proxy.guest(headers))
        elif wanted(headers) and seat.power.state != "ready" and (asker := await seat.proxy.guest(headers)):
            await (await seat.later.accept(scope, receive, asker)).send(scope, send)
        else:
            await seat.proxy.http(scope, receive, send)

    def _seat(self, scope: Scope) -> Seat | None:
        host = host_of(scope)
        named = next(
            (seat for seat in self._seats if seat.power.hub.hostname and seat.power.hub.hostname == host), None
        )
        return named or next((seat for seat in self._seats if not seat.power.hub.hostname), None)

    async def _posted(self, ear: TelegramEar, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await problem(405, "Method not allowed", "Telegram posts here", headers=((b"allow", b"POST"),)).send(
                scope, send
            )
            return
        body = await body_of(receive, BODY)
        status = 413 if body is None else await ear.posted(headers_of(scope), body)
        await json({}, status).send(scope, send)
