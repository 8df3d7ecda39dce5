"""The time of this machine."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """A Clock that tells the machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
