"""What agents would say where a human answers in their place: kept as drafts, until an operator decides about each."""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, Decided, NotFound
from hub.failpoints import reach
from hub.flow.deeds import deed
from hub.flow.doing import doer
from hub.flow.handing import RECENT, Changed, Handing, late_at
from hub.flow.inbox import CONTROL
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import Draft, DraftId, Handover, Message, MessageId, PersonId, Task, TenantId, Text, new_id

LONGEST = 20_000
"""Characters of what an operator says at a time."""


class Drafting:
    """Makes drafts in place of answers, and sends or discards them."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, handing: Handing) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._handing = handing

    # --- for turns

    async def instead(self, task: Task, said: Sequence[Message]) -> tuple[bool, tuple[Change, ...]]:
        """Say whether an operator answers a task's person, and return what keeps, as drafts, what was to be said.

        To be committed with the turn's end. The handover is saved again with it, taken or not: an operator who comes
        or goes at that very moment does so before it, or after it.
        """
        handover = await self._store.handover_of(task.tenant, task.person)
        if handover is None:
            return False, ()
        if handover.state != "taken":
            return False, (Save(handover),)
        drafts = [self._draft(handover, task, message) for message in said]
        return True, (Save(handover), *map(Add, drafts), self._handing.about(handover))

    async def heard(self, task: Task) -> tuple[Change, ...]:
        """Return what tells operators that a task's person has said something, if a human was asked for."""
        handover = await self._store.handover_of(task.tenant, task.person)
        return (self._handing.about(handover),) if handover else ()

    def _draft(self, handover: Handover, task: Task, message: Message) -> Draft:
        return Draft(
            id=DraftId(new_id()),
            tenant=message.tenant,
            handover=handover.id,
            person=message.person,
            task=task.id,
            turn=message.turn,
            answers=message.answers,
            address=message.address,
            role="notice" if message.role == "notice" else "agent",
            parts=message.parts,
            choices=message.choices,
            created_at=self._clock.now(),
        )

    # --- for operators

    async def named(self, handover: Handover, id: str) -> Draft:
        """Return a draft of a handover; raises NotFound."""
        found = await self._store.draft(handover.tenant, DraftId(id))
        if found is None or found.handover != handover.id:
            raise NotFound(f"draft: there's no {id[:64]!r} in this handover")
        return found

    async def send(
        self, tenant: TenantId, id: str, operator: PersonId, text: str | None, draft: str | None, once: str = ""
    ) -> Message:
        """Say something to its person, where the message was said that's answered: a draft as it is, a draft in other
        words, or something of the operator's own. With the same name `once` it's said once, whatever was cut off.

        Raises NotFound, BadRequest, Decided (it isn't taken, or the draft was decided about), and NotAllowed where
        another operator has it.
        """
        step = partial(self._send, operator=operator, text=text, id=draft, once=once)
        return await self._handing.anew(tenant, id, step)

    async def _send(
        self, handover: Handover, operator: PersonId, text: str | None, id: str | None, once: str
    ) -> Message:
        self._handing.check_mine(handover, operator)
        if once and (said := await self._said(handover, once)):
            return said
        draft = await self.named(handover, id) if id is not None else None
        if draft is not None and draft.state != "open":
            raise Decided(f"draft {draft.id} was {draft.state} already")
        now = self._clock.now()
        message = await self._message(handover, operator, text, draft)
        message = replace(message, external_id=once or message.external_id)
        answered = replace(handover, answered_at=handover.answered_at or now)
        answered = replace(answered, due_at=late_at(answered, now))
        changes: list[Change] = [Save(answered), *await self._handing.answered(handover)]
        how = "own words"
        if draft is not None:
            how = "as drafted" if message.parts == draft.parts else "edited"
            done = replace(draft, state="sent", decided_at=now, decided_by=operator, message=message.id)
            changes.append(Save(done))
        await self._keep(handover, "sent", f"message/{message.id} {how}", *changes, said=message)
        return message

    async def discard(self, tenant: TenantId, id: str, operator: PersonId, draft: str) -> Draft:
        """Have a draft never be sent; once more is no error. Raises as `send` does."""
        return await self._handing.anew(tenant, id, partial(self._discard, operator=operator, id=draft))

    async def _discard(self, handover: Handover, operator: PersonId, id: str) -> Draft:
        self._handing.check_mine(handover, operator)
        draft = await self.named(handover, id)
        if draft.state == "discarded":
            return draft
        if draft.state == "sent":
            raise Decided(f"draft {draft.id} was sent already")
        gone = replace(draft, state="discarded", decided_at=self._clock.now(), decided_by=operator)
        await self._keep(handover, "discarded", f"draft/{draft.id}", Save(gone), Save(handover))
        return gone

    async def _said(self, handover: Handover, once: str) -> Message | None:
        recent = await self._store.talk(handover.tenant, handover.person, limit=RECENT)
        return next((each for each in recent if each.external_id == once), None)

    async def _message(self, handover: Handover, operator: PersonId, text: str | None, draft: Draft | None) -> Message:
        if text is None and draft is None:
            raise BadRequest("text", "is missing: say something, or name the draft that's to be sent")
        recent = await self._store.talk(handover.tenant, handover.person, limit=RECENT)
        last = next((each for each in reversed(recent) if each.role == "user"), None)
        id = MessageId(new_id())
        return Message(
            id=id,
            tenant=handover.tenant,
            address=draft.address if draft else last.address if last else handover.address,
            external_id=id,
            role="agent" if draft is None or text is not None else draft.role,
            person=handover.person,
            parts=draft.parts if draft and text is None else (Text(_checked(text or "")),),
            state="ready",
            created_at=self._clock.now(),
            answers=draft.answers if draft else last.id if last else None,
            task=draft.task if draft else last.task if last else handover.task,
            turn=draft.turn if draft else None,
            choices=draft.choices if draft else (),
            sender=operator if (await self._handing.desks.of(handover.tenant)).signed else "",
        )

    async def _keep(
        self, handover: Handover, step: str, detail: str, *changes: Change, said: Message | None = None
    ) -> None:
        at, object = self._clock.now(), f"handover/{handover.id}"
        told = deed(f"handover.{step}", object, tenant=handover.tenant, by=doer(), at=at, detail=detail)
        say = self._outbox.say(said) if said else ()
        wake = (self._outbox.lane(said),) if said else ()
        reach("draft.before-commit")
        try:
            await self._journal.commit(*changes, *say, self._handing.about(handover), told, wake=wake)
        except Conflict:
            raise Changed from None
        reach("draft.after-commit")


def _checked(text: str) -> str:
    if not text.strip():
        raise BadRequest("text", "it's empty; write something")
    if len(text) > LONGEST:
        raise BadRequest("text", f"{len(text):,} characters; {LONGEST:,} at most fit into an answer")
    if found := CONTROL.search(text):
        raise BadRequest("text", f"U+{ord(found[0]):04X} at {found.start()} is a control character; leave it out")
    return text.strip()
