"""A hub that has its store to itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from hub.ports import Clock, HubInfo

LEASE = timedelta(seconds=20)


class Alone:
    """Hubs, of which there's one: everything is its own, for as long as it runs."""

    def __init__(self, boot: str, name: str, clock: Clock) -> None:
        self.boot = boot
        self._name = name
        self._clock = clock
        self._began_at = clock.now()
        self._leases: set[str] = set()

    def check(self) -> None:
        """See Hubs."""

    async def living(self) -> frozenset[str]:
        """See Hubs."""
        return frozenset((self.boot,))

    async def run(self, take_over: Callable[[], Awaitable[None]]) -> None:
        """See Hubs."""
        await asyncio.Event().wait()

    async def hold(self, lease: str) -> None:
        """See Hubs."""
        self._leases.add(lease)

    def holds(self, lease: str) -> bool:
        """See Hubs."""
        return True

    @asynccontextmanager
    async def alone(self, work: str) -> AsyncGenerator[None, None]:
        """See Hubs."""
        yield

    async def tell(self, topic: str, text: str = "") -> None:
        """See Hubs."""

    def hear(self, topic: str, heard: Callable[[str], None]) -> None:
        """See Hubs."""

    async def listed(self) -> tuple[HubInfo, ...]:
        """See Hubs."""
        now = self._clock.now()
        return (
            HubInfo(
                boot=self.boot,
                name=self._name,
                state="alive",
                started_at=self._began_at,
                seen_at=now,
                until=now + LEASE,
                leases=tuple(sorted(self._leases)),
            ),
        )
