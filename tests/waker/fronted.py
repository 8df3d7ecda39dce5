"""A waker's front before a hub that a test puts to sleep and wakes by a word; the hub repeats what it's asked."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import uvicorn
from msgspec import json

from hub.waker.answers import Receive, Scope, Send
from hub.waker.front import Front
from hub.waker.later import Later
from hub.waker.orphans import Orphans
from hub.waker.proxy import Proxy
from hub.waker.site import Seat
from tests.faults.harness import free_port
from tests.waker.sleeper import Sleeper

KNOWN, ALSO_KNOWN = "k" * 43, "j" * 43
WAKER_KEY = "w" * 43
EVENTS = 20
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Echo:
    """An ASGI application that answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: list[str] = []
        self.cut = 0
        """So many requests are taken, and cut off before they're answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(f"{scope['method']} {scope['path']}")
        self.keys.append(headers.get("idempotency-key", ""))
        if self.cut:
            self.cut -= 1
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise ConnectionResetError
        if scope["path"] == "/events":
            await self._tell(send)
            return
        said = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "sha256": hashlib.sha256(body).hexdigest(),
            "prefer": headers.get("prefer", ""),
        }
        start = {"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"application/json")]}
        await send(start)
        await send({"type": "http.response.body", "body": json.encode(said)})

    async def _tell(self, send: Send) -> None:
        kind = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        for number in range(EVENTS):
            await send({"type": "http.response.body", "body": f"data: {number}\n\n".encode(), "more_body": True})
            await asyncio.sleep(0.02)
        await send({"type": "http.response.body", "body": b""})


class Fronted:
    """A front, and clients before it."""

    def __init__(self, folder: Path, url: str, hub: Echo, **config: object) -> None:
        self.sleeper = Sleeper(folder, **config)
        self.sleeper.word.guests = None
        self.hub = hub
        self.power = self.sleeper.power
        self.power.url = url
        self.power.state = "stopped"
        self.proxy = Proxy(self.power, self.sleeper.spool, self.sleeper.clock)
        self.later = Later(self.proxy, self.sleeper.spool, folder / "requests", self.sleeper.clock)
        self.orphans = Orphans({}, self.sleeper.clock, destroy=False)
        seats = [Seat(self.power, self.proxy, self.later)]
        self.front = Front(seats, [], self.sleeper.spool, self.sleeper.clock, WAKER_KEY, self.orphans)
        transport = httpx.ASGITransport(self.front)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://waker.test")

    @property
    def wanted(self) -> bool:
        """Whether somebody asked for the hub to be up."""
        return self.power._wanted.is_set()

    async def be(self, state: str) -> None:
        """Put the hub to sleep, or have it up."""
        await self.power._be(state)  # type: ignore[arg-type] # a state's name

    async def close(self) -> None:
        """Let go of everything."""
        await self.http.aclose()
        await self.proxy.close()
        await self.sleeper.spool.close()

    async def known(self, *keys: str) -> None:
        """Have the hub known these keys when it was up last."""
        await self.sleeper.spool.meet("hub", [("key", hashlib.sha256(key.encode()).hexdigest()) for key in keys])


@asynccontextmanager
async def fronted(folder: Path, *, url: str = "", **config: object) -> AsyncIterator[Fronted]:
    """Have a front before a hub that's asleep: the one at `url`, else one that repeats what it's asked."""
    echo = Echo()
    async with AsyncExitStack() as stack:
        made = Fronted(folder, url or await stack.enter_async_context(served(echo)), echo, **config)
        await made.known(KNOWN, ALSO_KNOWN)
        stack.push_async_callback(made.close)
        yield made


@asynccontextmanager
async def served(application: Application) -> AsyncIterator[str]:
    """Serve an ASGI application; yields its URL."""
    port = free_port()
    options = uvicorn.Config(
        application, port=port, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = _Server(options)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the test."""
        yield


def bearing(key: str, **more: str) -> dict[str, str]:
    """Return headers with a key."""
    return {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in more.items()}}
