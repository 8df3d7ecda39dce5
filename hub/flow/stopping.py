"""Cutting off a turn, whichever of the hubs takes it."""

import asyncio
from collections.abc import Awaitable, Callable

from hub.errors import StoreError
from hub.ports import Clock, Hubs, Store
from hub.records import TaskId, Turn

TOPIC = "stop"
QUIETLY = "quietly"
LOOK = 0.1
PATIENCE = 5.0
"""Seconds that another hub has to cut a turn off; one that's dead or cut off itself doesn't, and its turn is fenced."""

Stop = Callable[[TaskId, bool], Awaitable[bool]]


class Stopping:
    """Asks the hub that takes a turn to cut it off, and does so for others."""

    def __init__(self, store: Store, hubs: Hubs, clock: Clock) -> None:
        self._store = store
        self._hubs = hubs
        self._clock = clock
        self._asked: asyncio.Queue[tuple[TaskId, bool]] = asyncio.Queue()
        hubs.hear(TOPIC, self._hear)

    async def elsewhere(self, task: TaskId, *, quietly: bool) -> bool:
        """Have a task's turn cut off that this hub doesn't take; return whether one was, once that's kept."""
        if await self._hubs.living() == {self._hubs.boot} or not (turn := await self._working(task)):
            return False
        await self._hubs.tell(TOPIC, f"{task} {QUIETLY if quietly else ''}")
        end = self._clock.monotonic() + PATIENCE
        while self._clock.monotonic() < end:
            await self._clock.sleep(LOOK)
            now = await self._store.turn(turn.id)
            if now is None or now.state != "working":
                return True
        return False

    async def run(self, stop: Stop) -> None:
        """Have `stop` called with what other hubs ask for, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                task, quietly = await self._asked.get()
                group.create_task(_tried(stop(task, quietly)))

    async def _working(self, task: TaskId) -> Turn | None:
        last = next(iter(await self._store.turns(task, limit=1)), None)
        return last if last and last.state == "working" else None

    def _hear(self, text: str) -> None:
        task, _, how = text.partition(" ")
        self._asked.put_nowait((TaskId(task), how == QUIETLY))


async def _tried(stopped: Awaitable[bool]) -> None:
    try:
        await stopped
    except StoreError:
        return  # who asked sees that it wasn't, and asks again
