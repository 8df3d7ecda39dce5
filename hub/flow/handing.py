"""Handing chats from agents to people: asked for, taken by one operator, given back, each step told and accounted for.

While one has it, agents draft instead of answering: see drafting.py. Who's first is decided by the store: each step is
saved over exactly what was read.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, Decided, Duplicate, NotAllowed, NotFound
from hub.failpoints import reach
from hub.flow.deeds import deed
from hub.flow.desks import Desks, Ways
from hub.flow.doing import doer
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.ports import Add, Change, Clock, Remove, Save, Store
from hub.records import (
    DESK,
    MAY,
    Address,
    AskedBy,
    DeskRules,
    Draft,
    Event,
    Handover,
    HandoverId,
    Message,
    Note,
    NoteId,
    Person,
    PersonId,
    TaskId,
    TenantId,
    new_id,
)

R = TypeVar("R")
WHY = 500
"""Characters."""
NOTE = 4_000
TRIES = 5
RECENT = 200
"""Messages of somebody among which those that wait for an operator are looked for."""
DRAFTS = 1_000
OPERATE = "chats:operate"


class Changed(Exception):
    """It isn't any more what it was when it was read."""


class Handing:
    """Changes hand-overs."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, desks: Desks) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self.desks = desks

    async def set_rules(self, rules: DeskRules) -> Ways:
        """Have a tenant's operators work so from now on; what's under way keeps the times it has."""
        known = await self._store.desk_rules(rules.tenant)
        told = self._deed(rules.tenant, "desk.changed", f"tenant/{rules.tenant}", of=rules)
        await self._journal.commit(Save(rules) if known else Add(rules), told)
        return await self.desks.of(rules.tenant)

    async def forget(self, tenant: TenantId) -> None:
        """Remove what's a tenant's as a whole."""
        if rules := await self._store.desk_rules(tenant):
            await self._store.commit(Remove(rules))

    async def named(self, tenant: TenantId, id: str) -> Handover:
        """Return a handover; raises NotFound."""
        found = await self._store.handover(tenant, HandoverId(id))
        if found is None:
            raise NotFound(f"handover: there's no {id[:64]!r}; GET /v1/handovers lists them")
        return found

    # --- asked for

    async def ask(
        self, tenant: TenantId, person: PersonId, at: Address, by: AskedBy, why: str, task: TaskId | None = None
    ) -> tuple[Handover, bool]:
        """Ask for a human in somebody's chats; return the handover, and whether it's new: there's one at a time.

        Raises NotFound, and BadRequest for somebody who answers here themself: there's nobody else to ask.
        """
        await self._check_whose(tenant, person)
        for _ in range(2):
            if found := await self._store.handover_of(tenant, person):
                return found, False
            fresh = await self._fresh(tenant, person, at, by, why, task)
            try:
                await self._keep(fresh, "asked", Add(fresh), detail=by)
            except Duplicate:
                continue  # another asked at this very moment
            return fresh, True
        raise Conflict("that person's handovers change all the time; try again")

    async def begin(self, tenant: TenantId, person: PersonId, operator: PersonId, why: str) -> Handover:
        """Have an operator take somebody's chats over on their own; raises as `ask` and `take` do.

        Where that person has never said anything there's nothing to take over: BadRequest.
        """
        last = await self._store.talk(tenant, person, limit=1)
        if not last:
            await self._check_whose(tenant, person)
            raise BadRequest("person", "has said nothing yet, so there's no chat to answer in")
        found, _ = await self.ask(tenant, person, last[-1].address, "operator", why)
        return await self.take(tenant, found.id, operator)

    async def _fresh(
        self, tenant: TenantId, person: PersonId, at: Address, by: AskedBy, why: str, task: TaskId | None
    ) -> Handover:
        now, ways = self._clock.now(), await self.desks.of(tenant)
        first, end = (now + timedelta(minutes=minutes) for minutes in (ways.first_minutes, ways.end_minutes))
        return Handover(
            id=HandoverId(new_id()),
            tenant=tenant,
            person=person,
            holds=person,
            address=at,
            task=task,
            by=by,
            why=why.strip()[:WHY],
            created_at=now,
            first_due_at=first,
            end_due_at=end,
            due_at=min(first, end),
        )

    async def _check_whose(self, tenant: TenantId, person: PersonId) -> Person:
        found = await self._store.person(tenant, person)
        if found is None or found.leaving_at is not None:
            raise NotFound(f"person: there's no {person!r}")
        if OPERATE in MAY[found.role] and found.role != "service":
            raise BadRequest("person", f"is {found.role} here: they take chats over, theirs aren't taken over")
        return found

    # --- taken, and given back

    async def take(self, tenant: TenantId, id: str, operator: PersonId) -> Handover:
        """Have one operator answer from now on; once more by the same is no error.

        Raises NotFound, Decided where another has it, or it's over, and BadRequest for one's own chats.
        """
        return await self.anew(tenant, id, partial(self._take, operator=operator))

    async def _take(self, handover: Handover, operator: PersonId) -> Handover:
        if handover.state == "taken" and handover.operator == operator:
            return handover
        if handover.state != "asked":
            raise _taken(handover)
        if handover.person == operator:
            raise BadRequest("id", "it's your own chat: somebody else has to take it over")
        now = self._clock.now()
        taken = replace(handover, state="taken", operator=operator, taken_at=now)
        told = await self._tell(taken, f"{await self._public(taken)} answers you from here on.")
        return await self._keep(taken, "taken", Save(taken), *self._said(told), wake=told)

    async def release(self, tenant: TenantId, id: str, operator: PersonId) -> Handover:
        """Give it back to the queue: until another takes it, agents answer.

        Raises NotFound, Decided where nobody has it, and NotAllowed where another operator has.
        """
        return await self.anew(tenant, id, partial(self._release, operator=operator))

    async def _release(self, handover: Handover, operator: PersonId) -> Handover:
        self.check_mine(handover, operator)
        free = replace(handover, state="asked", operator=None, taken_at=None)
        return await self._keep(free, "released", Save(free))

    async def transfer(self, tenant: TenantId, id: str, operator: PersonId, to: PersonId) -> Handover:
        """Hand it to another operator of the tenant. Raises as `release` does, and BadRequest for who's none."""
        return await self.anew(tenant, id, partial(self._transfer, operator=operator, to=to))

    async def _transfer(self, handover: Handover, operator: PersonId, to: PersonId) -> Handover:
        self.check_mine(handover, operator)
        other = await self._store.person(handover.tenant, to)
        if other is None or OPERATE not in MAY[other.role] or other.role == "service" or not other.is_heard:
            raise BadRequest("to", f"{to!r} operates no chats here; people with the role operator, admin or owner do")
        if to == handover.person:
            raise BadRequest("to", "it's their own chat")
        now = self._clock.now()
        theirs = replace(handover, operator=to, taken_at=now)
        told = await self._tell(theirs, f"{await self._public(theirs)} answers you from here on.")
        change = Save(theirs), *self._said(told)
        return await self._keep(theirs, "transferred", *change, wake=told, detail=f"person/{to}")

    async def resolve(self, tenant: TenantId, id: str, operator: PersonId) -> Handover:
        """End it: agents answer again. Drafts that weren't sent are discarded. Raises as `release` does.

        One that nobody has taken may be ended by every operator; once more is no error.
        """
        return await self.anew(tenant, id, partial(self._resolve, operator=operator))

    async def _resolve(self, handover: Handover, operator: PersonId) -> Handover:
        if handover.state == "resolved":
            return handover
        if handover.state == "taken":
            self.check_mine(handover, operator)
        now = self._clock.now()
        over = replace(handover, state="resolved", holds=None, ended_at=now, due_at=None, operator=operator)
        changes: list[Change] = [Save(over), *await self.discarded(handover, operator), *await self.answered(handover)]
        told = await self._tell(over, "The agent answers you again.") if handover.state == "taken" else ()
        return await self._keep(over, "resolved", *changes, *self._said(told), wake=told)

    # --- notes

    async def note(self, handover: Handover, by: PersonId, text: str, task: TaskId | None = None) -> Note:
        """Keep a note about a handover's person, or one of their tasks; no person and no model ever sees it."""
        text = text.strip()
        if not text or len(text) > NOTE:
            raise BadRequest("text", f"a note has 1 to {NOTE:,} characters; this one has {len(text):,}")
        if task is not None:
            found = await self._store.task(task)
            if found is None or (found.tenant, found.person) != (handover.tenant, handover.person):
                raise BadRequest("task", "isn't one of that person's")
        note = Note(
            id=NoteId(new_id()),
            tenant=handover.tenant,
            person=handover.person,
            task=task,
            handover=handover.id,
            by=by,
            text=text,
            created_at=self._clock.now(),
        )
        told = self._deed(handover.tenant, "handover.noted", f"handover/{handover.id}", detail=f"note/{note.id}")
        await self._journal.commit(Add(note), self.about(handover), told)
        return note

    # --- what others keep together with theirs

    async def anew(self, tenant: TenantId, id: str, step: Callable[[Handover], Awaitable[R]]) -> R:
        """Take a step on a handover as it is, and once more if it was changed at that very moment; raises NotFound."""
        for _ in range(TRIES):
            try:
                return await step(await self.named(tenant, id))
            except Changed:
                continue
        raise Conflict(f"handover {id[:64]} changes all the time; try again")

    def check_mine(self, handover: Handover, operator: PersonId) -> None:
        """Raise Conflict unless it's taken, and NotAllowed unless this operator has it."""
        if handover.state != "taken":
            raise Decided(f"handover {handover.id} is {handover.state}; take it first")
        if handover.operator != operator:
            raise NotAllowed("handover: another operator has it; they can transfer or release it")

    def about(self, handover: Handover) -> Add:
        """Tell operators that there's something new in it."""
        return Add(
            Event(
                tenant=handover.tenant,
                person=DESK,
                kind="handover",
                created_at=self._clock.now(),
                handover=handover.id,
            )
        )

    async def discarded(self, handover: Handover, by: PersonId | None, *, sent: Draft | None = None) -> list[Change]:
        """Return what discards the drafts that nobody has decided about, but for the one that's `sent`."""
        drafts = await self._store.drafts(handover.id, limit=DRAFTS)
        still = [draft for draft in drafts if draft.state == "open" and (sent is None or draft.id != sent.id)]
        now = self._clock.now()
        return [Save(replace(each, state="discarded", decided_at=now, decided_by=by)) for each in still]

    async def answered(self, handover: Handover) -> list[Change]:
        """Return what has a person's messages wait for an operator no more."""
        recent = await self._store.talk(handover.tenant, handover.person, limit=RECENT)
        done = [replace(each, state="answered") for each in recent if each.state == "handed"]
        return [change for each in done for change in (Save(each), self._journal.about_message("message", each))]

    async def _keep(
        self, handover: Handover, step: str, *changes: Change, wake: Sequence[Message] = (), detail: str = ""
    ) -> Handover:
        told = self._deed(handover.tenant, f"handover.{step}", f"handover/{handover.id}", detail=detail)
        lanes = tuple(self._outbox.lane(message) for message in wake)
        reach("handover.before-commit")
        try:
            await self._journal.commit(*changes, self.about(handover), told, wake=lanes)
        except Conflict:
            raise Changed from None
        reach("handover.after-commit")
        return await self.named(handover.tenant, handover.id)

    def _deed(self, tenant: TenantId, action: str, object: str, detail: str = "", of: object = None) -> Add:
        return deed(action, object, tenant=tenant, by=doer(), at=self._clock.now(), detail=detail, of=of)

    async def _public(self, handover: Handover) -> str:
        person = await self._store.person(handover.tenant, handover.operator) if handover.operator else None
        return person.name if person else "Somebody"

    async def _tell(self, handover: Handover, text: str) -> tuple[Message, ...]:
        """Return what its person is told, if their tenant shows them who answers: where they wrote last."""
        if not (await self.desks.of(handover.tenant)).signed:
            return ()
        recent = await self._store.talk(handover.tenant, handover.person, limit=RECENT)
        at = next((each.address for each in reversed(recent) if each.role == "user"), handover.address)
        person, now = handover.person, self._clock.now()
        return (notice(text, tenant=handover.tenant, to=at, person=person, now=now, task=handover.task),)

    def _said(self, told: Sequence[Message]) -> tuple[Change, ...]:
        return tuple(change for message in told for change in self._outbox.say(message))


def late_at(handover: Handover, now: datetime) -> datetime | None:
    """Return when operators are next to be told that a handover is late: of what's still to come and wasn't told."""
    first = handover.first_due_at if handover.answered_at is None and "first" not in handover.late else None
    end = handover.end_due_at if "end" not in handover.late else None
    return min((due for due in (first, end) if due is not None), default=None) if handover.holds else None


def _taken(handover: Handover) -> Decided:
    if handover.state == "resolved":
        return Decided(f"handover {handover.id} is over; a new one can be begun")
    return Decided(f"handover {handover.id}: another operator has it")
