"""WebSockets, passed on frame by frame to a hub that's up, or woken for who it knows."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hub.waker.answers import Receive, Scope, Send, headers_of
from hub.waker.proxy import Proxy, target

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

FRAME = 1 << 20
PASSED = ("authorization", "cookie")
POLICY, AWAY = 1008, 1001
"""RFC 6455, section 7.4.1."""
LENT, LATER = "/v1/local", 1013
"""Where computers lend, and what they're told where no hub is up: try again later."""


async def pass_on(proxy: Proxy | None, scope: Scope, receive: Receive, send: Send) -> None:
    """Connect a WebSocket with the hub's; one that may not wake it is refused."""
    await receive()
    if proxy is not None and scope["path"] == LENT:
        await _lent(proxy, scope, receive, send)
        return
    if proxy is None or (proxy.power.state != "ready" and not await proxy.known(headers_of(scope))):
        await send({"type": "websocket.close", "code": POLICY})
        return
    with proxy.power.held():
        if await proxy.power.up(proxy.power.hub.hold_seconds):
            await _connected(proxy.power.url, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": AWAY})


async def _lent(proxy: Proxy, scope: Scope, receive: Receive, send: Send) -> None:
    """Connect a computer that lends with a hub that's up: it neither wakes one nor keeps it from going to sleep."""
    if proxy.power.state == "ready":
        await _connected(proxy.power.url, scope, receive, send)
        return
    # It's told on an open socket: a refused one would be for good.
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": LATER, "reason": "the hub sleeps"})


async def _connected(url: str, scope: Scope, receive: Receive, send: Send) -> None:
    # Only who opens one needs the library: some megabytes.
    from websockets.asyncio.client import connect  # noqa: PLC0415
    from websockets.exceptions import WebSocketException  # noqa: PLC0415

    headers, at = headers_of(scope), urlsplit(url)
    scheme, port = ("wss", 443) if at.scheme == "https" else ("ws", 80)
    options: dict[str, Any] = {
        # By the name that it was asked for, at the address where the hub is.
        "host": at.hostname,
        "port": at.port or port,
        "additional_headers": {name: headers[name] for name in PASSED if name in headers},
        "origin": headers.get("origin"),
        "user_agent_header": headers.get("user-agent"),
        "subprotocols": scope.get("subprotocols") or None,
        "max_size": FRAME,
        "open_timeout": 10,
        "proxy": None,
    }
    try:
        async with connect(f"{scheme}://{headers.get('host', at.netloc)}{target(scope)}", **options) as hub:
            await send({"type": "websocket.accept", "subprotocol": hub.subprotocol})
            await _both_ways(hub, receive, send)
    except (WebSocketException, OSError, TimeoutError) as error:
        log.info("a WebSocket wasn't connected (%s)", type(error).__name__)
        with suppress(RuntimeError):
            await send({"type": "websocket.close", "code": AWAY})


async def _both_ways(hub: "ClientConnection", receive: Receive, send: Send) -> None:
    """Pass frames on until either side closes, and then close the other."""
    up = asyncio.create_task(_up(hub, receive))
    down = asyncio.create_task(_down(hub, send))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _up(hub: "ClientConnection", receive: Receive) -> None:
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        await hub.send(text if text is not None else event.get("bytes") or b"")


async def _down(hub: "ClientConnection", send: Send) -> None:
    async for frame in hub:
        await send({"type": "websocket.send", "text" if isinstance(frame, str) else "bytes": frame})
    await send({"type": "websocket.close", "code": hub.close_code or 1000})
