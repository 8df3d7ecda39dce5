"""What people take over from agents: whose chat, who answers it, what the agent would say, what's noted about it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records.ids import DraftId, HandoverId, MessageId, NoteId, PersonId, TaskId, TenantId, TurnId
from hub.records.messages import Part
from hub.records.people import Address
from hub.records.tasks import Choice

HandoverState = Literal["asked", "taken", "resolved"]
"""asked: a human was asked for, and agents answer until one comes. taken: one operator answers, agents draft.
resolved: it's over, and agents answer."""
AskedBy = Literal["person", "agent", "supervisor", "operator"]
Target = Literal["first", "end"]
"""What's due: first, an operator's first answer; end, that it's over."""


class Handover(Struct, frozen=True, kw_only=True):
    """Somebody's chats, on whichever bridge, with a human in the agent's place, or with one asked for."""

    id: HandoverId
    tenant: TenantId
    person: PersonId
    holds: PersonId | None
    """The person again until it's resolved: they have one such at a time."""
    address: Address
    """Where it was asked for."""
    task: TaskId | None = None
    """Which task it was asked about."""
    by: AskedBy
    why: str = ""
    state: HandoverState = "asked"
    operator: PersonId | None = None
    created_at: datetime
    taken_at: datetime | None = None
    """By whoever has it now."""
    answered_at: datetime | None = None
    """When an operator first answered."""
    ended_at: datetime | None = None
    first_due_at: datetime | None = None
    end_due_at: datetime | None = None
    due_at: datetime | None = None
    """When operators are told that it's late; None: there's nothing to tell any more."""
    late: tuple[Target, ...] = ()
    """What operators were told is late."""
    revision: int = 0


class Draft(Struct, frozen=True, kw_only=True):
    """What the hub would have said had nobody taken the chat over: an operator sends it, changed or not, or doesn't."""

    id: DraftId
    tenant: TenantId
    handover: HandoverId
    person: PersonId
    task: TaskId
    turn: TurnId | None = None
    answers: MessageId | None = None
    address: Address
    role: Literal["agent", "notice"] = "agent"
    parts: tuple[Part, ...]
    choices: tuple[Choice, ...] = ()
    state: Literal["open", "sent", "discarded"] = "open"
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: PersonId | None = None
    message: MessageId | None = None
    """What was sent of it."""
    revision: int = 0


class Note(Struct, frozen=True, kw_only=True):
    """What operators tell each other about somebody's chats or one of their tasks; no person and no model sees it."""

    id: NoteId
    tenant: TenantId
    person: PersonId
    task: TaskId | None = None
    handover: HandoverId
    by: PersonId
    text: str
    created_at: datetime


class DeskRules(Struct, frozen=True, kw_only=True):
    """How a tenant's operators work; None is as the hub's config has it."""

    tenant: TenantId
    first_minutes: float | None = None
    """Until an operator's first answer."""
    end_minutes: float | None = None
    """Until it's resolved."""
    signed: bool | None = None
    """Whether people see which answers a human wrote, and that human's name."""
