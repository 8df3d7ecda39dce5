"""What a task is to be checked for, agreed on with its person: proposed, asked about once, and kept or dropped."""

from collections.abc import Sequence

from msgspec.structs import replace

from hub.errors import Conflict, NotFound
from hub.flow.checking import MOST, Checks, in_words, named_in
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.flow.said import tag
from hub.manifests import Agent
from hub.ports import Change, Clock, Store
from hub.records import Check, Choice, Message, Task, TaskId

YES, NO = "yes", "no"
TRIES = 5


class Agreeing:
    """Asks people what their tasks are to be checked for, and takes their answer."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, checks: Checks) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._checks = checks

    def founding(
        self, task: Task, agent: Agent, checks: Sequence[Check] = ()
    ) -> tuple[Task, tuple[Change, ...], tuple[str, ...]]:
        """Return a task that's to be checked for this, with what asks its person, and lanes to wake.

        Where nothing is said it would be checked for what its goal plainly names. Raises BadRequest for what can't be.
        """
        self._checks.refuse(checks, agent)
        task = replace(task, checks=tuple(checks))
        proposed = () if checks else named_in(task.goal)
        if not proposed:
            return task, (), ()
        task = replace(task, proposed=proposed)
        asked = self._question(task, proposed)
        return task, self._outbox.say(asked), (self._outbox.lane(asked),)

    async def propose(self, id: TaskId, checks: Sequence[Check]) -> Task:
        """Ask a task's person whether it's to be checked for these; raises Conflict if something else is asked already.

        Proposed again, the same isn't asked again.
        """
        for _ in range(TRIES):
            task = await self._fresh(id)
            fresh = tuple(check for check in checks if check not in task.checks)[: MOST - len(task.checks)]
            if task.proposed == fresh or not fresh:
                return task
            if task.proposed:
                raise Conflict("the person hasn't said yet whether what was proposed before is right")
            task = replace(task, proposed=fresh, updated_at=self._clock.now())
            asked = self._question(task, fresh)
            try:
                await self._journal.commit(
                    *self._journal.changed(task, task.state, "agent", "proposes checks"),
                    *self._outbox.say(asked),
                    wake=(self._outbox.lane(asked),),
                )
            except Conflict:
                continue
            return task
        raise Conflict(f"task {id} changes all the time")

    async def decide(self, id: TaskId, what: str) -> str:
        """Have what was proposed count from now on, or drop it; return what became of it. Once more is no error."""
        for _ in range(TRIES):
            task = await self._fresh(id)
            if not task.proposed:
                return f"{tag(task)} – that's decided already."
            agreed = (*task.checks, *task.proposed) if what == YES else task.checks
            decided = replace(task, checks=agreed, proposed=(), updated_at=self._clock.now())
            why = "checks agreed on" if what == YES else "checks not wanted"
            try:
                await self._journal.commit(
                    *self._journal.changed(decided, task.state, "person", why),
                    self._journal.noted(decided, "person", why),
                )
            except Conflict:
                continue
            if what != YES:
                return f"{tag(task)} – I'll judge by what was done."
            return f"{tag(task)} – I'll call it done when {_and(agreed)}."
        raise Conflict(f"task {id} changes all the time")

    def _question(self, task: Task, proposed: Sequence[Check]) -> Message:
        lines = "\n".join(f"- {in_words(check)}" for check in proposed)
        return notice(
            f"When is {tag(task)} done? I'd check that\n\n{lines}\n\nOnly then I'd call it done.",
            tenant=task.tenant,
            to=task.origin,
            person=task.person,
            now=self._clock.now(),
            task=task.id,
            choices=(
                Choice(id=f"checks/{task.id}/{YES}", text="Check it so"),
                Choice(id=f"checks/{task.id}/{NO}", text="Don't"),
            ),
        )

    async def _fresh(self, id: TaskId) -> Task:
        task = await self._store.task(id)
        if task is None:
            raise NotFound("that task is gone")
        return task


def _and(checks: Sequence[Check]) -> str:
    return ", and ".join(in_words(check) for check in checks)
