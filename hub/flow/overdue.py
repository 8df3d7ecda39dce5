"""What a human should have seen to by now: hand-overs that are late, tasks that nobody answers. Told once each."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, NotFound, StoreError, StoreUnavailable
from hub.flow.deeds import deed
from hub.flow.doing import Doer
from hub.flow.handing import Handing, late_at
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.ports import Clock, Save, Store
from hub.records import Address, Ask, Blocked, Handover, Message, Person, Target, Task

log = logging.getLogger(__name__)

EVERY = 10.0
MANY = 200
OPERATORS = 50
"""Who is told of one."""
WORDS = {"first": "nobody has answered yet", "end": "it isn't over yet"}


class Overdue:
    """Looks for what's late. One of several hubs does."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, handing: Handing) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._handing = handing
        self._after: Task | None = None

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable:
                raise
            except StoreError as error:
                log.warning("what's late is told later: %s", error)
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Tell operators of each handover that has become late, and ask for humans where tasks wait for too long."""
        now = self._clock.now()
        for handover in await self._store.due_handovers(now, MANY):
            await self._tell(handover, now)
        if minutes := self._handing.desks.settings.asking_minutes:
            await self._ask(now - timedelta(minutes=minutes))

    # --- hand-overs that are late

    async def _tell(self, handover: Handover, now: datetime) -> None:
        late = _late(handover, now)
        told = replace(handover, late=(*handover.late, *late))
        told = replace(told, due_at=late_at(told, now))
        said = await self._notices(handover, late, now) if late else []
        lanes = tuple(self._outbox.lane(message) for message in said)
        noted = [
            deed(
                "handover.late",
                f"handover/{handover.id}",
                tenant=handover.tenant,
                by=Doer(),
                at=now,
                detail=each,
            )
            for each in late
        ]
        changes = [change for message in said for change in self._outbox.say(message)]
        try:
            await self._journal.commit(Save(told), *changes, *noted, self._handing.about(handover), wake=lanes)
        except Conflict:
            return  # somebody saw to it at this very moment: the next look tells if it's still late

    async def _notices(self, handover: Handover, late: Sequence[Target], now: datetime) -> list[Message]:
        """Return what those operators are told who have a chat of their own: of whom, and what's late, and no more."""
        person = await self._store.person(handover.tenant, handover.person)
        whose = person.name if person else "somebody"
        what = ", and ".join(WORDS[each] for each in late)
        text = f"{whose} waits for a human since {handover.created_at:%H:%M} UTC: {what}. /desk on the web site has it."
        return [
            notice(text, tenant=handover.tenant, to=at, person=operator.id, now=now)
            for operator in await self._told(handover)
            for at in await self._chats(operator)
        ]

    async def _told(self, handover: Handover) -> list[Person]:
        operators = await self._store.operators(handover.tenant, OPERATORS)
        if handover.operator is None:
            return list(operators)
        return [person for person in operators if person.id == handover.operator]

    async def _chats(self, operator: Person) -> list[Address]:
        links = await self._store.links(operator.tenant, operator.id)
        return [Address(bridge=link.bridge, chat=link.chat) for link in links if link.chat][:1]

    # --- tasks that nobody answers

    async def _ask(self, before: datetime) -> None:
        while page := await self._store.asking_tasks(before, limit=MANY, after=self._after):
            for task in page:
                if isinstance(task.verdict, Ask | Blocked) and not await self._was_asked(task):
                    await self._ask_about(task, task.verdict)
                # Later ones have been changed later: none is looked at twice, but after a restart.
                self._after = task

    async def _was_asked(self, task: Task) -> bool:
        last = await self._store.handovers(task.tenant, limit=1, person=task.person)
        return any(each.holds is not None or each.created_at >= task.updated_at for each in last)

    async def _ask_about(self, task: Task, verdict: Ask | Blocked) -> None:
        why = verdict.question if isinstance(verdict, Ask) else verdict.missing
        try:
            _, new = await self._handing.ask(task.tenant, task.person, task.origin, "supervisor", why, task.id)
        except (BadRequest, NotFound, Conflict):
            return  # they answer here themselves, or are gone
        if new:
            log.info("task %s waits for too long: a human is asked for", task.id)


def _late(handover: Handover, now: datetime) -> list[Target]:
    late: list[Target] = []
    first, end = handover.first_due_at, handover.end_due_at
    if handover.answered_at is None and first is not None and first <= now and "first" not in handover.late:
        late.append("first")
    if end is not None and end <= now and "end" not in handover.late:
        late.append("end")
    return late
