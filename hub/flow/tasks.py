"""The task's states at a person's word: assigned, stopped, canceled, taken up again; each change kept and told."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakValueDictionary

from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.errors import BadRequest, Conflict, Duplicate, NotFound
from hub.flow import accounting, budget, lanes
from hub.flow.agreeing import Agreeing
from hub.flow.choosing import Choosing
from hub.flow.family import Family, standing_of
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.flow.pauses import voided
from hub.flow.runs import at, planned
from hub.flow.schedules import latest
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import (
    OPEN,
    Actor,
    Address,
    Check,
    Done,
    Entry,
    Incoming,
    KeyId,
    Limits,
    Message,
    PersonId,
    Route,
    Schedule,
    Task,
    TaskId,
    TaskState,
    TenantId,
    Text,
    new_id,
)
from hub.spool import Spool
from hub.times.zones import Zones

Inherited = Callable[[Task, Task], Awaitable[Sequence[Change]]]
"""What's kept with a task that another has planned."""

TITLE = 60
TRIES = 5
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
WAITING = 1_000
"""Entries of one task that a stop settles at once."""

_RESTS: dict[TaskState, str] = {"input-required": "stopped", "canceled": "given up", "completed": "called complete"}


class Stops(Protocol):
    """Who can cut off a turn that's being taken."""

    async def stop(self, task: TaskId, *, quietly: bool = False) -> bool:
        """Stop a task's running turn and wait until that's kept; return False if none was running.

        What stands of its answer is told, unless it's stopped `quietly`.
        """


class Tasks:
    """Changes tasks."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        inbox: Inbox,
        clock: Clock,
        turns: Stops,
        limits: LimitsConfig,
        zones: Zones,
        choosing: Choosing,
        family: Family,
        agreeing: Agreeing,
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._inbox = inbox
        self._clock = clock
        self._turns = turns
        self._limits = limits
        self._zones = zones
        self._choosing = choosing
        self._family = family
        self._agreeing = agreeing
        self._founding: WeakValueDictionary[tuple[TenantId, PersonId], asyncio.Lock] = WeakValueDictionary()

    def founding(self, tenant: TenantId, person: PersonId) -> asyncio.Lock:
        """Return the lock to hold from `found` to the commit: two at a time would take the same number."""
        return self._founding.setdefault((tenant, person), asyncio.Lock())

    async def found(self, message: Message, agent: str | None = None) -> Task:
        """Return a new task for a message. It isn't kept yet: it's committed with the message's route."""
        now = self._clock.now()
        return Task(
            id=TaskId(new_id()),
            tenant=message.tenant,
            person=message.person,
            number=await self._store.last_number(message.tenant, message.person) + 1,
            origin=message.address,
            title=title_of(message.text),
            goal=message.text,
            agent=await self._choosing.agent(message.tenant, message.person, agent or message.agent),
            state="submitted",
            created_at=now,
            updated_at=now,
            limits=Limits(turns=self._limits.turns, tokens=self._limits.tokens, minutes=self._limits.minutes),
        )

    async def assign(
        self,
        *,
        tenant: TenantId,
        person: PersonId,
        address: Address,
        text: str,
        external_id: str,
        agent: str | None = None,
        limits: Limits | None = None,
        due_at: datetime | None = None,
        schedule: Schedule | None = None,
        checks: Sequence[Check] = (),
        key: KeyId | None = None,
    ) -> tuple[Task, Message]:
        """Found a task that's worked on until the supervisor finds its goal reached; return it with its message.

        It's done when all `checks` hold. Where there are none and the goal names one, its person is asked about that.

        Assigned again with the same `external_id`, it's the task that was founded the first time. Raises BadRequest
        for an unknown agent, a schedule that's no crontab, both a schedule and a time, or a check that can't be made.
        """
        if due_at and schedule:
            raise BadRequest("schedule", "set besides due_at; give one of them")
        await self._choosing.check(tenant, agent)
        zone = await self._zones.of(tenant, person)
        incoming = Incoming(
            tenant=tenant,
            address=address,
            external_id=external_id,
            sender=person,
            parts=(Text(text),),
            sent_at=self._clock.now(),
            key=key,
        )
        message = await self._inbox.checked(incoming)
        async with self.founding(tenant, person):
            for _ in range(TRIES):
                if known := await self._store.message_by_external(tenant, address, external_id):
                    return await self._task_of(known), known
                task = replace(await self.found(message, agent), kind="assignment", due_at=due_at)
                task = planned(task, schedule, zone, self._clock.now()) if schedule else task
                task = replace(task, limits=limits or task.limits)
                task, asks, lane = self._agreeing.founding(task, await self._choosing.stand_in(task), checks)
                routed = replace(
                    message,
                    # With a time of its own the task itself falls due: nothing waits for this message in a queue.
                    state="answered" if task.due_at else "routed",
                    task=task.id,
                    route=Route(rule="explicit", task=task.id, new=True, probability=1),
                )
                try:
                    await self._journal.commit(
                        *self._assignment(task, routed), *asks, wake=(lanes.task(task.id), *lane)
                    )
                except Duplicate:
                    continue  # another hub took the number, or this very assignment came twice
                return task, routed
        raise Conflict("tasks are founded faster than they can be numbered")

    async def plan(
        self,
        command: Message,
        text: str,
        *,
        due_at: datetime | None,
        schedule: Schedule | None,
        by: Task | None = None,
        beside: Inherited | None = None,
    ) -> Task:
        """Found the task that a command asks for, for a later time; obeyed again, it's the task of the first time.

        Planned `by` a task, it's kept together with what it inherits of that one.
        """
        id = TaskId(command.id)
        zone = await self._zones.of(command.tenant, command.person)
        by_whom: Actor = "agent" if by else "person"
        why = f"planned by task {by.number}" if by else "planned for a later time"
        async with self.founding(command.tenant, command.person):
            for _ in range(TRIES):
                if known := await self._store.task(id):
                    return known
                founded = await self.found(command)
                task = replace(founded, id=id, title=title_of(text), goal=text, kind="assignment", due_at=due_at)
                task = planned(task, schedule, zone, self._clock.now()) if schedule else task
                task = replace(task, depth=by.depth + 1 if by else 0)
                task, asks, lane = self._agreeing.founding(task, await self._choosing.stand_in(task))
                inherits = await beside(by, task) if by and beside else ()
                try:
                    await self._journal.commit(*self._journal.founded(task, by_whom, why), *inherits, *asks, wake=lane)
                except Duplicate:
                    continue  # another hub took the number
                return task
        raise Conflict("tasks are founded faster than they can be numbered")

    async def stop(self, task: Task) -> Task:
        """Stop a task's running turn and what waits for the next; the task then rests until its person speaks.

        Its subtasks that are at work are stopped, too.
        """
        await self._turns.stop(task.id)
        stopped = await self._rest(task, "input-required")
        for child in await self._below(task, "submitted", "working"):
            await self.stop(child)
        return stopped

    async def cancel(self, task: Task) -> Task:
        """End a task for good, and its open subtasks with it; what waits for it won't be answered."""
        await self._turns.stop(task.id)
        canceled = await self._rest(task, "canceled")
        for child in await self._below(task, *OPEN):
            await self.cancel(child)
        return canceled

    async def resume(self, task: Task) -> Task:
        """Go on with a task that rests or has ended: what was stopped or failed is answered after all.

        One that had spent what it may cost is granted as much again. Its subtasks that were stopped go on, too.
        """
        for child in await self._below(task, "input-required"):
            if standing_of(child) == "stopped":
                await self.resume(child)
        for _ in range(TRIES):
            task = await self._fresh(task)
            last = await self._store.messages_of_task(task.id, limit=20)
            again = [message for message in last if message.role == "user" and message.state in {"stopped", "failed"}]
            resumed = self._due_again(task) if not again and task.kind == "assignment" else task
            resumed = replace(budget.renewed(resumed, self._limits), state="submitted", updated_at=self._clock.now())
            changes: list[Change] = [*self._journal.changed(resumed, task.state, "person", "taken up again")]
            for message in again:
                waiting = replace(message, state="routed", turn=None, error=None)
                changes += [Save(waiting), self._put(waiting), self._journal.about_message("message", waiting)]
            try:
                await self._journal.commit(*changes, wake=(lanes.task(task.id),))
            except Conflict:
                continue
            return await self._fresh(task)
        raise Conflict(f"task {task.number} changes all the time")

    def _due_again(self, task: Task) -> Task:
        """Return a task that's due now; one that comes again, and of which no run was broken off, at its next time."""
        now, schedule, run_at = self._clock.now(), task.schedule, task.run_at
        if schedule is None or run_at is None:
            return replace(task, due_at=now)
        # While it was stopped none was missed: it was meant not to come.
        stopped = latest(schedule, self._zones.default, run_at, now, 1)
        return replace(at(task, stopped[-1]), due_at=now) if stopped else at(task, run_at)

    async def extend(self, task: Task) -> Task:
        """Grant a task as much again as it had been granted, and go on with it."""
        for _ in range(TRIES):
            task = await self._fresh(task)
            extended = replace(budget.granted(task, self._limits), state="submitted", due_at=self._clock.now())
            extended = replace(extended, updated_at=self._clock.now())
            try:
                await self._journal.commit(
                    *self._journal.changed(extended, task.state, "person", "granted as much again"),
                    wake=(lanes.task(task.id),),
                )
            except Conflict:
                continue
            return await self._fresh(task)
        raise Conflict(f"task {task.number} changes all the time")

    async def finish(self, task: Task) -> Task:
        """Call a task complete, for its person says so; subtasks that are still open are canceled."""
        finished = await self._rest(task, "completed")
        for child in await self._below(task, *OPEN):
            await self.cancel(child)
        return finished

    async def stop_chat(self, tenant: TenantId, address: Address, person: PersonId) -> tuple[Task, ...]:
        """Stop every task of a person that's at work for a chat; return them as they stand now."""
        working = await self._store.tasks(tenant, person, states=("submitted", "working"), chat=address, limit=WAITING)
        ids = {task.id for task in working}
        return tuple([await self.stop(task) for task in working if task.parent not in ids])

    # --- inside

    def _assignment(self, task: Task, message: Message) -> tuple[Change, ...]:
        return (
            *self._journal.founded(task, "person", "assigned"),
            Add(message),
            *accounting.said(message),
            *(() if task.due_at else (self._put(message),)),
            self._journal.about_message("message", message),
        )

    def _put(self, message: Message) -> Add:
        lane = lanes.task(message.task) if message.task else lanes.chat(message.tenant, message.address)
        return self._spool.put("inbox", lane, message, self._clock.now())

    async def _rest(self, task: Task, state: TaskState) -> Task:
        for _ in range(TRIES):
            task = await self._fresh(task)
            resting = replace(task, state=state, due_at=None, updated_at=self._clock.now())
            if state == "completed" and task.schedule and task.run_at:
                # Only this run is left at that: the next comes at its time.
                resting = replace(at(resting, task.run_at), state="submitted")
            if state == "canceled":
                resting = replace(resting, schedule=None, run_at=None)
            if state == "completed":
                resting = replace(resting, verdict=Done(summary="", why="its person says so"))
            changes: list[Change] = [*self._journal.changed(resting, task.state, "person", _RESTS[state])]
            changes += await voided(self._store, task.id, self._clock.now(), f"the task is {state}")
            for entry in await self._spool.ready(lanes.task(task.id), END_OF_TIME, WAITING):
                changes += await self._stopped(entry)
            above, lane = await self._family.ended(resting)
            try:
                await self._journal.commit(*changes, *above, wake=lane)
            except Conflict:
                continue
            return await self._fresh(task)
        raise Conflict(f"task {task.number} changes all the time")

    async def _below(self, task: Task, *states: TaskState) -> list[Task]:
        return [child for child in await self._store.split_off(task.id) if child.state in states]

    async def _stopped(self, entry: Entry) -> list[Change]:
        message = await self._store.message(entry.message)
        if message is None:
            return [self._spool.settle(entry)]
        stopped = replace(message, state="stopped")
        return [self._spool.settle(entry), Save(stopped), self._journal.about_message("message", stopped)]

    async def _fresh(self, task: Task) -> Task:
        found = await self._store.task(task.id)
        if found is None:
            raise NotFound(f"there's no task {task.number}")
        return found

    async def _task_of(self, message: Message) -> Task:
        task = await self._store.task(message.task) if message.task else None
        if task is None:
            raise NotFound("the message belongs to no task yet")
        return task


def title_of(text: str) -> str:
    """Return a short title for a task: the beginning of what was said."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= TITLE else line[:TITLE].rsplit(" ", 1)[0].rstrip(",.;:") + " …"
