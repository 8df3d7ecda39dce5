"""What the web needs of the hub: one record that app.py fills, typed by what's called and by nothing more."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct
from prometheus_client.registry import Collector

from hub.config import Config
from hub.flow.alerts import Alert
from hub.flow.artefacts import Artefacts
from hub.flow.auditing import Audit
from hub.flow.brands import Brands
from hub.flow.clearing import Clearing
from hub.flow.direct import Direct
from hub.flow.drafting import Drafting
from hub.flow.embeds import Embeds
from hub.flow.entrance import Entrance
from hub.flow.habits import Habits
from hub.flow.halting import Halting
from hub.flow.handing import Handing
from hub.flow.idling import Idling
from hub.flow.inlets import Inlets
from hub.flow.leave import Leave
from hub.flow.leaving import Leaving
from hub.flow.lending import FlowLending
from hub.flow.members import Members
from hub.flow.pairing import Pairings
from hub.flow.people import People
from hub.flow.portrait import Portraits
from hub.flow.rates import Rates
from hub.flow.sizes import PromptSizes
from hub.flow.tenants import Tenants
from hub.flow.toolbox import Called
from hub.flow.uploads import Uploads
from hub.flow.usage import Usages
from hub.flow.webhooks import Webhooks
from hub.packages.installer import Installer
from hub.packages.market import Market
from hub.packages.own import Own
from hub.ports import LLM, Bridge, Change, Clock, Feed, Hubs, Store, Tool, ToolCall
from hub.records import (
    Address,
    Check,
    Entry,
    Incoming,
    KeyId,
    Limits,
    Message,
    PersonId,
    Point,
    Schedule,
    Task,
    TaskId,
    TenantId,
)
from hub.signing import Checker
from hub.times.zones import Zones


class InboxService(Protocol):
    """Keeps what persons say."""

    async def keep(self, incoming: Incoming, *beside: Change) -> tuple[Message, bool]:
        """Return the kept message, and whether it's new; raises PersonError and StoreUnavailable.

        What's `beside` is kept with a new message, or neither is: then StoreError.
        """


class TasksService(Protocol):
    """Changes the states of tasks."""

    async def assign(
        self,
        *,
        tenant: TenantId,
        person: PersonId,
        address: Address,
        text: str,
        agent: str | None,
        external_id: str,
        limits: Limits | None,
        due_at: datetime | None,
        schedule: Schedule | None,
        checks: Sequence[Check],
        key: KeyId | None,
    ) -> tuple[Task, Message]:
        """Make a task of a text; the same external id gives the same task again."""

    async def cancel(self, task: Task) -> Task: ...
    async def resume(self, task: Task) -> Task: ...
    async def stop(self, task: Task) -> Task: ...
    async def stop_chat(self, tenant: TenantId, address: Address, person: PersonId) -> Sequence[Task]:
        """Stop a person's tasks that are at work for a chat, and return them."""


class OutlinesService(Protocol):
    """Keeps plans."""

    async def put(self, id: TaskId, points: Sequence[Point]) -> Task: ...


class TimetableService(Protocol):
    """Changes when tasks come."""

    async def read(self, tenant: TenantId, person: PersonId, words: str, zone: str = "") -> Schedule: ...
    async def reschedule(self, task: Task, schedule: Schedule) -> Task: ...
    async def unschedule(self, task: Task) -> Task: ...


class CorrectionsService(Protocol):
    """Puts wrong routes right."""

    async def move(self, message: Message, to: TaskId | Literal["new"]) -> Task: ...


class QuestionsService(Protocol):
    """Takes the answers to questions that were put with choices."""

    async def choose(self, question: Message, choice: str, by: PersonId) -> str: ...


class LettersService(Protocol):
    """Gives dead letters another life."""

    async def retry(self, entry: Entry) -> Entry: ...


class DeskServices(Protocol):
    """What hands chats from agents to people."""

    @property
    def handing(self) -> Handing:
        """Return what changes who answers."""

    @property
    def drafting(self) -> Drafting:
        """Return what sends and discards drafts."""


class AgentInfo(Struct, frozen=True, kw_only=True):
    """An agent that can be wished for."""

    name: str
    description: str
    model: str
    tools: tuple[str, ...] = ()
    version: str = ""


class RouterInfo(Struct, frozen=True, kw_only=True):
    """Whether the router's rule was trained for the model that decides."""

    rule: Literal["trained", "untrained"]
    model: str


class StoreInfo(Struct, frozen=True, kw_only=True):
    """Where the records lie, and how much room they take."""

    path: str
    bytes: int


async def _nobody(tool: Tool, call: ToolCall) -> Called:
    return Called(result=f"{tool.name} can't be called here.", failed=True)


@dataclass(frozen=True)
class WakerDoor:
    """What the hub's waker asks, and how it proves that it's the waker."""

    checker: Checker
    idling: Idling


@dataclass(frozen=True, kw_only=True)
class BusinessServices:
    """What those have of the hub who serve others with it, besides tenants."""

    usages: Usages
    members: Members
    rates: Rates
    clearing: Clearing
    direct: Direct
    brands: Brands


@dataclass(frozen=True, kw_only=True)
class Services:
    """All that the web calls. Whatever is asked for at each request is a callable."""

    config: Config
    version: str
    boot: str
    hubs: Hubs
    started_at: datetime
    clock: Clock
    store: Store
    feed: Feed
    people: People
    tenants: Tenants
    audit: Audit
    desk: DeskServices
    halting: Halting
    webhooks: Webhooks
    inlets: Inlets
    embeds: Embeds
    business: BusinessServices
    entrance: Entrance
    pairings: Pairings
    leaving: Leaving
    portraits: Portraits
    leave: Leave
    habits: Habits
    lending: FlowLending
    inbox: InboxService
    tasks: TasksService
    outlines: OutlinesService
    timetable: TimetableService
    zones: Zones
    artefacts: Artefacts | None
    corrections: CorrectionsService
    questions: QuestionsService
    letters: LettersService
    llm: LLM
    decisions: LLM
    agents: Callable[[], Sequence[AgentInfo]]
    bridges: Mapping[str, Bridge]
    uploads: Uploads
    router: Callable[[], RouterInfo]
    prompts: Callable[[], Awaitable[PromptSizes | None]]
    store_info: Callable[[], Awaitable[StoreInfo]]
    unready: Callable[[], str | None]
    """Why the hub can't take messages now; None if it can."""
    metrics: Callable[[], Awaitable[Sequence[Collector]]]
    """What Prometheus reads, as it stands now."""
    alerts: Callable[[], Awaitable[Sequence[Alert]]]
    """What's wrong now."""
    secret: bytes
    """Stays the same over restarts; signs the tokens against forged requests."""
    closing: asyncio.Event
    """Set when the hub begins to stop: streams and waits end at once."""
    asked: Callable[[], None] = lambda: None
    """Takes note that somebody asks something."""
    waker: WakerDoor | None = None
    """None: this hub has no waker."""
    packages: Installer | None = None
    market: Market | None = None
    """What can be had from registries."""
    own: Callable[[], Sequence[Own]] = tuple
    """What the hub has without installing it; may block."""
    tools: Callable[[], Sequence[Tool]] = tuple
    call: Callable[[Tool, ToolCall], Awaitable[Called]] = _nobody
    """Calls a tool as a turn does: its arguments checked, its result capped."""
