"""Stopping everything at once: no turn is taken and nothing goes out, on whichever hub; what's said is kept.

What's cut off is as after a crash: once it's resumed, turns go on from their last finished steps.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime

import msgspec
from msgspec import Struct

from hub.errors import StoreUnavailable
from hub.flow.deeds import deed
from hub.flow.doing import doer
from hub.ports import Clock, Documents, Hubs, Store
from hub.records import HOME, PersonId

log = logging.getLogger(__name__)

TOPIC = "halt"
OWNER, NAME = "hub", "halt"
"""Of the document that says so: it outlives every hub."""
LOOK = 1.0
"""Seconds until a hub that wasn't told has seen it."""
LANES = 100_000


class Halt(Struct, frozen=True, kw_only=True):
    """That everything is paused."""

    since: datetime
    by: PersonId | None
    why: str


class Halting:
    """Knows whether everything is paused, and pauses and resumes it."""

    def __init__(
        self, store: Store, documents: Documents, hubs: Hubs, clock: Clock, wake: Callable[..., None] = lambda *_: None
    ) -> None:
        """`wake` has lanes worked on."""
        self._store = store
        self._documents = documents
        self._hubs = hubs
        self._clock = clock
        self._wake = wake
        self._told = asyncio.Event()
        self._doing: set[asyncio.Task[None]] = set()
        self.halt: Halt | None = None
        hubs.hear(TOPIC, lambda _: self._told.set())

    @property
    def on(self) -> bool:
        """Whether everything is paused."""
        return self.halt is not None

    async def pause(self, why: str) -> Halt:
        """Stop all turns and all that goes out, here at once and on other hubs within two seconds; durably.

        What's being delivered at this moment still arrives. Once more is no error: it stays as it was first said.
        """
        if (known := await self._kept()) is not None:
            self._see(known)
            return known
        halt = Halt(since=self._clock.now(), by=doer().person, why=why)
        await self._documents.put(OWNER, NAME, msgspec.to_builtins(halt))
        self._see(halt)
        await self._hubs.tell(TOPIC)
        await self._note("hub.paused")
        return halt

    async def resume(self) -> None:
        """Have everything go on; once more is no error."""
        if await self._kept() is None and not self.on:
            return
        await self._note("hub.resumed")
        await self._documents.remove(OWNER, NAME)
        await self.look()
        await self._hubs.tell(TOPIC)

    async def look(self) -> None:
        """See whether everything is paused by now, or isn't any more: then what waits is taken up."""
        was, now = self.on, await self._kept()
        self._see(now)
        if was and now is None:
            self._wake(*await self._store.lanes(self._clock.now(), LANES))

    async def run(self) -> None:
        """Look again and again, and at once where another hub tells, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._told.wait()
            except TimeoutError:
                pass
            self._told.clear()
            try:
                # A hub by itself is told of all of it here.
                if self.on or await self._hubs.living() != {self._hubs.boot}:
                    await self.look()
            except StoreUnavailable:
                log.warning("it isn't known whether everything is paused: the store can't be asked for now")

    async def unless(self, work: Coroutine[object, object, None]) -> None:
        """Do some work unless everything is paused, and cut it off once it is."""
        if self.on:
            work.close()
            return
        try:
            async with asyncio.TaskGroup() as group:
                doing = group.create_task(work)
                self._doing.add(doing)
                doing.add_done_callback(self._doing.discard)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the work's own

    async def _kept(self) -> Halt | None:
        kept = await self._documents.get(OWNER, NAME)
        return msgspec.convert(kept, Halt) if kept else None

    def _see(self, halt: Halt | None) -> None:
        if halt is not None and self.halt is None:
            log.warning("everything is paused: no turn is taken and nothing goes out until it's resumed")
            for doing in tuple(self._doing):
                doing.cancel()
        elif halt is None and self.halt is not None:
            log.warning("everything goes on")
        self.halt = halt

    async def _note(self, action: str) -> None:
        await self._store.commit(deed(action, f"tenant/{HOME}", tenant=HOME, by=doer(), at=self._clock.now()))
