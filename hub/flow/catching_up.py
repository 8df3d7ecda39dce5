"""What becomes of runs that were due while nobody was there: looked through before any of them begins.

The hub was off, or its machine asleep, or the clock was set forward. Each person is told once, for all their tasks of a
chat, in the commit that moves the tasks on.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from hub.errors import Conflict
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.flow.runs import begins, caught_up, noted
from hub.flow.said import tag
from hub.ports import Change, Clock, Due, Store
from hub.records import Address, PersonId, Task, TaskId, TenantId
from hub.times.zones import Zones

log = logging.getLogger(__name__)

LATELY = 20
"""Changes of a task among which the beginning of its last run is looked for."""

_Chat = tuple[TenantId, PersonId, Address]


class CatchingUp:
    """Moves schedules on that were left behind."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, zones: Zones) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._zones = zones

    async def look(self, late: Sequence[Due]) -> Mapping[TaskId, datetime]:
        """Keep which runs of late tasks come now or next, tell of those that don't, and return what's due now."""
        chats: dict[_Chat, list[Task]] = defaultdict(list)
        due = {each.task: each.due_at for each in late}
        for each in late:
            task = await self._store.task(each.task)
            if task is not None and task.due_at == each.due_at and await self._waits(task):
                chats[task.tenant, task.person, task.origin].append(task)
        for chat, tasks in chats.items():
            for task in tasks:
                del due[task.id]
            due |= await self._move_on(chat, tasks)
        return due

    async def _waits(self, task: Task) -> bool:
        """Say whether a task's run hasn't begun yet: of one that has, its end sees to the next."""
        if not begins(task, self._clock.now()):
            return False
        lately = await self._store.transitions(task.id, limit=LATELY)
        began = next(filter(None, (noted(transition.why) for transition in lately)), None)
        return began is None or began.run_at != task.run_at

    async def _move_on(self, chat: _Chat, tasks: Sequence[Task]) -> Mapping[TaskId, datetime]:
        """Move a person's tasks of a chat on, and return when those are due of which a run is to begin now."""
        now, (tenant, person, address) = self._clock.now(), chat
        lines: list[str] = []
        changes: list[Change] = []
        due: dict[TaskId, datetime] = {}
        for task in tasks:
            moved, told = caught_up(task, self._zones.default, now)
            if moved.due_at is not None and moved.due_at <= now:
                due[task.id] = moved.due_at
            if moved.run_at == task.run_at:
                continue
            moved = replace(moved, state=moved.state if moved.run_at else "completed", updated_at=now)
            lines.append(f"{tag(task)}: {told}.")
            changes += self._journal.changed(moved, task.state, "schedule", told)
            changes += [self._journal.noted(moved, "schedule", told)] if moved.state == task.state else []
        if not changes:
            return due
        said = notice("\n".join(lines), tenant=tenant, to=address, person=person, now=now)
        try:
            await self._journal.commit(*changes, *self._outbox.say(said), wake=(self._outbox.lane(said),))
        except Conflict:
            log.info("tasks of %s are looked through again: one was changed meanwhile", person)
            return {}
        log.info("%d tasks of %s go on after missed runs", len(lines), person)
        return due
