"""A web over the memory store, with an owner who has a key."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from litestar import Litestar

from hub.business import Desk, usual_look
from hub.clock import SystemClock
from hub.config import Config
from hub.dispatch.alone import Alone
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.flow.artefacts import Artefacts
from hub.flow.auditing import Audit, audited
from hub.flow.brands import Brands
from hub.flow.clearing import Clearing
from hub.flow.daily import Daily
from hub.flow.desks import Desks
from hub.flow.direct import Direct
from hub.flow.elsewhere import Elsewhere
from hub.flow.embeds import Embeds
from hub.flow.entrance import Entrance
from hub.flow.forgetting import Forgetting
from hub.flow.guard import Guard
from hub.flow.habits import Habits
from hub.flow.halting import Halting
from hub.flow.inlets import Inlets
from hub.flow.journal import Journal
from hub.flow.labels import Labels
from hub.flow.leave import Leave
from hub.flow.leaving import Leaving
from hub.flow.lending import FlowLending
from hub.flow.links import Links
from hub.flow.meant import Meant
from hub.flow.members import Members
from hub.flow.outbox import Outbox
from hub.flow.outlines import Outlines
from hub.flow.pairing import Pairings
from hub.flow.passports import Provider
from hub.flow.people import OWNER_KEY, People, new_secret
from hub.flow.portrait import Portraits
from hub.flow.preferences import Preferences
from hub.flow.quiet import Quiet
from hub.flow.rates import Rates
from hub.flow.rights import Rights
from hub.flow.tasks import Tasks
from hub.flow.tenancy import Tenancy
from hub.flow.tenants import Tenants
from hub.flow.timetable import Timetable
from hub.flow.toolbox import Toolbox
from hub.flow.uploads import Uploads
from hub.flow.usage import Usages
from hub.flow.webhook_work import WebhookWork
from hub.ports import Bridge, Clock, Egress, Store
from hub.records import HOME, OWNER, Key, Link, Person
from hub.spool import Spool
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import MemoryWorkspaces, ScriptedLLM
from hub.times.zones import Zones
from hub.vault import Vault
from hub.web.server import Server
from hub.web.services import AgentInfo, BusinessServices, RouterInfo, Services, StoreInfo
from tests.apps import app_over
from tests.unit.web.echo import Echo

HERE = "http://127.0.0.1:8080"
FEW = 1024
"""KiB that a password's hash takes here."""


@dataclass
class World:
    """A hub's web and what it stands on."""

    store: MemoryStore
    feed: LocalFeed
    people: People
    echo: Echo
    services: Services
    key: str
    owner: Key
    unready: list[str] = field(default_factory=list)

    @cached_property
    def app(self) -> Litestar:
        return app_over(self.services)

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client with the owner's key, or another, or none (""), in this very event loop."""
        key = self.key if key is None else key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(cast("Any", self.app))
        return httpx.AsyncClient(transport=transport, base_url=HERE, headers=headers)

    @asynccontextmanager
    async def served(self, key: str | None = None) -> AsyncGenerator[httpx.AsyncClient, None]:
        """A client of a real server on a free port: for streams, which the test client would wait for."""
        listening = socket.create_server(("127.0.0.1", 0))
        server = Server(self.app, closing=self.services.closing)
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        key = self.key if key is None else key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", headers=headers, timeout=10
            ) as client:
                yield client
        finally:
            server.should_exit = True
            await serving

    async def key_with(self, *scopes: str) -> str:
        """Make a key with these scopes."""
        _, secret = await self.people.create_key(HOME, OWNER, "test", scopes)
        return secret


async def a_world(
    config: Config | None = None,
    clock: Clock | None = None,
    store: MemoryStore | None = None,
    pace: float = 0.0,
    bridges: Iterable[Bridge] = (),
    workspaces: MemoryWorkspaces | None = None,
    providers: Mapping[str, Provider] | None = None,
    egress: Egress | None = None,
) -> World:
    """Return a hub's web whose flow echoes."""
    store, feed, clock, config = store or MemoryStore(), LocalFeed(), clock or SystemClock(), config or Config()
    people, echo = People(kept := audited(store, clock), clock), Echo(store, feed, clock, pace=pace)
    key, owner = await _the_owner(people)
    llm, by_name = ScriptedLLM(), {bridge.name: bridge for bridge in bridges}
    journal, outbox, habits = _speaking(kept, feed, clock, by_name)
    unready, tenancy = list[str](), Tenancy(kept, clock)
    files, documents, made = MemoryFiles(), MemoryDocuments(), workspaces or MemoryWorkspaces()
    zones, leaving = Zones(documents, config.hub.timezone), _leaving(store, files, documents, clock, people, echo)
    services = Services(
        config=config,
        version="0.1.0",
        boot="boot1",
        hubs=Alone("boot1", "here", clock),
        started_at=clock.now(),
        clock=clock,
        store=kept,
        feed=feed,
        people=people,
        entrance=Entrance(kept, clock, people, Vault.fresh(), config.sign_in, providers or {}, memory=FEW),
        **_for_business(kept, clock, people, tenancy, Desk(kept, journal, outbox, clock, Desks(kept, config.handover))),
        **_hooks(journal, outbox, feed, echo, egress),
        pairings=Pairings(store, journal, outbox, Links(store), clock),
        portraits=Portraits(store, files, documents, clock),
        leaving=leaving,
        business=_business(kept, documents, clock, people, config, leaving, tenancy),
        leave=Leave(store, journal, clock, Toolbox((), llm)),
        habits=habits,
        lending=FlowLending(store),
        **dict.fromkeys(("inbox", "tasks", "corrections", "questions", "letters"), cast("Any", echo)),
        outlines=Outlines(store, journal, clock),
        timetable=Timetable(store, journal, clock, cast("Tasks", echo), zones, Meant(store)),
        zones=zones,
        artefacts=Artefacts(store, made, files),
        llm=llm,
        decisions=llm,
        agents=lambda: [AgentInfo(name="default", description="Helps.", model="scripted", tools=("calculate",))],
        bridges=by_name,
        uploads=Uploads(store, files, documents, clock, config.limits.file_mb),
        **_how_it_is(unready),
        secret=b"0" * 32,
        closing=asyncio.Event(),
    )
    return World(store, feed, people, echo, services, key, owner, unready)


def _for_business(store: Store, clock: Clock, people: People, tenancy: Tenancy, desk: Desk) -> dict[str, Any]:
    return {
        "tenants": Tenants(store, clock, people, tenancy),
        "embeds": Embeds(store, Members(store, clock, people)),
        "audit": Audit(store, clock),
        "halting": Halting(store, MemoryDocuments(), Alone("boot1", "here", clock), clock),
        "desk": desk,
    }


def _how_it_is(unready: list[str]) -> dict[str, Any]:
    return {
        "prompts": _no_prompts,
        "router": lambda: RouterInfo(rule="untrained", model="scripted"),
        "store_info": _memory,
        "unready": lambda: unready[0] if unready else None,
        "metrics": _nothing,
        "alerts": _nothing,
    }


def _business(
    store: Store,
    documents: MemoryDocuments,
    clock: Clock,
    people: People,
    config: Config,
    leaving: Leaving,
    tenancy: Tenancy,
) -> BusinessServices:
    return BusinessServices(
        usages=Usages(store, clock),
        members=Members(store, clock, people),
        rates=Rates(clock, config.limits, tenancy),
        clearing=Clearing(store, documents, clock, people, tenancy, leaving, Forgetting(store)),
        direct=_direct(store, clock),
        brands=Brands(store, clock, usual_look(config.site), urlsplit(config.hub.url).hostname),
    )


async def _the_owner(people: People) -> tuple[str, Key]:
    await people.ensure_owner(key := new_secret(OWNER_KEY)[1])
    owner = await people.whose(key)
    assert owner
    return key, owner


def _hooks(journal: Journal, outbox: Outbox, feed: LocalFeed, echo: Echo, egress: Egress | None) -> dict[str, Any]:
    store, clock, vault = echo.store, echo.clock, Vault(b"v" * 32)
    hubs, elsewhere = Alone("boot1", "here", clock), Elsewhere(store, clock, {})
    work = WebhookWork(store, journal, outbox, elsewhere, clock, feed, hubs, egress=egress, vault=vault)
    return {"webhooks": work.hooks, "inlets": Inlets(store, clock, echo, vault)}


def _leaving(
    store: MemoryStore, files: MemoryFiles, documents: MemoryDocuments, clock: Clock, people: People, echo: Echo
) -> Leaving:
    def forgotten(person: Person, links: Sequence[Link]) -> None:
        people.forget()

    return Leaving(store, files, documents, clock, Forgetting(store), cancel=echo.cancel, forgotten=forgotten)


def _direct(store: Store, clock: Clock) -> Direct:
    feed, box = LocalFeed(), Toolbox((), ScriptedLLM())
    tasks = cast("Tasks", Echo(store, feed, clock))
    journal, outbox, _ = _speaking(store, feed, clock, {})
    return Direct(store, journal, outbox, clock, tasks, box, Rights(store, clock), {}, Config())


def configured(world: World, config: Config) -> World:
    """Return the world with another config."""
    return replace(world, services=replace(world.services, config=config))


async def _no_prompts() -> None:
    """Nothing counts tokens here."""


async def _memory() -> StoreInfo:
    return StoreInfo(path="memory", bytes=0)


async def _nothing() -> tuple[()]:
    """Nothing is counted here but HTTP, and nothing is wrong."""
    return ()


def _speaking(
    store: Store, feed: LocalFeed, clock: Clock, bridges: dict[str, Bridge]
) -> tuple[Journal, Outbox, Habits]:
    journal = Journal(store, feed, LocalDispatcher(clock), clock)
    labels, elsewhere = Labels(store, clock, 24.0), Elsewhere(store, clock, bridges)
    preferences = Preferences(MemoryDocuments(), Zones(MemoryDocuments(), "UTC"))
    quiet, guard = Quiet(store, preferences, clock), Guard(clock, {})
    outbox = Outbox(store, Spool(store, "boot1"), journal, clock, bridges, labels, elsewhere, guard, quiet)
    return journal, outbox, Habits(preferences, outbox, Daily(store, journal, outbox, clock, preferences), clock)
