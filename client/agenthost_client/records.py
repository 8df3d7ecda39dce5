"""What the API answers about messages and tasks. Fields that a newer hub adds are passed over.

What has several values (a state, a kind) is text: a newer hub may have more of them. docs/reference/http.md lists all.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct, field


class Accepted(Struct, frozen=True, kw_only=True):
    """A message is on the hub's disk: from now on the hub answers for it."""

    id: str
    state: str
    ref: str = ""


class Choice(Struct, frozen=True, kw_only=True):
    """One of the answers offered with a question."""

    id: str
    text: str


class Part(Struct, frozen=True, kw_only=True):
    """A piece of a message: with `type` "text" its text, with "file" a file."""

    type: str
    text: str = ""
    name: str = ""
    media_type: str = ""
    size: int = 0
    sha256: str = ""


class TaskName(Struct, frozen=True, kw_only=True):
    """A task in few words."""

    id: str
    number: int
    title: str
    state: str


class Candidate(Struct, frozen=True, kw_only=True):
    """A task that the router weighed; without an id, a new one."""

    task: str | None
    number: int | None
    title: str
    probability: float
    evidence: dict[str, float]


class Route(Struct, frozen=True, kw_only=True):
    """Why a message went to its task."""

    rule: str
    probability: float
    new: bool
    reason: str
    candidates: tuple[Candidate, ...]
    model: str
    tokens: int
    ms: float


class Message(Struct, frozen=True, kw_only=True):
    """Something said: by a person (`role` "user"), by an agent ("agent"), or by the hub itself ("notice")."""

    id: str
    state: str
    role: str
    text: str
    html: str
    """The text, safe to put into a page."""
    parts: tuple[Part, ...]
    task: TaskName | None
    route: Route | None
    chat: str
    bridge: str
    author: str | None
    """What who said it is called, in a chat that several people share."""
    human: str | None
    """Who said it in the agent's place; None: an agent did, or its tenant doesn't say."""
    reply_to: str | None
    answers: str | None
    turn: str | None
    used: tuple[str, ...]
    """The tools that were called for an answer."""
    choices: tuple[Choice, ...]
    created_at: datetime
    error: str | None
    replies: "tuple[Message, ...]" = ()

    @property
    def answer(self) -> str:
        """What was said to it, all in one; empty where nothing was, or it wasn't read with its replies."""
        return "\n".join(reply.text for reply in self.replies)


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file that the hub keeps."""

    sha256: str
    name: str
    media_type: str
    size: int


class Stopped(Struct, frozen=True, kw_only=True):
    """How many tasks were stopped."""

    stopped: int


class Origin(Struct, frozen=True, kw_only=True):
    """Where a task began."""

    bridge: str
    chat: str


class Taint(Struct, frozen=True, kw_only=True):
    """What brought others' words into a task."""

    source: str
    detail: str


class Change(Struct, frozen=True, kw_only=True):
    """The last change of a task's state."""

    before: str | None
    by: str
    why: str
    at: datetime


class Schedule(Struct, frozen=True, kw_only=True):
    """When a task comes again; `words` says it, and `next` when it's due next."""

    words: str
    cron: str
    every: float
    """Seconds."""
    zone: str
    missed: str
    jitter: float
    """Seconds."""
    start: datetime | None
    until: datetime | None
    next: tuple[datetime, ...]


class Point(Struct, frozen=True, kw_only=True):
    """A point of an assignment's plan: `open`, `done` or `dropped`."""

    text: str
    state: str = "open"


class Limits(Struct, frozen=True, kw_only=True):
    """What a task may cost."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0


class Spent(Struct, frozen=True, kw_only=True):
    """What was spent."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0


class Usage(Struct, frozen=True, kw_only=True):
    """What a task has cost; its subtasks are told apart."""

    turns: int = 0
    tokens: int = 0
    minutes: float = 0.0
    money: float = 0.0
    subtasks: Spent | None = None


class Awaited(Struct, frozen=True, kw_only=True):
    """What a task waits for: by `type` a message, other tasks, a file or an address."""

    type: str
    tasks: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    path: str = ""
    url: str = ""
    seen: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """How the supervisor judged a turn: `type` is done, again, wait, ask or blocked, and has its own fields."""

    type: str
    summary: str = ""
    why: str = ""
    after: float = 0.0
    """Seconds until the next turn."""
    failed: bool = False
    until: datetime | None = None
    on: Awaited | None = None
    question: str = ""
    choices: tuple[Choice, ...] = ()
    missing: str = ""


class Check(Struct, frozen=True, kw_only=True):
    """What must hold before a task is done: `type` is file, url, command or tool, and has its own fields."""

    type: str
    path: str = ""
    url: str = ""
    command: tuple[str, ...] = ()
    tool: str = ""
    arguments: str = ""
    status: int | None = None
    contains: str = ""


class Task(Struct, frozen=True, kw_only=True):
    """What a person wants done."""

    id: str
    number: int
    title: str
    goal: str
    agent: str
    kind: str
    state: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    schedule: Schedule | None
    run_at: datetime | None
    limits: Limits
    used: Usage
    verdict: Verdict | None
    plan: tuple[Point, ...]
    parent: str | None
    depth: int
    origin: Origin
    checks: tuple[Check, ...]
    proposed: tuple[Check, ...]
    tainted: tuple[Taint, ...] = ()
    changed: Change | None = None


class Leave(Struct, frozen=True, kw_only=True):
    """How a call that had to wait for its person was decided."""

    id: str
    kind: str
    decision: str
    why: str
    by: str | None
    decided_at: datetime | None


class Step(Struct, frozen=True, kw_only=True):
    """A finished step of a turn."""

    number: int
    kind: str
    name: str
    request: str
    result: str
    tokens_in: int
    tokens_out: int
    ms: float
    failed: bool
    effect: str
    unsure: bool
    """Nobody knows whether it did its work."""
    leave: Leave | None


class Turn(Struct, frozen=True, kw_only=True):
    """One run of an agent on a task."""

    id: str
    number: int
    task: str
    state: str
    messages: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None
    answer: str
    tokens_in: int
    tokens_out: int
    ms: float
    verdict: Verdict | None
    error: str | None
    steps: tuple[Step, ...] = ()


class Receipt(Struct, frozen=True, kw_only=True):
    """A tool call, to the byte."""

    turn: str
    number: int
    at: datetime
    tool: str
    arguments: str
    result: str
    effect: str | None
    package: str | None
    ms: float
    failed: bool
    unsure: bool
    leave: Leave | None


class Moment(Struct, frozen=True, kw_only=True):
    """Something that happened to a task."""

    at: datetime
    kind: str
    what: str
    detail: str = ""
    by: str = ""
    turn: int | None = None
    ms: float | None = None
    until: datetime | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    request: str = ""
    effect: str = ""
    leave: str = ""
    failed: bool = False
    unsure: bool = False
    id: str = ""


class Run(Struct, frozen=True, kw_only=True):
    """A run by a schedule: when it was due, when it began, and the numbers of its turns."""

    run_at: datetime
    began_at: datetime
    turns: tuple[int, ...]


class Artefact(Struct, frozen=True, kw_only=True):
    """What a task has made."""

    name: str
    kind: str
    media_type: str
    size: int
    sha256: str
    at: datetime
    turn: int | None
    task: str


class Approval(Struct, frozen=True, kw_only=True):
    """A tool call that waits for leave, or waited; `shown` is all of it, for a person's eyes."""

    id: str
    task: TaskName | None
    turn: str
    tool: str
    shown: str
    why: str
    state: str
    answer: str
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
