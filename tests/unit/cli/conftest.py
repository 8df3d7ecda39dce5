"""A real web over a little flow that echoes, served in a thread: the commands run their own event loops."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from hub.cli.place import Place
from hub.config import Secret
from hub.web.app import build
from hub.web.server import Server
from tests.unit.web.world import World, a_world

Result = TypeVar("Result")


class Running:
    """A hub's web that answers, can be stopped, and can be started again on the same port."""

    def __init__(self, pace: float = 0.0) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.world: World = self.do(a_world(pace=pace))
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> Place:
        return Place(url=self.url, key=Secret(self.world.key), key_from="the test", data=None)  # type: ignore[arg-type]

    @property
    def environ(self) -> dict[str, str]:
        return {"AGENTHOST_URL": self.url, "AGENTHOST_KEY": self.world.key}

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the hub's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def start(self) -> None:
        services = replace(self.world.services, closing=asyncio.Event())
        self._server = Server(build(services), host="127.0.0.1", port=self.port, closing=services.closing)
        self._serving: Future[None] = asyncio.run_coroutine_threadsafe(self._server.serve(), self._loop)
        self.do(self._until_started())

    def stop(self) -> None:
        self._server.should_exit = True
        self._serving.result(timeout=10)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _until_started(self) -> None:
        while not self._server.started:  # noqa: ASYNC110  (uvicorn sets a flag, and nothing to wait for)
            await asyncio.sleep(0.005)


@pytest.fixture
def hub() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


@pytest.fixture
def slow_hub() -> Iterator[Running]:
    """Says a word every tenth of a second."""
    running = Running(pace=0.1)
    yield running
    running.close()
