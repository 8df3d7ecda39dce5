"""The two clients: `Client` waits, `AsyncClient` lets other things go on. Their groups are written once."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from agenthost_client.calls import Async, Page, Request, Sync
from agenthost_client.embeds import Embeds
from agenthost_client.errors import Refused, refused
from agenthost_client.events import Event, Reader
from agenthost_client.packages import Packages
from agenthost_client.people import Computers, Keys, People, Tenants
from agenthost_client.talking import Files, Messages
from agenthost_client.tasks import Approvals, Schedules, Tasks
from agenthost_client.trying import Trying, seconds_of
from agenthost_client.usage import Usage

Kind = TypeVar("Kind")
URL = "http://127.0.0.1:8080"
PATIENCE = 30.0
"""Seconds for which a request is tried again."""
EVENTS = "/v1/events"
SILENCE = httpx.Timeout(45.0, connect=10.0)
"""The hub sends something every 15 seconds, so three times as long a silence is a broken connection."""
LOST = (httpx.TransportError, httpx.DecodingError)


def _options(url: str | None, key: str | None) -> dict[str, Any]:
    """Return what httpx's clients are made with: what isn't given comes from the environment."""
    url = url or os.environ.get("AGENTHOST_URL") or URL
    key = key or os.environ.get("AGENTHOST_KEY") or ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return {"base_url": url.rstrip("/"), "headers": headers, "follow_redirects": False}


class Client:
    """A hub, as a program sees it that waits for each answer.

    Without a `url` it's AGENTHOST_URL, else this machine's; without a `key` it's AGENTHOST_KEY. `patience` is for how
    many seconds a request is tried again that found the hub away or busy.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: float = PATIENCE,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = httpx.Client(transport=transport, **_options(url, key))
        self._patience, self._sleep, self._clock = patience, sleep, clock
        self.messages: Messages[Sync] = Messages(self)
        self.files: Files[Sync] = Files(self)
        self.tasks: Tasks[Sync] = Tasks(self)
        self.schedules: Schedules[Sync] = Schedules(self)
        self.approvals: Approvals[Sync] = Approvals(self)
        self.people: People[Sync] = People(self)
        self.keys: Keys[Sync] = Keys(self)
        self.computers: Computers[Sync] = Computers(self)
        self.tenants: Tenants[Sync] = Tenants(self)
        self.embeds: Embeds[Sync] = Embeds(self)
        self.usage: Usage[Sync] = Usage(self)
        self.packages: Packages[Sync] = Packages(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def do(self, request: Request[Kind]) -> Kind:
        """Send a request until it's answered, and return the answer; raises AgentHostError."""
        trying = Trying(request, self._patience, self._clock)
        while True:
            try:
                response = self._http.request(**trying.wire())
            except LOST as error:
                pause: float | None = trying.lost(error)
            else:
                pause = trying.again(response.status_code, response.headers, response.content)
                if pause is None:
                    return trying.answer(response.content)
            self._sleep(pause or 0.0)

    def all(self, request: Request[Page[Kind]], *, backwards: bool = False) -> Iterator[Kind]:
        """Yield a listing's items, and fetch further pages when they're looked at."""
        while True:
            page = self.do(request)
            yield from reversed(page.items) if backwards else page.items
            if page.next is None:
                return
            request = request.after(page.next)

    def events(self, after: str | None = None, *, task: str | None = None) -> Generator[Event, None, None]:
        """Yield what happens, without end: first what was missed since the event `after`, then what comes.

        Without `after`, from now on. A broken connection is made anew, and no kept event is lost or told twice.
        `task` is a task's id: only what's about it. Raises Refused, and Unreachable when patience is over.
        """
        reader, query = Reader(after, self._patience, self._clock), {"task": task} if task else {}
        while True:
            broken: Exception | None = None
            try:
                yield from self._stream(reader, query)
            except (*LOST, Refused) as error:
                broken = error
            self._sleep(reader.broken(broken))

    def _stream(self, reader: Reader, query: dict[str, str]) -> Iterator[Event]:
        with self._http.stream("GET", EVENTS, params=query, headers=reader.begin(), timeout=SILENCE) as response:
            if not response.is_success:
                raise refused(response.status_code, response.read(), seconds_of(response.headers))
            for line in response.iter_lines():
                if event := reader.line(line):
                    yield event


class AsyncClient:
    """A hub, as a program sees it in which other things go on; the same as `Client`, to be awaited."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = httpx.AsyncClient(transport=transport, **_options(url, key))
        self._patience, self._sleep, self._clock = patience, sleep, clock
        self.messages: Messages[Async] = Messages(self)
        self.files: Files[Async] = Files(self)
        self.tasks: Tasks[Async] = Tasks(self)
        self.schedules: Schedules[Async] = Schedules(self)
        self.approvals: Approvals[Async] = Approvals(self)
        self.people: People[Async] = People(self)
        self.keys: Keys[Async] = Keys(self)
        self.computers: Computers[Async] = Computers(self)
        self.tenants: Tenants[Async] = Tenants(self)
        self.embeds: Embeds[Async] = Embeds(self)
        self.usage: Usage[Async] = Usage(self)
        self.packages: Packages[Async] = Packages(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def do(self, request: Request[Kind]) -> Kind:
        """Send a request until it's answered, and return the answer; raises AgentHostError."""
        trying = Trying(request, self._patience, self._clock)
        while True:
            try:
                response = await self._http.request(**trying.wire())
            except LOST as error:
                pause: float | None = trying.lost(error)
            else:
                pause = trying.again(response.status_code, response.headers, response.content)
                if pause is None:
                    return trying.answer(response.content)
            await self._sleep(pause or 0.0)

    async def all(self, request: Request[Page[Kind]], *, backwards: bool = False) -> AsyncIterator[Kind]:
        """Yield a listing's items, and fetch further pages when they're looked at."""
        while True:
            page = await self.do(request)
            for item in reversed(page.items) if backwards else page.items:
                yield item
            if page.next is None:
                return
            request = request.after(page.next)

    async def events(self, after: str | None = None, *, task: str | None = None) -> AsyncGenerator[Event, None]:
        """Yield what happens, without end, as `Client.events` does. Leave it by `aclosing` to end the connection."""
        reader, query = Reader(after, self._patience, self._clock), {"task": task} if task else {}
        while True:
            broken: Exception | None = None
            try:
                async with aclosing(self._stream(reader, query)) as stream:
                    async for event in stream:
                        yield event
            except (*LOST, Refused) as error:
                broken = error
            await self._sleep(reader.broken(broken))

    async def _stream(self, reader: Reader, query: dict[str, str]) -> AsyncGenerator[Event, None]:
        asking = self._http.stream("GET", EVENTS, params=query, headers=reader.begin(), timeout=SILENCE)
        async with asking as response:
            if not response.is_success:
                raise refused(response.status_code, await response.aread(), seconds_of(response.headers))
            async for line in response.aiter_lines():
                if event := reader.line(line):
                    yield event
