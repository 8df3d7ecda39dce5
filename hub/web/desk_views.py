"""Hand-overs as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.flow.desks import Ways
from hub.ports import Store
from hub.records import (
    AskedBy,
    Choice,
    Draft,
    DraftId,
    Handover,
    HandoverId,
    HandoverState,
    MessageId,
    Note,
    NoteId,
    Part,
    PersonId,
    Target,
    TenantId,
    Text,
    TurnId,
)
from hub.web.render import markdown
from hub.web.resources import Names, TaskName

Words = Annotated[str, Meta(max_length=20_000)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class Somebody(Struct, frozen=True, kw_only=True):
    """A person, in few words."""

    id: PersonId
    name: str


class HandoverView(Struct, frozen=True, kw_only=True):
    """Somebody's chats, with a human in the agent's place, or with one asked for."""

    id: HandoverId
    state: HandoverState
    person: Somebody
    """Whose chats."""
    task: TaskName | None
    """Which task it was asked about."""
    by: AskedBy
    """Who asked for a human."""
    why: str
    operator: Somebody | None
    bridge: str
    """Where it was asked for."""
    created_at: datetime
    taken_at: datetime | None
    answered_at: datetime | None
    """When an operator first answered."""
    ended_at: datetime | None
    first_due_at: datetime | None
    """When the first answer is late."""
    end_due_at: datetime | None
    """When it's late that it isn't over."""
    late: list[Target]
    """What's late: first (the first answer), end."""


class DraftView(Struct, frozen=True, kw_only=True):
    """What the agent would have said."""

    id: DraftId
    state: Literal["open", "sent", "discarded"]
    text: str
    html: str
    """The text, safe to put into a page."""
    parts: list[Part]
    choices: list[Choice]
    task: TaskName | None
    turn: TurnId | None
    answers: MessageId | None
    """The person's message that it answers."""
    message: MessageId | None
    """What was sent of it."""
    created_at: datetime
    decided_at: datetime | None
    decided_by: PersonId | None


class NoteView(Struct, frozen=True, kw_only=True):
    """What operators tell each other; no person and no model sees it."""

    id: NoteId
    by: Somebody
    task: TaskName | None
    text: str
    created_at: datetime


class RulesView(Struct, frozen=True, kw_only=True):
    """How your tenant's operators work."""

    first_minutes: float
    """Until an operator's first answer is late."""
    end_minutes: float
    """Until it's late that it isn't over."""
    signed: bool
    """Whether people see which answers a human wrote, and that human's name."""


class NewRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How operators are to work; null or left out: as the hub's config says."""

    first_minutes: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    end_minutes: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    signed: bool | None = None


class NewHandover(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose chats you want to take over."""

    person: Id
    why: Annotated[str, Meta(max_length=500)] = ""


class Transfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who's to have it."""

    to: Id


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say: `draft` alone sends it as it is, with `text` in these words; `text` alone is your own."""

    text: Words | None = None
    draft: Id | None = None


class NewNote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note, about the person or one of their tasks."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    task: Id | None = None


class Views:
    """Makes them, and looks each person and task up once."""

    def __init__(self, store: Store, tenant: TenantId) -> None:
        self._store = store
        self._tenant = tenant
        self._names = Names(store)
        self._people: dict[PersonId, Somebody] = {}

    async def handover(self, handover: Handover) -> HandoverView:
        """Return a handover as the API shows it."""
        return HandoverView(
            id=handover.id,
            state=handover.state,
            person=await self._somebody(handover.person),
            task=await self._names.name(handover.task),
            by=handover.by,
            why=handover.why,
            operator=await self._somebody(handover.operator) if handover.operator else None,
            bridge=handover.address.bridge,
            created_at=handover.created_at,
            taken_at=handover.taken_at,
            answered_at=handover.answered_at,
            ended_at=handover.ended_at,
            first_due_at=handover.first_due_at,
            end_due_at=handover.end_due_at,
            late=list(handover.late),
        )

    async def draft(self, draft: Draft) -> DraftView:
        """Return a draft as the API shows it."""
        text = "\n".join(part.text for part in draft.parts if isinstance(part, Text))
        return DraftView(
            id=draft.id,
            state=draft.state,
            text=text,
            html=markdown(text),
            parts=list(draft.parts),
            choices=list(draft.choices),
            task=await self._names.name(draft.task),
            turn=draft.turn,
            answers=draft.answers,
            message=draft.message,
            created_at=draft.created_at,
            decided_at=draft.decided_at,
            decided_by=draft.decided_by,
        )

    async def note(self, note: Note) -> NoteView:
        """Return a note as the API shows it."""
        return NoteView(
            id=note.id,
            by=await self._somebody(note.by),
            task=await self._names.name(note.task),
            text=note.text,
            created_at=note.created_at,
        )

    async def _somebody(self, id: PersonId) -> Somebody:
        if id not in self._people:
            found = await self._store.person(self._tenant, id)
            self._people[id] = Somebody(id=id, name=found.name if found else "")
        return self._people[id]


def view_rules(ways: Ways) -> RulesView:
    """Return how operators work, as the API shows it."""
    return RulesView(first_minutes=ways.first_minutes, end_minutes=ways.end_minutes, signed=ways.signed)
