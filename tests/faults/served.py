"""A hub as `agenthost run` starts it, over HTTP, with whatever model its config names."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from hub.testing.server import MODEL
from tests.faults.harness import KEY, Child, free_port

REMOTE = """\
[llm]
backend = "remote"
url = "{url}"
model = "{model}"

[llm.decisions]
backend = "remote"
url = "{url}"
model = "{model}"
"""


class Served:
    """A running hub, and a client with its owner's key; used as `async with Served(folder, config) as hub`."""

    def __init__(self, folder: Path, config: str, *, preset: bool = True) -> None:
        """`preset`: its owner's key is the one that tests know."""
        self._environment = {"NO_COLOR": "1"} | ({"AGENTHOST_OWNER_KEY": KEY} if preset else {})
        self.data = folder / "data"
        self._config = folder / "config.toml"
        self._config.write_text(config)
        run = ("-m", "hub", "run", "--config", str(self._config), "--data", str(self.data), "--port", "0")
        self._child = Child(folder / "hub.log", sys.executable, *run)
        self.http = httpx.AsyncClient()

    async def __aenter__(self) -> Self:
        await self._child.start(self._environment)
        # On a machine with much else to do, reading all its modules alone can take half a minute.
        line = await self._child.line(within=120.0)
        assert " is at " in line, f"{line!r}: {self._child.log}"
        url = line.split(" is at ")[1].split(" ")[0]
        await self.http.aclose()
        self.http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()
        if self._child.alive:
            await self._child.end()

    async def refused(self) -> int:
        """Start it, and return the exit status with which it refused to run."""
        await self._child.start()
        return await self._child.gone(within=60)

    @property
    def pid(self) -> int:
        """The hub's process id."""
        return self._child.pid

    @property
    def log(self) -> str:
        """What the hub logged."""
        return self._child.log

    async def said(self, text: str, *, wait: float = 0, **more: object) -> httpx.Response:
        """Say something as the owner."""
        return await self.http.post("/v1/messages", params={"wait": wait} if wait else {}, json={"text": text, **more})

    async def get(self, path: str) -> Any:
        """Return what a path answers."""
        response = await self.http.get(path)
        assert response.status_code == 200, response.text
        return response.json()


class Model:
    """The loopback model's server; used as `async with Model(folder) as url`."""

    def __init__(self, folder: Path, latency: float = 0.0) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/v1"
        server = ("-m", "hub.testing.server", "--port", str(port), "--latency", str(latency))
        self._child = Child(folder / "model.log", sys.executable, *server)

    async def __aenter__(self) -> str:
        await self._child.start()
        await self._child.line()
        return REMOTE.format(url=self.url, model=MODEL)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._child.end()


async def eventually(true: Callable[[], Awaitable[bool]], otherwise: str, *, within: float = 30.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + within
    while not await true():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.1)
