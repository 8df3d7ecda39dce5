"""A hub that lends, served in this very loop, and computers that lend to it over real sockets."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from agenthost_client import AsyncClient

from hub.app import Hub
from hub.clock import SystemClock
from hub.config import Config
from hub.errors import StartError
from hub.flow.lending import FlowLending
from hub.flow.people import OWNER_KEY, new_secret
from hub.lent import Command, Folder, Hello
from hub.loading import SHIPPED_AGENTS
from hub.local.session import Session
from hub.manifests import load_agents
from hub.records import HOME, OWNER, PersonId, TenantId
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from hub.tools.lent import lent_tools
from tests.apps import at_work
from tests.local.lenders import Computer, Person


@dataclass
class Served:
    """A hub at an address."""

    hub: Hub
    url: str
    key: str
    llm: ScriptedLLM

    def client(self, key: str | None = None) -> AsyncClient:
        return AsyncClient(self.url, key or self.key)

    async def key_for(self, tenant: TenantId = HOME, person: PersonId = OWNER, *scopes: str) -> str:
        _, secret = await self.hub.people.create_key(tenant, person, "test", scopes or ("local:lend",))
        return secret

    async def lent(self, *names: str) -> None:
        """Wait until the owner's computers are exactly these."""
        while tuple(each.computer for each in self.hub.lending.lent(HOME, OWNER)) != names:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def a_hub(llm: ScriptedLLM, port: int = 0, key: str = "") -> AsyncIterator[Served]:
    store, clock, key = MemoryStore(), SystemClock(), key or new_secret(OWNER_KEY)[1]
    lending = FlowLending(store)
    hub = Hub(
        Config(),
        store=store,
        llm=llm,
        decider=llm,
        documents=MemoryDocuments(),
        files=MemoryFiles(),
        clock=clock,
        agents=load_agents([SHIPPED_AGENTS]),
        bridges={},
        tools=lent_tools(lending),
        lending=lending,
    )
    await hub.people.ensure_owner(key)
    with socket.create_server(("127.0.0.1", port)) as listening:
        async with at_work(hub, key, listening):
            yield Served(hub, f"http://127.0.0.1:{listening.getsockname()[1]}", key, llm)


@dataclass
class Lending:
    """A computer on the line."""

    computer: Computer
    task: "asyncio.Task[None]"
    told: list[str] = field(default_factory=list)

    async def ended(self) -> str:
        """Wait until it gives up, and return why."""
        try:
            await self.task
        except StartError as error:
            return str(error)
        return ""


def hello(name: str = "laptop") -> Hello:
    return Hello(
        computer=name,
        folders=(Folder(name="notes", writable=True), Folder(name="papers")),
        commands=(
            Command(name="hello", words="echo hello {whom}", takes=("whom",)),
            Command(name="slow", words="sleep 60"),
        ),
    )


@asynccontextmanager
async def a_computer(
    served: Served, root: Path, person: Person | None, *, key: str = "", name: str = "laptop", yes_read: bool = False
) -> AsyncGenerator[Lending, None]:
    root.mkdir(exist_ok=True)
    with ExitStack() as stack:
        computer = Computer(stack, root, person, yes_read=yes_read)
        told: list[str] = []

        async def soon(seconds: float) -> None:
            await asyncio.sleep(0.01)

        session = Session(served.url, key or served.key, hello(name), computer.lender, told.append, sleep=soon)
        task = asyncio.create_task(session.run())
        try:
            yield Lending(computer, task, told)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, StartError):
                await task
