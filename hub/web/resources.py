"""Messages, tasks and turns as the API shows them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Generic, Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from hub.flow.cadence import in_words
from hub.flow.reasons import reason
from hub.flow.schedules import runs
from hub.ports import Store
from hub.records import (
    Actor,
    Candidate,
    Check,
    Choice,
    Limits,
    Message,
    MessageId,
    MessageState,
    Missed,
    Part,
    PersonId,
    Route,
    Schedule,
    Taint,
    Task,
    TaskId,
    TaskState,
    Text,
    TurnId,
    Usage,
    Verdict,
)
from hub.web.render import markdown, plain

HTTP = "http"
"""The name of the bridge that the API, the web page and the terminal share."""

Item = TypeVar("Item")


class Page(Struct, Generic[Item], frozen=True, kw_only=True):
    """A piece of a listing; `next` goes back as ?cursor= for the piece after it."""

    items: list[Item]
    next: str | None = None


class TaskName(Struct, frozen=True, kw_only=True):
    """A task in few words."""

    id: TaskId
    number: int
    title: str
    state: TaskState


class CandidateView(Struct, frozen=True, kw_only=True):
    """A task that the router weighed; without an id, a new one."""

    task: TaskId | None
    number: int | None
    title: str
    probability: float
    evidence: dict[str, float]


class RouteView(Struct, frozen=True, kw_only=True):
    """Why a message went to its task."""

    rule: str
    probability: float
    new: bool
    reason: str
    """What made the likeliest candidate likelier than the next, in words; empty where nothing was weighed."""
    candidates: list[CandidateView]
    model: str
    tokens: int
    ms: float


class MessageView(Struct, frozen=True, kw_only=True):
    """Something said, by a person, an agent or the hub."""

    id: MessageId
    state: MessageState
    role: Literal["user", "agent", "notice"]
    text: str
    html: str
    """The text, safe to put into a page."""
    parts: list[Part]
    task: TaskName | None
    route: RouteView | None
    chat: str
    bridge: str
    author: str | None
    """What who said it is called, in a chat that several people share."""
    human: str | None
    """Who said it in the agent's place; null: an agent did, or your tenant doesn't say."""
    reply_to: MessageId | None
    answers: MessageId | None
    turn: TurnId | None
    used: list[str]
    """The tools that were called for an answer."""
    choices: list[Choice]
    created_at: datetime
    error: str | None
    replies: "list[MessageView] | UnsetType" = UNSET


class Origin(Struct, frozen=True, kw_only=True):
    """Where a task began."""

    bridge: str
    chat: str


class TaintView(Struct, frozen=True, kw_only=True):
    """Whose words a task has read besides its person's."""

    source: str
    detail: str


class PointView(Struct, frozen=True, kw_only=True):
    """A point of a task's plan."""

    text: str
    state: Literal["open", "done", "dropped"]


class ChangeView(Struct, frozen=True, kw_only=True):
    """Who had a task's state changed last, and why."""

    before: TaskState | None
    by: Actor
    why: str
    at: datetime


COMING = 3
"""Runs of a schedule that are shown."""


class ScheduleView(Struct, frozen=True, kw_only=True):
    """When a task comes again."""

    words: str
    cron: str
    every: float
    """Seconds; 0 where it's a crontab."""
    zone: str
    missed: Missed
    jitter: float
    start: datetime | None
    until: datetime | None
    next: list[datetime]
    """The times of its next runs, three at most; none while the task is stopped."""


class TaskView(Struct, frozen=True, kw_only=True):
    """What a person wants done."""

    id: TaskId
    number: int
    title: str
    goal: str
    agent: str
    kind: Literal["conversation", "assignment"]
    state: TaskState
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    schedule: ScheduleView | None
    run_at: datetime | None
    """By its schedule: when the next run is due, or the one under way was."""
    limits: Limits
    used: Usage
    verdict: Verdict | None
    plan: list[PointView]
    """What its agent or its person wrote down to be done, and what became of it."""
    parent: TaskId | None
    """The task that it was split off from."""
    depth: int
    """How many tasks stand above it."""
    origin: Origin
    checks: list[Check]
    """What must hold before it's done, as its person has agreed."""
    proposed: list[Check]
    """What it would be checked for, if its person agreed."""
    tainted: list[TaintView] | UnsetType = UNSET
    """What brought others' words into it; only where one task is read."""
    changed: ChangeView | UnsetType = UNSET
    """The last change of its state; not in what answers a change."""


class Accepted(Struct, frozen=True, kw_only=True):
    """It's on disk, and will be answered."""

    id: MessageId
    state: MessageState
    ref: str | UnsetType = field(default=UNSET)
    """Over a WebSocket: the id that the client gave its frame."""


class Names:
    """Looks up the tasks that messages speak of, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: dict[TaskId, Task | None] = {}

    async def task(self, id: TaskId) -> Task | None:
        """Return a task as it was when first asked for."""
        if id not in self._tasks:
            self._tasks[id] = await self._store.task(id)
        return self._tasks[id]

    async def name(self, id: TaskId | None) -> TaskName | None:
        """Return a task in few words."""
        task = await self.task(id) if id else None
        return TaskName(id=task.id, number=task.number, title=task.title, state=task.state) if task else None

    async def human(self, message: Message) -> str | None:
        """Return which human said something in an agent's place."""
        if message.role == "user" or not message.sender:
            return None
        operator = await self._store.person(message.tenant, PersonId(message.sender))
        return operator.name if operator else "A human"

    async def used(self, message: Message) -> list[str]:
        """Return the tools that were called for an answer, each once."""
        if message.role != "agent" or message.turn is None:
            return []
        steps = await self._store.steps(message.turn)
        return list(dict.fromkeys(step.name for step in steps if step.kind == "tool"))


async def view_messages(store: Store, messages: Iterable[Message]) -> list[MessageView]:
    """Return messages as the API shows them, without their replies."""
    names = Names(store)
    return [await _message(names, message) for message in messages]


async def view_message(store: Store, message: Message, *, replies: bool = False) -> MessageView:
    """Return a message as the API shows it, with what the hub said to it if wished."""
    names = Names(store)
    said: list[MessageView] | UnsetType = UNSET
    if replies:
        said = [await _message(names, reply) for reply in await store.replies(message.id)]
    return await _message(names, message, said)


async def view_changed(store: Store, task: Task, zone: str, taints: Sequence[Taint] | None = None) -> TaskView:
    """Return a task as the API shows it, with who changed its state last and why."""
    view = view_task(task, zone, taints)
    last = next(iter(await store.transitions(task.id, limit=1)), None)
    if last is None:
        return view
    return replace(view, changed=ChangeView(before=last.before, by=last.by, why=last.why, at=last.at))


def view_task(task: Task, zone: str, taints: Sequence[Taint] | None = None) -> TaskView:
    """Return a task as the API shows it, with what taints it if that's given; `zone` is the hub's."""
    return TaskView(
        id=task.id,
        number=task.number,
        title=task.title,
        goal=task.goal,
        agent=task.agent,
        kind=task.kind,
        state=task.state,
        created_at=task.created_at,
        updated_at=task.updated_at,
        due_at=task.due_at,
        schedule=_schedule(task, task.schedule, zone) if task.schedule else None,
        run_at=task.run_at,
        limits=task.limits,
        used=task.used,
        verdict=task.verdict,
        plan=[PointView(text=point.text, state=point.state) for point in task.plan],
        parent=task.parent,
        depth=task.depth,
        origin=Origin(bridge=task.origin.bridge, chat=chat_name(task.origin.bridge, task.origin.chat, task.person)),
        checks=list(task.checks),
        proposed=list(task.proposed),
        tainted=UNSET if taints is None else [TaintView(source=taint.source, detail=taint.detail) for taint in taints],
    )


def _schedule(task: Task, schedule: Schedule, zone: str) -> ScheduleView:
    coming = [] if task.run_at is None or task.due_at is None else [task.run_at]
    if coming:
        coming += islice(runs(schedule, zone, coming[0]), COMING - 1)
    return ScheduleView(
        words=in_words(schedule, zone),
        cron=schedule.cron,
        every=schedule.every,
        zone=schedule.zone or zone,
        missed=schedule.missed,
        jitter=schedule.jitter,
        start=schedule.start,
        until=schedule.until,
        next=coming,
    )


def chat_name(bridge: str, chat: str, person: PersonId) -> str:
    """Return what a person calls a chat: here without their own id before it."""
    return chat.removeprefix(f"{person}/") if bridge == HTTP else chat


async def _message(names: Names, message: Message, replies: list[MessageView] | UnsetType = UNSET) -> MessageView:
    return MessageView(
        id=message.id,
        state=message.state,
        role=message.role,
        text=message.text,
        html=html_of(message),
        parts=list(message.parts),
        task=await names.name(message.task),
        route=await _route(names, message.route) if message.route else None,
        chat=chat_name(message.address.bridge, message.address.chat, message.person),
        bridge=message.address.bridge,
        author=(message.name or message.sender) if message.author else None,
        human=await names.human(message),
        reply_to=message.reply_to,
        answers=message.answers,
        turn=message.turn,
        used=await names.used(message),
        choices=list(message.choices),
        created_at=message.created_at,
        error=message.error,
        replies=replies,
    )


def html_of(message: Message) -> str:
    """Return what a message says, safe to put into a page."""
    # Files are parts of their own: in the text they're only noted for who reads nothing else.
    words = "\n".join(part.text for part in message.parts if isinstance(part, Text))
    return plain(words) if message.role == "user" else markdown(words)


async def _route(names: Names, route: Route) -> RouteView:
    return RouteView(
        rule=route.rule,
        probability=route.probability,
        new=route.new,
        reason=reason(route.candidates),
        candidates=[await _candidate(names, candidate) for candidate in route.candidates],
        model=route.model,
        tokens=route.tokens,
        ms=route.ms,
    )


async def _candidate(names: Names, candidate: Candidate) -> CandidateView:
    task = await names.task(candidate.task) if candidate.task else None
    return CandidateView(
        task=candidate.task,
        number=task.number if task else None,
        title=candidate.title,
        probability=candidate.probability,
        evidence=candidate.evidence,
    )
