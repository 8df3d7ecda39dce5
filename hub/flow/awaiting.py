"""Everything that waits for somebody's leave or answer, in one list, read from where each is kept.

An item's id names exactly what was asked: once it's answered, or something else is asked, the id is nobody's.
"""

from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import NotFound
from hub.flow import budget
from hub.ports import Clock, Store
from hub.records import (
    OPEN,
    Ask,
    Blocked,
    Draft,
    DraftId,
    Handover,
    HandoverId,
    Message,
    MessageId,
    Pairing,
    PairingId,
    Pause,
    PauseId,
    PersonId,
    Task,
    TaskId,
    TenantId,
)

Kind = Literal["leave", "question", "budget", "blocked", "checks", "route", "pairing", "draft", "handover"]
"""leave: a tool's call. question: a task asks. budget: it has spent what it may. blocked: it lacks something. checks:
what it's to be checked for. route: which task a message is about. pairing: a stranger asks to be let in. draft: what an
agent would say where an operator answers. handover: somebody wants a human."""
MANY = 100
"""Of each kind."""
MARK = 16
"""Characters of a digest that tell one proposal from another."""
NOBODY = PersonId("")
BACK = 5
"""Changes of a task among which the last one of its state is looked for."""


class Asked(Struct, frozen=True, kw_only=True):
    """Something that waits for somebody; of the records it's read from, those that there are."""

    kind: Kind
    id: str
    person: PersonId
    """Whose word is waited for; of a stranger, a draft and a handover: whom it's about."""
    since: datetime
    until: datetime | None = None
    task: Task | None = None
    pause: Pause | None = None
    message: Message | None = None
    pairing: Pairing | None = None
    draft: Draft | None = None
    handover: Handover | None = None


class Found(Struct, frozen=True, kw_only=True):
    """What's known under an id: what waits, or how it was decided."""

    person: PersonId
    """Whose word was asked for; nobody's by name where it's anybody's with the right to it."""
    asked: Asked | None
    outcome: str = ""
    by: PersonId | None = None


class Reach(Struct, frozen=True, kw_only=True):
    """What somebody decides besides what's theirs."""

    operator: PersonId | None = None
    """Who operates chats, and has drafts before them."""
    lets_in: bool = False
    reads: bool = True
    """Messages."""
    owns: bool = False
    """Leave in groups is the owner's to give."""


class Awaiting:
    """Finds what waits. Nothing here grows with history: what's over isn't read."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, tenant: TenantId, person: PersonId | None, reach: Reach) -> list[Asked]:
        """Return what waits for somebody, or for anybody in a tenant, the longest waiting first."""
        found = [
            *await self._leaves(tenant, person, reach),
            *await self._tasks(tenant, person),
            *await self._proposals(tenant, person),
        ]
        if reach.reads:
            found += await self._routes(tenant, person)
        if reach.lets_in:
            found += await self._strangers(tenant)
        if reach.operator is not None:
            found += await self._at_desk(tenant, reach.operator)
        return sorted(found, key=lambda each: (each.since, each.id))

    async def named(self, tenant: TenantId, id: str) -> Found:
        """Return what's known under an id, whether or not it still waits; raises NotFound."""
        kind, _, rest = id.partition("-")
        first = rest.partition("-")[0]
        found: Found | None = None
        match kind:
            case "leave":
                found = await self._leave(tenant, first)
            case "question" | "budget" | "blocked" | "checks":
                found = await self._of_task(tenant, first, kind)
            case "route":
                found = await self._route(tenant, first)
            case "pairing":
                found = await self._stranger(tenant, first)
            case "draft":
                found = await self._draft(tenant, first)
            case "handover":
                found = await self._handover(tenant, first)
        if found is None:
            raise NotFound(f"there's nothing called {id[:100]!r} that waits")
        return found if found.asked and found.asked.id == id else replace(found, asked=None)

    # --- calls

    async def _leaves(self, tenant: TenantId, person: PersonId | None, reach: Reach) -> list[Asked]:
        pauses = [*await self._store.asked_pauses(tenant, person, MANY)]
        if person is not None and reach.owns:
            everybodys = await self._store.asked_pauses(tenant, None, MANY)
            pauses += [each for each in everybodys if await self._is_group(each)]
        return [found for pause in pauses if (found := await self._asked_leave(pause))]

    async def _is_group(self, pause: Pause) -> bool:
        whose = await self._store.person(pause.tenant, pause.person)
        return whose is not None and whose.role == "group"

    async def _asked_leave(self, pause: Pause) -> Asked | None:
        if pause.kind != "leave" or pause.state != "asked" or pause.expires_at <= self._clock.now():
            return None
        return Asked(
            kind="leave",
            id=f"leave-{pause.id}",
            person=pause.person,
            since=pause.created_at,
            until=pause.expires_at,
            task=await self._store.task(pause.task),
            pause=pause,
        )

    async def _leave(self, tenant: TenantId, id: str) -> Found | None:
        pause = await self._store.pause(PauseId(id))
        if pause is None or pause.tenant != tenant or pause.kind != "leave":
            return None
        asked = await self._asked_leave(pause)
        return Found(person=pause.person, asked=asked, outcome=pause.answer, by=pause.decided_by)

    # --- tasks

    async def _tasks(self, tenant: TenantId, person: PersonId | None) -> list[Asked]:
        tasks = await self._store.tasks(tenant, person, states=("input-required",), limit=MANY)
        return [found for task in tasks if (found := await self._resting(task))]

    async def _resting(self, task: Task) -> Asked | None:
        """Return what a task that rests asks; nothing if it's its person who stopped it, or a call that waits."""
        kind = kind_of(task)
        if task.state != "input-required" or kind is None:
            return None
        changes = await self._store.transitions(task.id, limit=BACK)
        last = next((change for change in changes if change.before != change.after), None)
        if last is not None and last.by == "person":
            return None
        turn = next(iter(await self._store.turns(task.id, limit=1)), None)
        return Asked(
            kind=kind,
            id=f"{kind}-{task.id}-{turn.id if turn else ''}",
            person=task.person,
            since=(last.at if last else None) or task.updated_at,
            until=task.due_at,
            task=task,
        )

    async def _proposals(self, tenant: TenantId, person: PersonId | None) -> list[Asked]:
        return [_proposal(task) for task in await self._store.proposing_tasks(tenant, person, MANY)]

    async def _of_task(self, tenant: TenantId, id: str, kind: str) -> Found | None:
        task = await self._store.task(TaskId(id))
        if task is None or task.tenant != tenant:
            return None
        if kind == "checks":
            return Found(person=task.person, asked=_proposal(task) if task.proposed and task.state in OPEN else None)
        return Found(person=task.person, asked=await self._resting(task))

    # --- messages

    async def _routes(self, tenant: TenantId, person: PersonId | None) -> list[Asked]:
        held = await self._store.held_entries(tenant, person, MANY)
        messages = [(await self._store.message(entry.message), entry.due_at) for entry in held]
        return [_asking(message, until) for message, until in messages if message and message.state == "asking"]

    async def _route(self, tenant: TenantId, id: str) -> Found | None:
        message = await self._store.message(MessageId(id))
        if message is None or message.tenant != tenant or message.role != "user":
            return None
        return Found(person=message.person, asked=_asking(message, None) if message.state == "asking" else None)

    # --- others' chats

    async def _strangers(self, tenant: TenantId) -> list[Asked]:
        pairings = await self._store.pairings(tenant, MANY)
        return [_knocking(each) for each in pairings if self._knocks(each)]

    async def _stranger(self, tenant: TenantId, id: str) -> Found | None:
        pairing = await self._store.pairing(tenant, PairingId(id))
        if pairing is None or pairing.kind != "request":
            return None
        told = next(iter(await self._store.deeds(tenant, limit=1, object=f"pairing/{id}")), None)
        asked = _knocking(pairing) if self._knocks(pairing) else None
        return Found(person=NOBODY, asked=asked, outcome=pairing.state, by=told.who if told else None)

    def _knocks(self, pairing: Pairing) -> bool:
        return pairing.kind == "request" and pairing.state == "open" and pairing.expires_at > self._clock.now()

    async def _at_desk(self, tenant: TenantId, operator: PersonId) -> list[Asked]:
        found: list[Asked] = []
        for handover in await self._store.open_handovers(tenant, limit=MANY):
            if handover.state == "asked":
                found.append(_wanted(handover))
            elif handover.operator == operator:
                drafts = await self._store.drafts(handover.id, limit=MANY)
                found += [await self._drafted(each, handover) for each in drafts if each.state == "open"]
        return found

    async def _draft(self, tenant: TenantId, id: str) -> Found | None:
        draft = await self._store.draft(tenant, DraftId(id))
        handover = await self._store.handover(tenant, draft.handover) if draft else None
        if draft is None or handover is None:
            return None
        asked = await self._drafted(draft, handover) if draft.state == "open" else None
        return Found(person=NOBODY, asked=asked, outcome=draft.state, by=draft.decided_by)

    async def _drafted(self, draft: Draft, handover: Handover) -> Asked:
        return Asked(
            kind="draft",
            id=f"draft-{draft.id}",
            person=draft.person,
            since=draft.created_at,
            until=None if handover.answered_at else handover.first_due_at,
            task=await self._store.task(draft.task),
            message=await self._store.message(draft.answers) if draft.answers else None,
            draft=draft,
            handover=handover,
        )

    async def _handover(self, tenant: TenantId, id: str) -> Found | None:
        handover = await self._store.handover(tenant, HandoverId(id))
        if handover is None:
            return None
        asked = _wanted(handover) if handover.state == "asked" else None
        return Found(person=NOBODY, asked=asked, outcome=handover.state, by=handover.operator)


def kind_of(task: Task) -> Literal["question", "budget", "blocked"] | None:
    """Return what a task that rests asks of its person, by its last verdict."""
    match task.verdict:
        case Blocked():
            return "blocked"
        case Ask(question=question) if question:
            is_spent = task.verdict.choices and budget.spent(task.limits, budget.so_far(task))
            return "budget" if is_spent else "question"
        case _:
            return None


def _proposal(task: Task) -> Asked:
    mark = sha256(msgspec.json.encode(task.proposed)).hexdigest()[:MARK]
    return Asked(kind="checks", id=f"checks-{task.id}-{mark}", person=task.person, since=task.updated_at, task=task)


def _asking(message: Message, until: datetime | None) -> Asked:
    return Asked(
        kind="route",
        id=f"route-{message.id}",
        person=message.person,
        since=message.created_at,
        until=until,
        message=message,
    )


def _knocking(pairing: Pairing) -> Asked:
    return Asked(
        kind="pairing",
        id=f"pairing-{pairing.id}",
        person=NOBODY,
        since=pairing.created_at,
        until=pairing.expires_at,
        pairing=pairing,
    )


def _wanted(handover: Handover) -> Asked:
    return Asked(
        kind="handover",
        id=f"handover-{handover.id}",
        person=handover.person,
        since=handover.created_at,
        until=handover.first_due_at,
        handover=handover,
    )
