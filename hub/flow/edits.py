"""A message that its person changed: one answer is made of it, whatever had become of the old words."""

from msgspec.structs import replace

from hub.errors import Conflict
from hub.failpoints import reach
from hub.flow import lanes
from hub.flow.journal import Journal
from hub.flow.retraction import Retraction
from hub.flow.tasks import Stops, title_of
from hub.ports import Change, Clock, Save, Store
from hub.records import Entry, Message, Task
from hub.spool import Spool

TRIES = 20


class Edits:
    """Gives messages other words."""

    def __init__(
        self, store: Store, spool: Spool, journal: Journal, clock: Clock, turns: Stops, retraction: Retraction
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._turns = turns
        self._retraction = retraction

    async def apply(self, entry: Entry, edit: Message) -> None:
        """Put an edit's words in place of the old ones, and have them answered.

        What waits is answered by its new words. What's being answered is stopped without a word, and begun again. What
        was answered is answered again, and the old answer taken back. All of that is one commit, so a crash before it
        only does it again.
        """
        for _ in range(TRIES):
            old = await self._store.message(edit.corrects) if edit.corrects else None
            if old is not None and await self._cut_off(old):
                old = await self._store.message(old.id)
            reach("edit.before-commit")
            try:
                await self._commit(entry, edit, old)
            except Conflict:
                entry = await self._store.entry(entry.id) or entry
                continue
            reach("edit.after-commit")
            return
        raise Conflict(f"message {edit.corrects} can't be changed: its task changes all the time")

    async def _cut_off(self, old: Message) -> bool:
        last = next(iter(await self._store.turns(old.task, limit=1)), None) if old.task else None
        if last and last.state == "working" and old.id in last.messages:
            return await self._turns.stop(last.task, quietly=True)
        return False

    async def _commit(self, entry: Entry, edit: Message, old: Message | None) -> None:
        edited = replace(edit, state="answered")
        changes: list[Change] = [
            self._spool.settle(entry),
            Save(edited),
            self._journal.about_message("message", edited),
        ]
        wake: set[str] = set()
        if old is not None:
            new = replace(old, parts=edit.parts)
            waiting = await self._store.entry_of("inbox", old.id)
            if waiting is not None and waiting.state in {"ready", "held"}:
                # A turn that takes it up at this very moment, with the old words, must not commit over this.
                changes += [Save(new), Save(waiting), *await self._goal(old, new)]
            else:
                changes += await self._again(old, new, wake)
            changes.append(self._journal.about_message("message", new))
        await self._journal.commit(*changes, wake=tuple(wake))

    async def _again(self, old: Message, new: Message, wake: set[str]) -> list[Change]:
        """Have the task answer it once more, together with what was stopped along with it."""
        task = await self._store.task(old.task) if old.task else None
        if task is None:
            return [Save(new)]
        retracted, lanes_out = await self._retraction.of(old)
        wake |= {lanes.task(task.id), *lanes_out}
        changes = retracted
        for message in (new, *await self._stopped_with(old)):
            routed = replace(message, state="routed", turn=None, error=None)
            changes += [Save(routed), self._spool.put("inbox", lanes.task(task.id), routed, self._clock.now())]
        goes_on = replace(_with_goal(task, old, new), state="submitted", updated_at=self._clock.now())
        return [*changes, *self._journal.changed(goes_on, task.state, "person", "a message was given other words")]

    async def _stopped_with(self, old: Message) -> list[Message]:
        turn = await self._store.turn(old.turn) if old.turn else None
        if turn is None or turn.state != "stopped":
            return []
        others = [await self._store.message(id) for id in turn.messages if id != old.id]
        return [other for other in others if other and other.state == "stopped" and other.turn == turn.id]

    async def _goal(self, old: Message, new: Message) -> list[Change]:
        task = await self._store.task(old.task) if old.task else None
        if task is None or task.goal != old.text:
            return []
        changed = replace(_with_goal(task, old, new), updated_at=self._clock.now())
        return [*self._journal.changed(changed, task.state, "person", "its goal was given other words")]


def _with_goal(task: Task, old: Message, new: Message) -> Task:
    """Return a task whose goal was the old words with the new ones."""
    return replace(task, goal=new.text, title=title_of(new.text)) if task.goal == old.text else task
