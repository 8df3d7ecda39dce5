"""What people want done, and the turns taken on it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records.ids import MessageId, PauseId, PersonId, TaskId, TenantId, TurnId
from hub.records.people import Address
from hub.records.plans import Check, Point, Schedule, Signal

TaskState = Literal["submitted", "working", "input-required", "completed", "failed", "canceled"]
OPEN: tuple[TaskState, ...] = ("submitted", "working", "input-required")


class Choice(Struct, frozen=True, kw_only=True):
    """One of the answers offered with a question: a button where the platform has buttons, else a numbered line."""

    id: str
    text: str


class Limits(Struct, frozen=True, kw_only=True):
    """What a task may cost before its person is asked."""

    turns: int = 20
    tokens: int = 100_000
    minutes: float = 120.0
    """Minutes of work, not of waiting."""
    money: float = 0.0
    """Of remote models, in the unit of the config's prices; 0 is no limit."""


class Spent(Struct, frozen=True, kw_only=True):
    """What other tasks have cost on a task's behalf."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0


class Usage(Struct, frozen=True, kw_only=True):
    """What a task has cost so far, its subtasks included."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0
    subtasks: Spent | None = None
    """Of that, what its subtasks had cost when it was last looked at."""


class Done(Struct, frozen=True, kw_only=True, tag="done"):
    """The task is really complete."""

    summary: str
    why: str = ""


class Again(Struct, frozen=True, kw_only=True, tag="again"):
    """Another turn is needed, after so many seconds; `why` is told to the agent."""

    after: float
    why: str
    failed: bool = False
    """The turn failed or couldn't be judged: a few such in a row, and its person is told."""


class Wait(Struct, frozen=True, kw_only=True, tag="wait"):
    """Nothing to do until a time, or until what it waits for comes before."""

    until: datetime
    why: str
    on: Signal | None = None


class Ask(Struct, frozen=True, kw_only=True, tag="ask"):
    """Only the person can say how it goes on."""

    question: str
    choices: tuple[Choice, ...] = ()
    why: str = ""


class Blocked(Struct, frozen=True, kw_only=True, tag="blocked"):
    """It can't be done with what's there."""

    missing: str


Verdict = Done | Again | Wait | Ask | Blocked


class Task(Struct, frozen=True, kw_only=True):
    """What a person wants done."""

    id: TaskId
    tenant: TenantId
    person: PersonId
    number: int
    """Counts a person's tasks: what they call it by."""
    origin: Address
    title: str
    goal: str
    """In the person's own words; never dropped from a prompt."""
    agent: str
    state: TaskState
    created_at: datetime
    updated_at: datetime
    kind: Literal["conversation", "assignment"] = "conversation"
    """A conversation is done when its message is answered; an assignment when the supervisor finds its goal reached."""
    limits: Limits = Limits()
    used: Usage = Usage()
    due_at: datetime | None = None
    """When it's looked at next: for a turn, or to see whether what it waits for has come."""
    schedule: Schedule | None = None
    """For work that comes again."""
    run_at: datetime | None = None
    """The time by its schedule of the run that's due next, or under way; jitter lets `due_at` be later."""
    checks: tuple[Check, ...] = ()
    """What must hold before it's complete; its person has agreed to them."""
    proposed: tuple[Check, ...] = ()
    """What its agent would have it checked for; they count once its person agrees."""
    plan: tuple[Point, ...] = ()
    parent: TaskId | None = None
    """The task that it was split off from."""
    depth: int = 0
    """How many tasks stand above it."""
    progress: MessageId | None = None
    """The message that says how far it is, edited as it goes on; none once it's over."""
    verdict: Verdict | None = None
    digest: str = ""
    """A summary of the messages before `digested`: what compaction left of them."""
    digested: MessageId | None = None
    revision: int = 0
    """Counts changes; the store refuses to save over a newer one."""


Actor = Literal["person", "agent", "supervisor", "schedule", "hub"]
"""Who had a task's state changed."""


class Transition(Struct, frozen=True, kw_only=True):
    """A task got another state: kept as long as the task."""

    id: str
    tenant: TenantId
    task: TaskId
    before: TaskState | None
    """None: it was founded."""
    after: TaskState
    by: Actor
    why: str
    at: datetime


class Turn(Struct, frozen=True, kw_only=True):
    """One run of an agent on a task."""

    id: TurnId
    tenant: TenantId
    task: TaskId
    number: int
    state: Literal["working", "done", "stopped", "failed"]
    messages: tuple[MessageId, ...]
    """The person's messages that it answers."""
    started_at: datetime
    ended_at: datetime | None = None
    answer: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    ms: float = 0.0
    verdict: Verdict | None = None
    error: str | None = None


class Step(Struct, frozen=True, kw_only=True):
    """A finished step of a turn: its result is kept so that no crash makes the hub do it again."""

    turn: TurnId
    number: int
    kind: Literal["choose", "arguments", "begun", "tool", "answer", "judge", "digest", "check"]
    """check: what was looked at after the answer; its name is the check's kind, its request the check.
    begun: a tool is about to be called that mustn't be called again unasked; its result is the next step."""
    name: str
    request: str
    result: str
    tokens_in: int = 0
    tokens_out: int = 0
    ms: float = 0.0
    failed: bool = False
    effect: Literal["", "none", "idempotent", "keyed", "once"] = ""
    """Of a tool's call: what it changes. Empty: nothing was called."""
    pause: PauseId | None = None
    """Of a tool's call that waited for its person: for what, and what they said."""
    unsure: bool = False
    """Nobody knows whether the call did its work: it gave no answer in time."""
    ended_at: datetime | None = None
    """Unknown of steps that an earlier version kept."""
    money: float = 0.0
    """Of remote models, in the unit of the config's prices."""
