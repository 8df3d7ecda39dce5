"""What falls due: tasks, entries that wait for a time, questions nobody answered. Rows are the truth, this only looks.

APScheduler ticks with its memory job store: a job of its own would be lost by a crash, a row isn't.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from apscheduler.triggers.base import BaseTrigger

from hub.errors import StoreUnavailable
from hub.flow import lanes
from hub.flow.runs import GRACE
from hub.ports import Clock, Dispatcher, Due, Store
from hub.records import TaskId

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

TICK = 1.0
MANY = 500
DUE = 10_000
"""Tasks that are known to be due at a time."""
AT_ONCE = 50
"""Tasks that a tick begins."""
AGAIN = 60.0
"""Seconds until a task that's still due is woken again."""
SWEEP = timedelta(hours=6)
KEEP_REPLAYS = timedelta(days=2)
KEEP_PAIRINGS = timedelta(days=1)
"""After their end: who approves twice is told that it's done."""


class _Seen(NamedTuple):
    due_at: datetime
    late: bool = False
    """When it was first seen, its time had passed: it may have been missed."""
    woken_at: float | None = None


class Steady(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """So long after the last time, whatever the clock said then.

    APScheduler's own interval counts on from the last time by the clock: set forward by years, as on a machine that
    began in 1970, each missed tick is counted one by one; set back, none comes until the clock is there again.
    """

    def __init__(self, every: timedelta) -> None:
        self._every = every

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return now + self._every


class Scheduler:
    """Wakes the lanes of what's due."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        dispatcher: Dispatcher,
        expire: Callable[[], Awaitable[None]],
        late: Callable[[Sequence[Due]], Awaitable[Mapping[TaskId, datetime]]],
        keep_events: timedelta,
        sweeps: Sequence[Callable[[], Awaitable[None]]] = (),
        ticked: Callable[[float, float], None] = lambda seconds, lag: None,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """`late` looks through tasks that nobody was there to begin at their time, and returns those to begin now, with
        when they're due by what it kept.

        `sweeps` are done with every sweep: what else is to be forgotten in time. `ticked` is told of each tick how long
        it took, and how late it came. Of several hubs one is `on_duty`.
        """
        self._store = store
        self._clock = clock
        self._dispatcher = dispatcher
        self._expire = expire
        self._late = late
        self._keep_events = keep_events
        self._sweeps = sweeps
        self._ticked = ticked
        self._began = clock.monotonic()
        self._on_duty = on_duty
        self._jobs: AsyncIOScheduler | None = None
        self._known: dict[TaskId, _Seen] = {}

    async def start(self) -> None:
        """Begin to tick."""
        # Late, and beside what the hub answers meanwhile: to load it takes a while, for it looks through everything
        # that's installed for plugins of its own.
        loaded = await asyncio.to_thread(import_module, "apscheduler.schedulers.asyncio")
        self._jobs = loaded.AsyncIOScheduler(timezone="UTC")
        for job, every in ((self.tick, timedelta(seconds=TICK)), (self.sweep, SWEEP)):
            self._jobs.add_job(job, Steady(every), max_instances=1, coalesce=True, misfire_grace_time=None)
        self._jobs.start()

    def anew(self) -> None:
        """Tick from now on: the clock was set, and what was to come next may be hours away."""
        for job in self._jobs.get_jobs() if self._jobs else ():
            job.reschedule(job.trigger)

    def stop(self) -> None:
        """Tick no more."""
        if self._jobs:
            self._jobs.shutdown(wait=False)

    async def tick(self) -> None:
        """Wake the lanes of tasks and entries whose time has come."""
        before, self._began = self._began, self._clock.monotonic()
        try:
            await self._look()
        except StoreUnavailable as error:
            log.warning("what's due is looked for again in %.0f s: %s", TICK, error)
        finally:
            self._ticked(self._clock.monotonic() - self._began, self._began - before - TICK)

    async def _look(self) -> None:
        if not self._on_duty():
            return
        now = self._clock.now()
        due = await self._store.next_due()
        if due is None or due > now:
            return
        tasks = await self._to_wake(await self._store.dues(now, DUE), now)
        waiting = await self._store.lanes(now, MANY)
        self._dispatcher.wake(*map(lanes.task, tasks), *waiting)
        if await self._store.held(now, 1):
            await self._expire()

    async def _to_wake(self, dues: Sequence[Due], now: datetime) -> Collection[TaskId]:
        """Return the tasks whose lanes are to be woken: each once, but again after a while, if it's still due then."""
        passed = self._clock.monotonic()
        known = self._known
        self._known = {
            due.task: seen
            if (seen := known.get(due.task)) and seen.due_at == due.due_at
            else _Seen(due.due_at, late=now - due.due_at > GRACE)
            for due in dues
        }
        # Not all that's due at eight is begun in one breath: what comes from the chats meanwhile goes between.
        waiting = [
            task for task, seen in self._known.items() if seen.woken_at is None or passed >= seen.woken_at + AGAIN
        ]
        waking = dict.fromkeys(waiting[:AT_ONCE])
        if late := [Due(task=task, due_at=self._known[task].due_at) for task in waking if self._known[task].late]:
            begin = await self._late(late)
            self._known |= {task: _Seen(due_at) for task, due_at in begin.items()}
            for each in late:
                if each.task not in begin:
                    del waking[each.task], self._known[each.task]
        for task in waking:
            self._known[task] = self._known[task]._replace(woken_at=passed)
        return tuple(waking)

    async def sweep(self) -> None:
        """Forget events that nobody will catch up on, and answers that nobody will ask for again."""
        if not self._on_duty():
            return
        now = self._clock.now()
        try:
            forgotten = await self._store.forget_events(now - self._keep_events)
            await self._store.forget_replays(now - KEEP_REPLAYS)
            await self._store.forget_pairings(now - KEEP_PAIRINGS)
            for sweep in self._sweeps:
                await sweep()
        except StoreUnavailable as error:
            log.warning("old events are kept for now: %s", error)
            return
        log.info("forgot %d old events", forgotten)
