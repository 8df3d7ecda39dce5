"""How far an assignment is, told by one message of its chat that's edited as it goes on, and a last time at its end."""

import asyncio
import logging

from msgspec.structs import replace

from hub.errors import Conflict, StoreError
from hub.flow import lanes
from hub.flow.following import Following
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.flow.preferences import Preferences
from hub.flow.standing import ended, is_over, spent, standing
from hub.ports import Change, Clock, Dispatcher, Feed, Save, Store
from hub.records import Event, Task, TaskId, Turn

log = logging.getLogger(__name__)

PACE = 4.0
"""Seconds between two looks at a task, and so between two edits at least."""
LONG = 30.0
"""Seconds of work from which on a first turn is told of too; a second one always is."""
MANY = 10_000
TRIES = 5


class Progress:
    """Says how far assignments are. What it says is made from what's kept: after a crash it's the same message still.

    What's split off a task isn't told of: its parent's plan tells that.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        following: Following,
        feed: Feed,
        dispatcher: Dispatcher,
        clock: Clock,
        preferences: Preferences,
    ) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._following = following
        self._feed = feed
        self._dispatcher = dispatcher
        self._clock = clock
        self._preferences = preferences
        self._fresh: set[TaskId] = set()
        self._followed: set[TaskId] = set()

    @property
    def followed(self) -> frozenset[TaskId]:
        """The tasks that something is kept in mind of."""
        return frozenset(self._followed | self._fresh)

    async def run(self) -> None:
        """Have each assignment looked at while something is done on it, until cancelled."""
        self._dispatcher.wake(*(lanes.progress(task.id) for task in await self._store.tasks_told_of(MANY)))
        async with asyncio.TaskGroup() as group:
            while True:
                async for news in self._feed.watch_all():
                    if isinstance(news, Event) and news.kind in ("turn", "task") and news.task:
                        self._take(news.task, group)
                log.warning("more happens than progress can be told of; it's told again with what comes next")

    async def look(self, lane: str) -> None:
        """Say how far the task of a lane is, if that's worth it and isn't said yet."""
        id = lanes.task_of(lane)
        for _ in range(TRIES):
            task = await self._store.task(id)
            if task is None or not _is_told_of(task):
                return
            try:
                await self._tell(task)
            except Conflict:
                continue  # something was done on it, or its message was delivered, at this very moment
            return

    async def closing(self, task: Task) -> tuple[Change, ...]:
        """Return what makes of a task's progress its last line, if it's over; to be committed before its answer."""
        if task.progress is None or not is_over(task):
            return ()
        return await self._outbox.change(task.progress, ended(task))

    # --- when it's looked

    def _take(self, id: TaskId, group: asyncio.TaskGroup) -> None:
        self._fresh.add(id)
        if id not in self._followed:
            self._followed.add(id)
            group.create_task(self._follow(id))

    async def _follow(self, id: TaskId) -> None:
        """Look at a task at a pace, for as long as a turn of it is taken or something becomes of it."""
        try:
            while id in self._fresh:
                self._fresh.discard(id)
                await self._clock.sleep(PACE)
                task = await self._store.task(id)
                if task is None or not _is_told_of(task):
                    return
                self._dispatcher.wake(lanes.progress(id))
                if await self._running(task):
                    self._fresh.add(id)
        except StoreError as error:
            log.warning("task %s: its progress isn't told: %s", id, error)
        finally:
            # What was told meanwhile was looked at; what comes later begins another such round.
            self._followed.discard(id)
            self._fresh.discard(id)

    # --- what's said

    async def _tell(self, task: Task) -> None:
        running = await self._running(task)
        if is_over(task):
            await self._close(task)
        elif task.progress is not None:
            await self._commit(task, await self._outbox.change(task.progress, await self._words(task, running)))
        elif running is not None and self._is_worth(task, running):
            await self._begin(task, running)

    async def _close(self, task: Task) -> None:
        if task.progress is not None:
            await self._commit(task, (*await self.closing(task), Save(replace(task, progress=None))))

    async def _commit(self, task: Task, changes: tuple[Change, ...]) -> None:
        if changes:
            await self._journal.commit(*changes, wake=(lanes.out(task.tenant, task.origin),))

    async def _begin(self, task: Task, running: Turn) -> None:
        first = notice(
            await self._words(task, running),
            tenant=task.tenant,
            to=task.origin,
            person=task.person,
            now=self._clock.now(),
            task=task.id,
        )
        said = (first, *await self._following.copies(task, (first,)))
        await self._journal.commit(
            Save(replace(task, progress=first.id)),
            *(change for message in said for change in self._outbox.say(message)),
            wake=tuple(self._outbox.lane(message) for message in said),
        )

    async def _words(self, task: Task, running: Turn | None) -> str:
        last = running or next(iter(await self._store.turns(task.id, limit=1)), None)
        steps = await self._store.steps(last.id) if last else ()
        zone = await self._preferences.zone(task.tenant, task.person)
        return standing(task, running, steps, self._clock.now(), zone)

    def _is_worth(self, task: Task, running: Turn) -> bool:
        at_work = (self._clock.now() - running.started_at).total_seconds()
        return spent(task).turns > 0 or at_work >= LONG

    async def _running(self, task: Task) -> Turn | None:
        last = next(iter(await self._store.turns(task.id, limit=1)), None)
        return last if last and last.state == "working" else None


def _is_told_of(task: Task) -> bool:
    return task.kind == "assignment" and task.parent is None
