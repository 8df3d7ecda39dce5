"""Lanes shared out among several hubs by procrastinate's jobs. Rows stay the truth: a job only says where to look.

A wake is put down by a task in the background, in one statement for all of a moment. One that's lost (the process died
between a commit and its job) is found again by `find`, which the hub calls now and then with the lanes that wait.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection

from hub.dispatch.ear import Ear
from hub.dispatch.jobs import CHANNEL, Jobs, queue_of
from hub.dispatch.looking import look_at
from hub.errors import StoreUnavailable
from hub.ports import Clock

log = logging.getLogger(__name__)

POLL = 2.0
"""Seconds after which work is looked for without a sign that there's some."""
PAUSE = 1.0
MANY = 1_000
"""Lanes of a kind that one hub works on, or has waiting for their turn, at once."""
MORE = 0.5
"""Seconds between two tasks that a hub takes beyond those it can work on: one with hands free comes first."""


class PostgresDispatcher:
    """A Dispatcher on procrastinate's jobs; `worker` is this hub's number among those who take them.

    Of the tasks a hub takes as many as it has `slots` at once, and others slowly, so that its slots are shared out
    fairly among people. What's to be delivered it takes only for bridges whose lease it has.
    """

    def __init__(
        self,
        jobs: Jobs,
        ear: Ear,
        clock: Clock,
        worker: Callable[[], int],
        holds: Callable[[str], bool],
        bridges: Collection[str],
        slots: int,
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._worker = worker
        self._holds = holds
        self._bridges = tuple(bridges)
        self._slots = slots
        self._again: dict[str, bool] = {}
        self._woken: set[str] = set()
        self._some = asyncio.Event()
        self._maybe = asyncio.Event()
        self._held: Counter[str] = Counter()
        self._more_at = 0.0
        ear.on(CHANNEL, lambda _: self._maybe.set())
        self._doubtful = False
        ear.on_return(self._returned)

    @property
    def busy(self) -> frozenset[str]:
        """Lanes that this hub works on."""
        return frozenset(self._again)

    def wake(self, *lanes: str) -> None:
        """See Dispatcher."""
        for lane in lanes:
            if lane in self._again:
                self._again[lane] = True
            else:
                self._woken.add(lane)
                self._some.set()

    async def find(self, *lanes: str) -> None:
        """Have those lanes looked at that were woken and lost; what others are at isn't touched."""
        if lanes and (found := await self._jobs.find(lanes)):
            log.info("%d lanes waited unseen, %s among them", len(found), found[0])
            self._maybe.set()

    async def run(self, work: Callable[[str], Awaitable[None]]) -> None:
        """See Dispatcher.

        What was taken when it's cancelled stays taken: it's given back with the end of this hub, after it's known what
        of it was begun.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._put())
            while True:
                await self._sign()
                try:
                    if self._doubtful:
                        await self._jobs.put_back(self._worker(), self.busy)
                        self._doubtful = False
                    while job := await self._jobs.take(self._queues(), self._worker()):
                        self._begin(group, job.lock or "", work)
                except StoreUnavailable as error:
                    log.warning("%s", error)
                    await asyncio.sleep(PAUSE)

    async def _put(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            lanes, self._woken = self._woken, set()
            try:
                await self._jobs.put(sorted(lanes))
            except StoreUnavailable as error:
                log.warning("%d lanes are woken later: %s", len(lanes), error)
                self._woken |= lanes
                self._some.set()
                await asyncio.sleep(PAUSE)
            self._maybe.set()

    async def _sign(self) -> None:
        """Return when there may be something to take."""
        full = self._held["task"] >= self._slots
        try:
            async with asyncio.timeout(MORE if full else POLL):
                await self._maybe.wait()
        except TimeoutError:
            pass
        self._maybe.clear()

    def _queues(self) -> list[str]:
        queues = [f"out:{name}" for name in self._bridges if self._holds(f"bridge:{name}")]
        queues = [name for name in ("chat", *queues) if self._held[name] < MANY]
        if self._held["task"] < self._slots or (self._held["task"] < MANY and self._clock.monotonic() >= self._more_at):
            queues.append("task")
        return queues

    def _returned(self) -> None:
        self._doubtful = True
        self._maybe.set()

    def _begin(self, group: asyncio.TaskGroup, lane: str, work: Callable[[str], Awaitable[None]]) -> None:
        if lane in self._again:
            self._again[lane] = True  # a server that died forgot that this hub has it
            return
        queue = queue_of(lane)
        self._held[queue] += 1
        self._more_at = self._clock.monotonic() + MORE if queue == "task" else self._more_at
        # Held from now on: woken before it's begun, it's looked at once more.
        self._again[lane] = False
        group.create_task(self._look_at(lane, work), name=lane)

    async def _look_at(self, lane: str, work: Callable[[str], Awaitable[None]]) -> None:
        await look_at(lane, work, self._again, self._clock)
        while True:
            try:
                await self._jobs.done(lane, self._worker())
            except StoreUnavailable as error:
                log.warning("lane %s: %s", lane, error)
                await asyncio.sleep(PAUSE)
                continue
            break
        self._held[queue_of(lane)] -= 1
        # Another hub may have woken this lane meanwhile: that job waited for this one.
        self._maybe.set()
