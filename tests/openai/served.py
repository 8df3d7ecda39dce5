"""A hub over HTTP, for clients that others wrote."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import openai

from hub.app import Hub
from hub.clock import SystemClock
from hub.config import Config, LimitsConfig
from hub.loading import SHIPPED_AGENTS
from hub.manifests import Agent, load_agents
from hub.ports import LLM, Add, End, Piece, Said, Store, Terms
from hub.records import HOME, OWNER, Message, Person, PersonId, Task
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from hub.web.openai.conversations import address
from tests.apps import at_work

KEY = "ah_owner_" + "k" * 43


class Gated(ScriptedLLM):
    """An LLM that says nothing until its gate is open: who wants to see it speak has begun to look by then."""

    def __init__(self, *answers: str) -> None:
        super().__init__(*answers)
        self.gate = asyncio.Event()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End, None]:
        await self.gate.wait()
        async for piece in super().chat(prompt, ask, limit=limit, temperature=temperature):
            yield piece


@dataclass
class Served:
    """A hub that's being served."""

    hub: Hub
    url: str

    def client(self, key: str = KEY, **options: object) -> openai.AsyncOpenAI:
        """Return the official client, as anybody makes it."""
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, **options)  # type: ignore[arg-type]

    async def key(self, *scopes: str, person: PersonId = OWNER, agents: Sequence[str] = ()) -> str:
        """Make a key with these scopes."""
        _, secret = await self.hub.people.create_key(HOME, person, "test", scopes, agents=agents)
        return secret

    async def person(self, name: str, external: str) -> Person:
        """Have an end user, whom a business calls by some name of its own."""
        person = Person(id=PersonId(name), tenant=HOME, name=name, created_at=self.hub.clock.now(), external=external)
        await self.hub.store.commit(Add(person))
        return person

    async def tasks(self, person: PersonId = OWNER) -> list[Task]:
        """Return somebody's tasks, oldest first."""
        return list(reversed(await self.hub.store.tasks(HOME, person)))

    async def said(self, person: PersonId = OWNER) -> list[Message]:
        """Return what was said by and to somebody's programs."""
        return list(await self.hub.store.messages_of_chat(HOME, address(person), limit=100))


@asynccontextmanager
async def served(
    llm: LLM,
    *,
    store: Store | None = None,
    limits: LimitsConfig | None = None,
    agents: Mapping[str, Agent] | None = None,
) -> AsyncIterator[Served]:
    """Serve a hub."""
    store = store or MemoryStore()
    await store.open()
    hub = Hub(
        Config(limits=limits or LimitsConfig()),
        store=store,
        llm=llm,
        decider=llm,
        documents=MemoryDocuments(),
        files=MemoryFiles(),
        clock=SystemClock(),
        agents=agents or load_agents([SHIPPED_AGENTS]),
        bridges={},
    )
    await hub.people.ensure_owner(KEY)
    listening = socket.create_server(("127.0.0.1", 0))
    async with at_work(hub, KEY, listening):
        yield Served(hub, f"http://127.0.0.1:{listening.getsockname()[1]}")
    await store.close()
