"""What waits, what happened, and what was answered before."""

from datetime import datetime
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hub.records.ids import EntryId, KeyId, MessageId, PersonId, TaskId, TenantId, TurnId
from hub.records.messages import Correction, Message
from hub.records.packages import Installation, Package
from hub.records.pauses import Pause, Pin, Taint
from hub.records.people import Follow, Key, Link, Pairing, Person, Posting, Thread
from hub.records.tasks import Step, Task, Transition, Turn

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


EventKind = Literal["message", "route", "task", "turn", "reply", "notice", "delivery", "approval"]
"""approval: a call of the event's turn waits for leave, or doesn't any more."""


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


Revised = TypeVar("Revised", Task, Entry, Pause, Installation)


def saved(record: Revised) -> Revised:
    """Return a record as the store has it once it's saved: with the next revision."""
    return replace(record, revision=record.revision + 1)


Record = (
    Person
    | Link
    | Key
    | Pairing
    | Package
    | Installation
    | Pin
    | Message
    | Posting
    | Correction
    | Task
    | Thread
    | Follow
    | Transition
    | Turn
    | Step
    | Pause
    | Taint
    | Entry
    | Event
    | Replay
)
