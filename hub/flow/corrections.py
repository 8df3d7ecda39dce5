"""A wrong route put right: the message and its answer are taken out of the wrong task, and the right one answers."""

from contextlib import nullcontext
from typing import Literal

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, Duplicate, NotFound
from hub.flow import lanes
from hub.flow.doing import doer
from hub.flow.journal import Journal
from hub.flow.retraction import Retraction
from hub.flow.routes import Routes
from hub.flow.tasks import Stops, Tasks
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import Correction, Message, Route, Task, TaskId, TaskState, new_id
from hub.spool import Spool

TRIES = 5


class Corrections:
    """Moves messages between tasks, at their person's word."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        routes: Routes,
        turns: Stops,
        retraction: Retraction,
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._tasks = tasks
        self._routes = routes
        self._turns = turns
        self._retraction = retraction

    async def move(self, message: Message, to: TaskId | Literal["new"]) -> Task:
        """Take a message out of its task and have another (or a new) one answer it; return that one.

        What was answered to it alone is retracted, a turn that works on it is stopped, a task that it had founded and
        that holds nothing else is canceled. The message and both tasks are kept as a labelled example. Moving it to
        where it is does nothing. Raises BadRequest for what isn't a person's routed message, NotFound for an unknown
        task.
        """
        if message.role != "user":
            raise BadRequest("message", "only a person's own message can be moved, not an answer")
        if message.state == "asking":
            await self._routes.choose(message.id, None if to == "new" else to)
            return await self._task_of(message)
        if message.task is None:
            raise BadRequest("message", "it isn't routed yet; wait a moment")
        if message.task == to or (to == "new" and _founded_by_move(message)):
            return await self._task_of(message)
        wrong = await self._task_of(message)
        cut_off = await self._cut_off(message)
        for _ in range(TRIES):
            try:
                async with self._tasks.founding(message.tenant, message.person) if to == "new" else nullcontext():
                    right = await self._move(message, to)
            except (Conflict, Duplicate):
                continue
            if cut_off:
                await self._go_on(wrong)
            return right
        raise Conflict(f"message {message.id} can't be moved: its tasks change all the time")

    async def _cut_off(self, message: Message) -> bool:
        """Stop the turn that works on the message, if one does."""
        last = next(iter(await self._store.turns(message.task, limit=1)), None) if message.task else None
        if last and last.state == "working" and message.id in last.messages:
            return await self._turns.stop(last.task)
        return False

    async def _go_on(self, wrong: Task) -> None:
        """Have what was cut off together with the moved message answered after all."""
        task = await self._store.task(wrong.id)
        if task is not None and task.state == "input-required":
            await self._tasks.resume(task)

    async def _move(self, message: Message, to: TaskId | Literal["new"]) -> Task:
        message = await self._store.message(message.id) or message
        wrong = await self._task_of(message)
        right, was = await self._right(message, to)
        route = Route(rule="corrected", task=right.id, new=to == "new", probability=1.0)
        moved = replace(message, task=right.id, state="routed", route=route, turn=None, error=None)
        correction = Correction(
            id=new_id(),
            tenant=message.tenant,
            message=message.id,
            wrong=wrong.id,
            right=right.id,
            route=message.route or route,
            created_at=self._clock.now(),
            by=doer().person or message.person,
        )
        retracted, wake = await self._retraction.of(message)
        changes: list[Change] = [
            Save(moved),
            Add(correction),
            self._journal.about_message("route", moved),
            *self._taken(right, was),
            *await self._requeue(message, right),
            *retracted,
            *await self._without(wrong, message),
        ]
        await self._journal.commit(*changes, wake=(lanes.task(right.id), lanes.task(wrong.id), *wake))
        return right

    def _taken(self, right: Task, was: TaskState | None) -> tuple[Change, ...]:
        if was is None:
            return self._journal.founded(right, "person", "a message was moved to a new task")
        return self._journal.changed(right, was, "person", "a message was moved to it")

    async def _right(self, message: Message, to: TaskId | Literal["new"]) -> tuple[Task, TaskState | None]:
        """Return the task that gets the message, and the state that it was in, None for a new one."""
        if to == "new":
            return await self._tasks.found(message), None
        task = await self._store.task(to)
        if task is None or (task.tenant, task.person) != (message.tenant, message.person):
            raise NotFound(f"there's no task {to!r} of yours")
        return replace(task, state="submitted", updated_at=self._clock.now()), task.state

    async def _requeue(self, message: Message, right: Task) -> list[Change]:
        """Have the message wait in the right task's lane: its old entry if that's still unsettled, else a new one."""
        entry = await self._store.entry_of("inbox", message.id)
        if entry is not None and entry.state in {"ready", "held"}:
            return [self._spool.move(entry, lanes.task(right.id))]
        return [self._spool.put("inbox", lanes.task(right.id), message, self._clock.now())]

    async def _without(self, wrong: Task, message: Message) -> list[Change]:
        """Say what becomes of the wrong task: nothing, unless the message was all it had."""
        others = await self._store.messages_of_task(wrong.id, limit=20)
        if any(other.role == "user" and other.id != message.id for other in others):
            return []
        canceled = replace(wrong, state="canceled", due_at=None, updated_at=self._clock.now())
        return [*self._journal.changed(canceled, wrong.state, "person", "its only message was moved away")]

    async def _task_of(self, message: Message) -> Task:
        fresh = await self._store.message(message.id)
        task = await self._store.task(fresh.task) if fresh and fresh.task else None
        if task is None:
            raise NotFound("the message belongs to no task")
        return task


def _founded_by_move(message: Message) -> bool:
    """Say whether the message has been moved to a new task already: a command obeyed twice after a crash."""
    return message.route is not None and message.route.rule == "corrected" and message.route.new
