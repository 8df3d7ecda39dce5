"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from datetime import datetime, timedelta

from hub.testing.builders import NOON

BEATS = 20
"""How often the event loop goes round before a test may think that everybody who was woken has gone on."""


class FakeClock:
    """A Clock moved by hand; those who sleep are woken in the order of their times."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._monotonic + seconds, self._count, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, waking everybody whose time comes; each goes on before the next is woken."""
        end = self._monotonic + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._move(at)
                woken.set_result(None)
                await settle()
        self._move(end)
        await settle()

    def put(self, now: datetime) -> None:
        """Set the time of day, back too, as an administrator might; nobody is woken and `monotonic` doesn't move."""
        self._now = now

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def _move(self, to: float) -> None:
        self._now += timedelta(seconds=to - self._monotonic)
        self._monotonic = to


async def settle() -> None:
    """Let everything that can go on without waiting for the outside go on."""
    for _ in range(BEATS):
        await asyncio.sleep(0)
