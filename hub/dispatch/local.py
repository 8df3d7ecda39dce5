"""Lanes shared out in one process: one worker a lane, all lanes side by side."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hub.errors import StoreUnavailable
from hub.ports import Clock

log = logging.getLogger(__name__)

PAUSE = 0.2
LONGEST_PAUSE = 30.0
STORE_PAUSE = 5.0
"""The longest pause while the store can't write: a full disk is over as soon as there's space."""


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
                group.create_task(self._look_at(lane, work), name=lane)

    async def _look_at(self, lane: str, work: Callable[[str], Awaitable[None]]) -> None:
        pause = PAUSE
        while True:
            self._again[lane] = False
            try:
                await work(lane)
            except StoreUnavailable as error:
                # Nobody's fault in here, and all lanes have it at once: a line each, and a look soon after it's over.
                log.warning("lane %s: %s; looked at again in %.1f s", lane, error, pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, STORE_PAUSE)
                continue
            except Exception:
                # A lane lives on whatever happens in it: its entries are still there, and other lanes don't notice.
                log.exception("lane %s: failed, looked at again in %.1f s", lane, pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = PAUSE
            if not self._again[lane]:
                del self._again[lane]
                return
