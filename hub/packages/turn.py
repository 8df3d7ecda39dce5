"""Whose turn it is to change packages: one change at a time, on one hub at a time, and all hear of it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from hub.errors import StoreUnavailable
from hub.ports import Clock, Hubs

log = logging.getLogger(__name__)

WORK = "packages"
LOOK = 60.0
ABANDONED = timedelta(minutes=15)
"""What another hub has had on its way for so long went down with it."""


class Turn:
    """The lock on a folder of packages; without `hubs` nobody else has it."""

    def __init__(self, hubs: Hubs | None) -> None:
        self._hubs = hubs
        self._one = asyncio.Lock()
        self._changed = asyncio.Event()
        if hubs:
            hubs.hear(WORK, lambda _: self._changed.set())

    def on_duty(self) -> bool:
        """Say whether this is the hub that does what one does for all."""
        return self._hubs is None or self._hubs.holds("duties")

    @asynccontextmanager
    async def here(self) -> AsyncGenerator[None, None]:
        """Keep this hub's other changes out."""
        async with self._one:
            yield

    @asynccontextmanager
    async def changing(self) -> AsyncGenerator[None, None]:
        """Keep all other changes out, also those of other hubs, and tell those afterwards."""
        async with self._one:
            if self._hubs is None:
                yield
                return
            async with self._hubs.alone(WORK):
                yield
            await self._hubs.tell(WORK)

    async def follow(self, load: Callable[[], Awaitable[None]]) -> None:
        """Have what other hubs changed used here, until cancelled."""
        while self._hubs:
            await self._changed.wait()
            self._changed.clear()
            async with self._one:
                try:
                    await load()
                except StoreUnavailable as error:
                    log.warning("what another hub changed about packages is used later: %s", error)
                    self._changed.set()
                    await asyncio.sleep(1)

    async def go_on(self, cut_off: Callable[[datetime | None], Awaitable[None]], clock: Clock) -> None:
        """Have gone on with what a crash cut off: of other hubs, only what can't be on its way any more."""
        if self._hubs is None:
            await cut_off(None)
            return
        first = True
        while True:
            try:
                if first and await self._hubs.living() == {self._hubs.boot}:
                    await cut_off(None)
                elif self._hubs.holds("duties"):
                    await cut_off(clock.now() - ABANDONED)
                first = False
            except StoreUnavailable as error:
                log.warning("packages that were on their way wait: %s", error)
            await clock.sleep(LOOK)
