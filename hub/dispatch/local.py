"""Lanes shared out in one process: one worker a lane, all lanes side by side."""

import asyncio
from collections.abc import Awaitable, Callable

from hub.dispatch.looking import look_at
from hub.ports import Clock


class LocalDispatcher:
    """A Dispatcher on asyncio."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._again: dict[str, bool] = {}
        self._woken: asyncio.Queue[str] = asyncio.Queue()

    @property
    def busy(self) -> frozenset[str]:
        """Lanes that are being worked on."""
        return frozenset(self._again)

    def wake(self, *lanes: str) -> None:
        """See Dispatcher."""
        for lane in lanes:
            if lane in self._again:
                self._again[lane] = True
            else:
                self._again[lane] = False
                self._woken.put_nowait(lane)

    async def run(self, work: Callable[[str], Awaitable[None]]) -> None:
        """See Dispatcher."""
        async with asyncio.TaskGroup() as group:
            while True:
                lane = await self._woken.get()
                group.create_task(look_at(lane, work, self._again, self._clock), name=lane)
