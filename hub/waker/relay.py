"""Hands over to a hub what was heard for it, oldest first, and forgets only what the hub answers for."""

import asyncio
import logging
from contextlib import suppress

from hub.ports.time import Clock
from hub.waker.peer import Peer
from hub.waker.power import Power
from hub.waker.spool import Spool

log = logging.getLogger(__name__)

BATCH = 100
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
LOOK = 2.0


class Relay:
    """One hub's."""

    def __init__(self, power: Power, peer: Peer, spool: Spool, clock: Clock) -> None:
        self._power = power
        self._peer = peer
        self._spool = spool
        self._clock = clock

    async def run(self) -> None:
        """Hand over until cancelled; what nobody known has said waits until the hub is up anyway."""
        name, pause = self._power.hub.name, FIRST_PAUSE
        news = self._spool.news(name)
        while True:
            news.clear()
            all_, waking = await self._spool.waiting(name)
            if waking:
                self._power.wake()
            if not all_ or self._power.state != "ready":
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05 if all_ else LOOK):
                        await news.wait()
                continue
            if await self._hand_over(name):
                pause = FIRST_PAUSE
            else:
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _hand_over(self, hub: str) -> bool:
        batch = await self._spool.next(hub, BATCH)
        settled = await self._peer.take(batch)
        if settled:
            await self._spool.drop(settled)
            log.info("hub %s: handed over %d of %d", hub, len(settled), len(batch))
        return bool(settled)
