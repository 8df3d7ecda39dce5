"""What waits, what happened, and what was answered before."""

from datetime import datetime
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hub.records.brands import Brand, HostName
from hub.records.deeds import Chain, Checkpoint, Deed
from hub.records.embeds import Embed
from hub.records.handovers import DeskRules, Draft, Handover, Note
from hub.records.ids import EntryId, HandoverId, KeyId, MessageId, PersonId, TaskId, TenantId, TurnId
from hub.records.logins import Invitation, Login, Passport, Session
from hub.records.messages import Correction, Message
from hub.records.packages import Installation, Package
from hub.records.pauses import Pause, Pin, Taint
from hub.records.people import Follow, Key, Link, Pairing, Person, Posting, Thread
from hub.records.tasks import Step, Task, Transition, Turn
from hub.records.tenants import Tenant
from hub.records.usage import Taken
from hub.records.webhooks import Inlet, Webhook, WebhookCursor, WebhookDelivery

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


EventKind = Literal["message", "route", "task", "turn", "reply", "notice", "delivery", "approval", "handover"]
"""approval: a call of the event's turn waits for leave, or doesn't any more. handover: one has news, for DESK."""
DESK = PersonId(":desk")
"""In an event: whom it tells is whoever operates the tenant's chats. Nobody has this id."""


class Event(Struct, frozen=True, kw_only=True):
    """Something that a front end may want to show; kept so that a reader can catch up."""

    tenant: TenantId
    person: PersonId
    kind: EventKind
    created_at: datetime
    message: MessageId | None = None
    task: TaskId | None = None
    turn: TurnId | None = None
    handover: HandoverId | None = None
    """Ids, not bodies: who is shown an event sees the records as they are now."""
    state: str | None = None
    """The state that its message or call has from then on; of a task, if that's another one than before."""
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


Revised = TypeVar("Revised", Task, Entry, Pause, Installation, Login, Invitation, Handover, Draft, Webhook)


def saved(record: Revised) -> Revised:
    """Return a record as the store has it once it's saved: with the next revision."""
    return replace(record, revision=record.revision + 1)


Record = (
    Tenant
    | Embed
    | Brand
    | HostName
    | Person
    | Link
    | Key
    | Login
    | Passport
    | Invitation
    | Session
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
    | Handover
    | Draft
    | Note
    | DeskRules
    | Entry
    | Event
    | Replay
    | Deed
    | Chain
    | Checkpoint
    | Taken
    | Webhook
    | WebhookCursor
    | WebhookDelivery
    | Inlet
)
