"""The reference store's queries about tasks, their turns and steps, and calls that wait."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeVar

from hub.ports import Due
from hub.records import (
    OPEN,
    Address,
    Entry,
    Follow,
    Pause,
    PauseId,
    PauseState,
    PersonId,
    Record,
    Step,
    Taint,
    Task,
    TaskId,
    TaskState,
    TenantId,
    Thread,
    Transition,
    Turn,
    TurnId,
    Usage,
)
from hub.store.kept import Kept

R = TypeVar("R", bound=Record)


class TasksInMemory(Kept):
    """What a MemoryStore knows of tasks."""

    async def task(self, id: TaskId) -> Task | None:
        return self._one(Task, id)

    async def task_by_number(self, tenant: TenantId, person: PersonId, number: int) -> Task | None:
        return self._by_name(Task, tenant, person, number)

    async def last_number(self, tenant: TenantId, person: PersonId) -> int:
        found = (task.number for task in self._all(Task) if (task.tenant, task.person) == (tenant, person))
        return max(found, default=0)

    async def tasks(
        self,
        tenant: TenantId,
        person: PersonId | None = None,
        *,
        states: Sequence[TaskState] = (),
        chat: Address | None = None,
        updated_since: datetime | None = None,
        before: TaskId | None = None,
        limit: int = 50,
        by: Literal["id", "updated_at"] = "id",
        split: bool | None = None,
    ) -> tuple[Task, ...]:
        found = [
            task
            for task in self._all(Task)
            if task.tenant == tenant
            and (person is None or task.person == person)
            and (not states or task.state in states)
            and (chat is None or same_chat(task.origin, chat))
            and (updated_since is None or task.updated_at >= updated_since)
            and (before is None or task.id < before)
            and (split is None or split == (task.parent is not None))
        ]
        found.sort(key=lambda task: (getattr(task, by), task.id), reverse=True)
        return tuple(found[:limit])

    async def tasks_told_of(self, limit: int) -> tuple[Task, ...]:
        return tuple(task for task in self._by_id(Task) if task.progress is not None)[:limit]

    async def split_off(self, task: TaskId) -> tuple[Task, ...]:
        return tuple(each for each in self._by_id(Task) if each.parent == task)

    async def transitions(
        self, task: TaskId, *, limit: int, before: str | None = None, after: str | None = None
    ) -> tuple[Transition, ...]:
        found = [each for each in self._by_id(Transition) if each.task == task]
        if after is not None:
            return tuple([each for each in found if each.id > after][:limit])
        return tuple(reversed(last([each for each in found if before is None or each.id < before], limit)))

    async def thread(self, tenant: TenantId, address: Address) -> Thread | None:
        if address.thread is None:
            return None
        return self._one(Thread, tenant, address.bridge, address.chat, address.thread)

    async def threads(self, task: TaskId) -> tuple[Thread, ...]:
        found = [thread for thread in self._all(Thread) if thread.task == task]
        return tuple(sorted(found, key=lambda thread: (thread.bridge, thread.chat, thread.thread)))

    async def follows(self, task: TaskId) -> tuple[Follow, ...]:
        found = [follow for follow in self._all(Follow) if follow.task == task]
        return tuple(sorted(found, key=lambda follow: (follow.created_at, follow.bridge, follow.chat)))

    async def due_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        found = [task for task in self._all(Task) if task.state in OPEN and task.due_at and task.due_at <= now]
        return tuple(sorted(found, key=lambda task: (task.due_at, task.id))[:limit])

    async def dues(self, now: datetime, limit: int) -> tuple[Due, ...]:
        found = await self.due_tasks(now, limit)
        return tuple([Due(task=task.id, due_at=task.due_at) for task in found if task.due_at])

    async def next_due(self) -> datetime | None:
        tasks = [task.due_at for task in self._all(Task) if task.state in OPEN]
        entries = [entry.due_at for entry in self._all(Entry) if entry.state in ("ready", "held")]
        return min((due for due in tasks + entries if due), default=None)

    async def turn(self, id: TurnId) -> Turn | None:
        return self._one(Turn, id)

    async def turns(
        self, task: TaskId, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> tuple[Turn, ...]:
        found = sorted((turn for turn in self._all(Turn) if turn.task == task), key=lambda turn: turn.number)
        if after is not None:
            return tuple([turn for turn in found if turn.number > after][:limit])
        return tuple(reversed(last([turn for turn in found if before is None or turn.number < before], limit)))

    async def worked(self, task: TaskId) -> Usage:
        found = [turn for turn in self._all(Turn) if turn.task == task]
        tokens = sum(turn.tokens_in + turn.tokens_out for turn in found)
        return Usage(turns=len(found), tokens=tokens, minutes=sum(turn.ms for turn in found) / 60_000)

    async def steps(self, turn: TurnId) -> tuple[Step, ...]:
        return tuple(sorted((step for step in self._all(Step) if step.turn == turn), key=lambda step: step.number))

    async def pause(self, id: PauseId) -> Pause | None:
        return self._one(Pause, id)

    async def pauses(
        self, tenant: TenantId, person: PersonId, *, states: Sequence[PauseState], limit: int
    ) -> tuple[Pause, ...]:
        found = [
            each
            for each in self._by_id(Pause)
            if (each.tenant, each.person) == (tenant, person) and each.state in states
        ]
        return tuple(reversed(last(found, limit)))

    async def pauses_of_task(self, task: TaskId, *, states: Sequence[PauseState], limit: int) -> tuple[Pause, ...]:
        found = [each for each in self._by_id(Pause) if each.task == task and each.state in states]
        return tuple(found[:limit])

    async def expired_pauses(self, now: datetime, limit: int) -> tuple[Pause, ...]:
        found = [each for each in self._all(Pause) if each.state == "asked" and each.expires_at <= now]
        return tuple(sorted(found, key=lambda each: (each.expires_at, each.id))[:limit])

    async def taints(self, task: TaskId) -> tuple[Taint, ...]:
        return tuple(sorted((each for each in self._all(Taint) if each.task == task), key=lambda each: each.source))


def last(found: list[R], limit: int) -> list[R]:
    """Return the last of some records."""
    return found[max(0, len(found) - limit) :]


def same_chat(one: Address, other: Address) -> bool:
    """Say whether two addresses are of one chat, whatever their threads."""
    return (one.bridge, one.chat) == (other.bridge, other.chat)
