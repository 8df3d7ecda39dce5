"""Lanes shared out in one process: one worker a lane, and a cap on how many of a kind are worked on at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from hub.errors import StoreUnavailable
from hub.ports import Clock

log = logging.getLogger(__name__)

PAUSE = 0.2
LONGEST_PAUSE = 30.0
STORE_PAUSE = 5.0
"""The longest pause while the store can't write: a full disk is over as soon as there's space."""


class LocalDispatcher:
    """A Dispatcher on asyncio. `at_once` caps lanes by their kind, which is what stands before the first colon."""

    def __init__(self, clock: Clock, at_once: Mapping[str, int]) -> None:
        self._clock = clock
        self._slots = {kind: asyncio.Semaphore(count) for kind, count in at_once.items()}
        self._again: dict[str, bool] = {}
        self._woken: asyncio.Queue[str] = asyncio.Queue()

    @property
    def busy(self) -> frozenset[str]:
        """Lanes that are being worked on or wait for a slot."""
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
        slot = self._slots.get(lane.partition(":")[0])
        while True:
            self._again[lane] = False
            try:
                if slot is None:
                    await work(lane)
                else:
                    async with slot:
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
