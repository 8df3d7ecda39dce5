"""A real hub over the memory store, served in a thread: the commands run their own event loops."""

import asyncio
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hub.app import Hub
from hub.cli.place import Place
from hub.clock import SystemClock
from hub.config import Config, LimitsConfig, Secret
from hub.flow.people import OWNER_KEY, new_secret
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.outward import RegistryConfig
from hub.packages.every import every_kind
from hub.packages.hosts import Supplies
from hub.packages.installer import Installer
from hub.packages.registry import Registries
from hub.packages.scripts import Scripts
from hub.packages.sources import Sources
from hub.ports import Said
from hub.records import HOME, OWNER
from hub.services import services_of
from hub.statements import SigningKey
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import Hang, ScriptedLLM
from hub.web.server import Server
from tests.apps import app_over
from tests.unit.packages.shelving import RegistryEgress, StandIn

Result = TypeVar("Result")


class Running:
    """A hub that answers, can be stopped, and can be started again over the same store."""

    def __init__(
        self,
        answer: Callable[[Sequence[Said]], str | Hang],
        limits: LimitsConfig,
        *fills: Mapping[str, object],
        registry: StandIn | None = None,
    ) -> None:
        """Without a `registry` it fetches nothing."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.key = new_secret(OWNER_KEY)[1]
        self.llm = ScriptedLLM(answer, fills=fills)
        self._limits = limits
        self._store = MemoryStore()
        self._documents = MemoryDocuments()
        self.registry = registry
        self._identity = SigningKey.fresh()
        self._folder = tempfile.TemporaryDirectory()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> Place:
        return Place(url=self.url, key=Secret(self.key), key_from="the test", data=Path("nowhere"))

    @property
    def environ(self) -> dict[str, str]:
        return {"AGENTHOST_URL": self.url, "AGENTHOST_KEY": self.key}

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the hub's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def key_with(self, *scopes: str) -> str:
        """Make a key with these scopes."""
        return self.do(self.hub.people.create_key(HOME, OWNER, "test", scopes))[1]

    def start(self) -> None:
        agents = load_agents([SHIPPED_AGENTS])
        self.scripts, clock = Scripts(), SystemClock()
        sources = None
        if self.registry:
            egress, configs = RegistryEgress(self.registry), [RegistryConfig(url=self.registry.url)]
            sources = Sources(egress, Registries(configs, egress, self._documents, clock, self._identity))
        installer = Installer(
            self._store,
            Path(self._folder.name) / "packages",
            every_kind(self.scripts, self._documents, Supplies()),
            clock,
            tools=["clock", "calculate", "remember", "recall"],
            agents=agents,
            sources=sources,
        )
        self.hub = Hub(
            Config(limits=self._limits),
            store=self._store,
            llm=self.llm,
            decider=self.llm,
            documents=self._documents,
            files=MemoryFiles(),
            clock=clock,
            agents=agents,
            bridges={},
            installer=installer,
        )
        started = threading.Event()
        self._serving = asyncio.run_coroutine_threadsafe(self._serve(started), self._loop)
        assert started.wait(10)

    def stop(self) -> None:
        self._server.should_exit = True
        self._serving.result(timeout=10)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
        self._folder.cleanup()

    async def _serve(self, started: threading.Event) -> None:
        assert self.hub.installer
        await self.hub.installer.open()
        await self.hub.people.ensure_owner(self.key)
        self._server = Server(app_over(services_of(self.hub, self.key)), closing=self.hub.closing)
        with socket.create_server(("127.0.0.1", self.port)) as listening:
            work = asyncio.create_task(self.hub.run())
            started.set()
            # What connects from now on waits in the socket until the server takes it.
            await self._server.serve(sockets=[listening])
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
        await self.scripts.close()


def echo(prompt: Sequence[Said]) -> str:
    """Say again what was said last."""
    return f"You said: **{prompt[-1].text}**"


def begin(_: Sequence[Said]) -> Hang:
    """Say the first words of an answer, and think on until stopped."""
    return Hang(after="Let me think ")


@pytest.fixture
def hub() -> Iterator[Running]:
    running = Running(echo, LimitsConfig())
    yield running
    running.close()


@pytest.fixture
def slow_hub() -> Iterator[Running]:
    """Begins to answer, and doesn't come to an end."""
    running = Running(begin, LimitsConfig())
    yield running
    running.close()


@pytest.fixture
def asking_hub() -> Iterator[Running]:
    """Asks which task is meant, whenever there's more than one that could be."""
    running = Running(echo, LimitsConfig(ask_below=1.0))
    yield running
    running.close()
