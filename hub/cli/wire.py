"""The API's resources as the terminal reads them: what it doesn't show is left out, what's new is ignored."""

from datetime import datetime
from typing import Generic, Literal, TypeVar

from msgspec import Struct, field

from hub.records import Verdict

Item = TypeVar("Item")


class Listing(Struct, Generic[Item], frozen=True, kw_only=True):
    """A page of a listing; `next` is the cursor of the following one."""

    items: tuple[Item, ...]
    next: str | None = None


class Option(Struct, frozen=True, kw_only=True):
    """One of the answers offered with a question."""

    id: str
    text: str


class TaskTag(Struct, frozen=True, kw_only=True):
    """Which task something belongs to."""

    id: str
    number: int
    title: str = ""
    state: str = ""


class Accepted(Struct, frozen=True, kw_only=True):
    """A message is on disk."""

    id: str
    state: str


class Said(Struct, frozen=True, kw_only=True):
    """A message of either side."""

    id: str
    role: Literal["user", "agent", "notice"]
    state: str
    text: str
    created_at: datetime
    task: TaskTag | None = None
    chat: str = "main"
    bridge: str = "http"
    answers: str | None = None
    turn: str | None = None
    choices: tuple[Option, ...] = ()
    error: str | None = None
    replies: tuple["Said", ...] = ()


class Used(Struct, frozen=True, kw_only=True):
    """What a task may cost, or has cost."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0


class Schedule(Struct, frozen=True, kw_only=True):
    """When a task comes again."""

    words: str
    zone: str = ""
    missed: str = ""
    next: tuple[datetime, ...] = ()


class Task(Struct, frozen=True, kw_only=True):
    """What a person wants done."""

    id: str
    number: int
    title: str
    state: str
    goal: str = ""
    agent: str = ""
    updated_at: datetime | None = None
    created_at: datetime | None = None
    due_at: datetime | None = None
    schedule: Schedule | None = None
    parent: str | None = None
    limits: Used = Used()
    used: Used = Used()
    verdict: Verdict | None = None


class Step(Struct, frozen=True, kw_only=True):
    """A finished step of a turn."""

    number: int
    kind: str
    name: str
    request: str = ""
    result: str = ""
    ms: float = 0.0
    failed: bool = False


class Turn(Struct, frozen=True, kw_only=True):
    """One run of an agent on a task."""

    id: str
    number: int
    state: str
    task: str = ""
    messages: tuple[str, ...] = ()
    answer: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    ms: float = 0.0
    verdict: Verdict | None = None
    error: str | None = None
    steps: tuple[Step, ...] = ()


class Moment(Struct, frozen=True, kw_only=True):
    """Something that happened to a task."""

    at: datetime
    kind: str
    what: str
    detail: str = ""
    by: str = ""
    ms: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    leave: str = ""
    failed: bool = False


class Delta(Struct, frozen=True, kw_only=True):
    """Some more of an answer that's being written; all of it so far where `whole` is true."""

    task: str
    turn: str
    message: str | None
    """None where a task goes on by itself: what was scheduled answers nobody's message."""
    text: str
    whole: bool = False


class Key(Struct, frozen=True, kw_only=True):
    """An API key; the key itself is told only once, when it's created."""

    id: str
    name: str
    scopes: tuple[str, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used: str | None = None
    key: str = ""


class Tenant(Struct, frozen=True, kw_only=True):
    """A customer of the hub."""

    id: str
    name: str
    created_at: datetime | None = None
    suspended_at: datetime | None = None
    leaving_at: datetime | None = None
    quotas: dict[str, float | None] = {}


class FreshTenant(Struct, frozen=True, kw_only=True):
    """A customer that was just made, with its owner's key."""

    id: str
    key: str


class Model(Struct, frozen=True, kw_only=True):
    """What stands behind an LLM."""

    model: str = ""
    state: str = "absent"
    detail: str = ""
    context: int = 0
    restarts: int = 0
    tokens_per_second: float = 0.0
    memory_mb: float = 0.0
    sees: bool = False
    threads: int = 0
    money_today: float = 0.0


class Bridge(Struct, frozen=True, kw_only=True):
    """A bridge and how it is."""

    name: str
    kind: str = ""
    state: str = ""
    detail: str = ""
    account: str = ""
    heard_at: datetime | None = None
    lag: float = 0.0
    waiting: int = 0


class Kept(Struct, frozen=True, kw_only=True):
    """Where the database is, and how big."""

    path: str = ""
    bytes: int = 0


class Router(Struct, frozen=True, kw_only=True):
    """What decides which task a message is about."""

    rule: str = ""
    model: str = ""


class Prompts(Struct, frozen=True, kw_only=True):
    """How long prompts are at their fullest, in tokens."""

    router: int = 0
    supervisor: int = 0
    agent: int = 0


class Alert(Struct, frozen=True, kw_only=True):
    """Something that's wrong with the hub, or soon will be."""

    name: str
    level: str
    text: str
    fix: str = ""
    about: str = ""


class Fellow(Struct, frozen=True, kw_only=True):
    """One of the hubs on a database."""

    boot: str
    name: str
    state: str
    started_at: datetime
    seen_at: datetime
    leases: tuple[str, ...] = ()


class Status(Struct, frozen=True, kw_only=True):
    """How the hub is."""

    version: str
    boot: str = ""
    started_at: datetime | None = None
    llm: Model = Model()
    decisions: Model = Model()
    queues: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    store: Kept = Kept()
    bridges: tuple[Bridge, ...] = ()
    hubs: tuple[Fellow, ...] = ()
    router: Router = Router()
    prompts: Prompts | None = None
    alerts: tuple[Alert, ...] = ()
    requests: int = 0


class Account(Struct, frozen=True, kw_only=True):
    """One of a person's accounts."""

    bridge: str
    sender: str


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who's known, or a group that is."""

    id: str
    name: str
    role: str = ""
    leaving_at: datetime | None = None
    accounts: tuple[Account, ...] = ()


class Knock(Struct, frozen=True, kw_only=True):
    """A stranger who asks to be let in."""

    id: str
    bridge: str
    sender: str
    name: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None


class Way(Struct, frozen=True, kw_only=True):
    """How to link an account on one bridge."""

    bridge: str
    account: str = ""
    link: str = ""


class PairingCode(Struct, frozen=True, kw_only=True):
    """A code that links an account."""

    code: str
    say: str = ""
    expires_at: datetime | None = None
    ways: tuple[Way, ...] = ()


class Dead(Struct, frozen=True, kw_only=True):
    """A dead letter: a message that's not tried again by itself."""

    entry: str = ""
    message: Said | None = None
    error: str | None = None


class SignIn(Struct, frozen=True, kw_only=True):
    """A fresh link that signs a browser in."""

    url: str


class Problem(Struct, frozen=True, kw_only=True):
    """An error as RFC 9457 tells it."""

    title: str = ""
    status: int = 0
    detail: str = ""


class Asked(Struct, frozen=True, kw_only=True):
    """A tool call that waits for leave."""

    id: str
    tool: str
    shown: str
    why: str
    state: str
    expires_at: datetime
    answer: str = ""
    task: TaskTag | None = None


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened; `data` is JSON. Events that aren't kept have no id of their own."""

    kind: str
    data: str
    id: str
