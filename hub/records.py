"""What the store keeps: messages, tasks, turns and what belongs to them.

Every record is frozen; a changed one is a new value, made with `msgspec.structs.replace`. All times are aware and UTC.
"""

import secrets
import threading
import time
from datetime import datetime
from typing import Literal, NewType, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

TenantId = NewType("TenantId", str)
PersonId = NewType("PersonId", str)
MessageId = NewType("MessageId", str)
TaskId = NewType("TaskId", str)
TurnId = NewType("TurnId", str)
KeyId = NewType("KeyId", str)
EntryId = NewType("EntryId", str)

HOME = TenantId("home")
"""The tenant of a hub that serves only its owner."""

OWNER = PersonId("owner")


class _Ids:
    """Ids that only grow, even within a millisecond and when the clock is put back while the process lives."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        fresh = (time.time_ns() // 1_000_000) << 64 | secrets.randbits(63)
        with self._lock:
            self._last = max(fresh, self._last + 1 + secrets.randbits(40))
            return f"{self._last:028x}"


_ids = _Ids()


def new_id() -> str:
    """Return an id that sorts after every id this process made before: milliseconds and random bits, in hexadecimal."""
    return _ids.next()


# --- who and where


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who may speak to the hub. The owner may also change it."""

    id: PersonId
    tenant: TenantId
    name: str
    role: Literal["owner", "member"] = "member"
    created_at: datetime


class Link(Struct, frozen=True, kw_only=True):
    """One of a person's accounts: who `sender` on `bridge` is."""

    tenant: TenantId
    bridge: str
    sender: str
    person: PersonId
    created_at: datetime


class Key(Struct, frozen=True, kw_only=True):
    """A bearer key or a browser's session. Only the SHA-256 of the secret is kept: it has 256 random bits."""

    id: KeyId
    tenant: TenantId
    person: PersonId
    name: str
    kind: Literal["api", "session"] = "api"
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Address(Struct, frozen=True, kw_only=True):
    """Where a message came from or goes to: a chat on a bridge, and a thread of it if the platform has threads."""

    bridge: str
    chat: str
    thread: str | None = None


# --- messages


class Text(Struct, frozen=True, tag="text"):
    """Something said, in Markdown if an agent said it."""

    text: str


class File(Struct, frozen=True, kw_only=True, tag="file"):
    """A file that came along: its bytes lie in the file store under their SHA-256."""

    name: str
    media_type: str
    size: int
    sha256: str


Part = Text | File


class Choice(Struct, frozen=True, kw_only=True):
    """One of the answers offered with a question: a button where the platform has buttons, else a numbered line."""

    id: str
    text: str


class Candidate(Struct, frozen=True, kw_only=True):
    """A task that the router weighed; None stands for a new one."""

    task: TaskId | None
    title: str
    probability: float
    evidence: dict[str, float] = field(default_factory=dict)
    """What the probability was made of, by name."""


Rule = Literal["explicit", "reply", "thread", "first", "model", "asked", "corrected", "fallback", "command"]
"""first: there was no other task. asked: the person chose. fallback: the model couldn't be asked in time."""


class Route(Struct, frozen=True, kw_only=True):
    """The router's answer, with its evidence."""

    rule: Rule
    task: TaskId
    new: bool
    probability: float
    candidates: tuple[Candidate, ...] = ()
    model: str = ""
    tokens: int = 0
    ms: float = 0.0


MessageState = Literal[
    "accepted", "asking", "routed", "working", "answered", "stopped", "failed", "moved", "ready", "sent"
]
"""Of a person's message: accepted, asking (which task?), routed, working; then answered, stopped or failed (dead).
Of the hub's: ready, sent (to its platform; at once where people read for themselves); moved: retracted, for the
message that it answers was moved to another task."""


class Message(Struct, frozen=True, kw_only=True):
    """One thing said, by a person or to one."""

    id: MessageId
    tenant: TenantId
    address: Address
    external_id: str
    """The platform's id; with tenant, bridge and chat it's unique, so that a message is kept once."""
    role: Literal["user", "agent", "notice"]
    """user: a person; agent: an answer; notice: the hub itself (an answer to a command, a question about a route)."""
    person: PersonId
    parts: tuple[Part, ...]
    state: MessageState
    created_at: datetime
    reply_to: MessageId | None = None
    """The message that the person replied to or quoted."""
    answers: MessageId | None = None
    """The person's message that this one answers; set on what the hub says."""
    task: TaskId | None = None
    turn: TurnId | None = None
    """The turn that answered this message, or that said it."""
    route: Route | None = None
    wish: str | None = None
    """What the sender said outright: a task's id or "new"."""
    agent: str | None = None
    """The agent wished for, if the message founds a task."""
    choices: tuple[Choice, ...] = ()
    error: str | None = None

    @property
    def text(self) -> str:
        """All that was said in words; files by name."""
        return "\n".join(part.text if isinstance(part, Text) else f"[file: {part.name}]" for part in self.parts)


class Incoming(Struct, frozen=True, kw_only=True):
    """What a bridge hands to the inbox: a message as the platform told it, before anybody decided anything."""

    address: Address
    external_id: str
    sender: str
    """The platform's id of who wrote it; for the HTTP bridge, the person's id."""
    parts: tuple[Part, ...]
    sent_at: datetime
    reply_to: str | None = None
    """The external id of the message replied to."""
    wish: str | None = None
    agent: str | None = None
    tenant: TenantId = HOME


class Correction(Struct, frozen=True, kw_only=True):
    """A labelled example: the router said `wrong`, the person said `right`."""

    id: str
    tenant: TenantId
    message: MessageId
    wrong: TaskId
    right: TaskId
    route: Route
    created_at: datetime


# --- tasks and turns

TaskState = Literal["submitted", "working", "input-required", "completed", "failed", "canceled"]
OPEN: tuple[TaskState, ...] = ("submitted", "working", "input-required")


class Limits(Struct, frozen=True, kw_only=True):
    """What a task may cost before its person is asked."""

    turns: int = 20
    tokens: int = 100_000
    minutes: float = 120.0
    """Minutes of work, not of waiting."""
    money: float = 0.0
    """Of remote models, in the unit of the config's prices; 0 is no limit."""


class Usage(Struct, frozen=True, kw_only=True):
    """What a task has cost so far."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0


class Done(Struct, frozen=True, kw_only=True, tag="done"):
    """The task is really complete."""

    summary: str
    why: str = ""


class Again(Struct, frozen=True, kw_only=True, tag="again"):
    """Another turn is needed, after so many seconds; `why` is told to the agent."""

    after: float
    why: str


class Wait(Struct, frozen=True, kw_only=True, tag="wait"):
    """Nothing to do until a time."""

    until: datetime
    why: str


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
    schedule: str | None = None
    """A five-field crontab in the hub's time zone, for work that comes again."""
    verdict: Verdict | None = None
    digest: str = ""
    """A summary of the messages before `digested`: what compaction left of them."""
    digested: MessageId | None = None
    revision: int = 0
    """Counts changes; the store refuses to save over a newer one."""


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
    kind: Literal["choose", "arguments", "tool", "answer", "judge", "digest"]
    name: str
    request: str
    result: str
    tokens_in: int = 0
    tokens_out: int = 0
    ms: float = 0.0
    failed: bool = False


# --- queues, events, replays


Queue = Literal["inbox", "outbox"]


class Entry(Struct, frozen=True, kw_only=True):
    """Something that waits in a spool until it's settled."""

    id: EntryId
    tenant: TenantId
    queue: Queue
    lane: str
    """Entries of one lane are worked on one after another, in the order of their ids."""
    message: MessageId
    state: Literal["ready", "held", "done", "dead"]
    created_at: datetime
    due_at: datetime | None = None
    """Not before this time."""
    boot: str | None = None
    """The boot of the hub that began to work on it; a dead boot's is begun again."""
    attempts: int = 0
    deaths: int = 0
    """How often a process died over it, and nothing else was being worked on."""
    error: str | None = None
    revision: int = 0


EventKind = Literal["message", "route", "task", "turn", "reply", "notice", "delivery"]


class Event(Struct, frozen=True, kw_only=True):
    """Something that a front end may want to show; kept so that a reader can catch up."""

    tenant: TenantId
    person: PersonId
    kind: EventKind
    created_at: datetime
    message: MessageId | None = None
    task: TaskId | None = None
    turn: TurnId | None = None
    """Ids, not bodies: who is shown an event sees the records as they are now."""
    seq: int = 0
    """Given by the store at commit; grows without end."""


class Replay(Struct, frozen=True, kw_only=True):
    """The answer given to a request with an idempotency key, for the case that it comes again."""

    tenant: TenantId
    key: KeyId
    name: str
    """Method, path and idempotency key."""
    fingerprint: str
    """SHA-256 of the body."""
    status: int
    """0 while the first request is still at work."""
    body: str
    created_at: datetime


Revised = TypeVar("Revised", Task, Entry)


def saved(record: Revised) -> Revised:
    """Return a record as the store has it once it's saved: with the next revision."""
    return replace(record, revision=record.revision + 1)


Record = Person | Link | Key | Message | Correction | Task | Turn | Step | Entry | Event | Replay
