"""A web over the memory store, with an owner who has a key."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from litestar import Litestar
from litestar.testing import AsyncTestClient

from hub.clock import SystemClock
from hub.config import Config
from hub.dispatch.feed import LocalFeed
from hub.flow.people import OWNER_KEY, People, new_secret
from hub.ports import Clock
from hub.records import HOME, OWNER
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from hub.web.app import build
from hub.web.services import AgentInfo, BridgeInfo, RouterInfo, Services, StoreInfo
from tests.unit.web.echo import Echo

HERE = "http://127.0.0.1:8080"


@dataclass
class World:
    """A hub's web and what it stands on."""

    store: MemoryStore
    feed: LocalFeed
    people: People
    echo: Echo
    services: Services
    key: str
    unready: list[str] = field(default_factory=list)

    @property
    def app(self) -> Litestar:
        return build(self.services)

    @asynccontextmanager
    async def client(self, key: str | None = None, **options: Any) -> AsyncGenerator[AsyncTestClient[Litestar], None]:
        """A client with the owner's key, or another, or none ("")."""
        key = self.key if key is None else key
        async with AsyncTestClient(self.app, base_url=HERE, **options) as client:
            if key:
                client.headers["authorization"] = f"Bearer {key}"
            yield client

    async def key_with(self, *scopes: str) -> str:
        """Make a key with these scopes."""
        _, secret = await self.people.create_key(HOME, OWNER, "test", scopes)
        return secret


async def a_world(config: Config | None = None, clock: Clock | None = None, pace: float = 0.0) -> World:
    """Return a hub's web whose flow echoes."""
    store, feed, clock = MemoryStore(), LocalFeed(), clock or SystemClock()
    people, echo = People(store, clock), Echo(store, feed, clock, pace=pace)
    _, key = new_secret(OWNER_KEY)
    await people.ensure_owner(key)
    llm = ScriptedLLM()
    unready: list[str] = []

    async def counts(_: str) -> dict[str, int]:
        return {"working": 0}

    services = Services(
        config=config or Config(),
        version="0.1.0",
        boot="boot1",
        started_at=clock.now(),
        clock=clock,
        store=store,
        feed=feed,
        people=people,
        inbox=echo,
        tasks=echo,
        corrections=echo,
        questions=echo,
        llm=llm,
        decisions=llm,
        agents=lambda: [AgentInfo(name="default", description="Helps.", model="scripted", tools=("calculate",))],
        bridges=lambda: [BridgeInfo(name="http", state="running")],
        router=lambda: RouterInfo(rule="untrained", model="scripted"),
        store_info=lambda: StoreInfo(path="memory", bytes=0),
        unready=lambda: unready[0] if unready else None,
        retry=echo.retry,
        task_counts=counts,
        secret=b"0" * 32,
        closing=asyncio.Event(),
    )
    return World(store=store, feed=feed, people=people, echo=echo, services=services, key=key, unready=unready)


def configured(world: World, config: Config) -> World:
    """Return the world with another config."""
    return replace(world, services=replace(world.services, config=config))
