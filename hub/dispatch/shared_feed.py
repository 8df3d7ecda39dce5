"""News of several hubs on one PostgreSQL: each tells the others that there's some, and they read it from the store.

Events are published in the order of their `seq` and each once, by whichever way this hub hears of it: it made it, it
was told, or it looked. Only numbers are notified, never what's in them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import LiteralString

from hub.dispatch.database import Database
from hub.dispatch.ear import Ear
from hub.dispatch.feed import LocalFeed
from hub.errors import StoreUnavailable
from hub.ports import Delta, Store
from hub.records import Event

log = logging.getLogger(__name__)

CHANNEL = "agenthost_events"
POLL = 2.0
"""Seconds after which the store is looked at without a sign: a hub may die between a commit and telling of it."""
PAGE = 1_000
NOTIFY: LiteralString = "SELECT pg_notify('agenthost_events', %(seq)s)"


class SharedFeed(LocalFeed):
    """A Feed to all watchers on this hub, of what all hubs commit."""

    def __init__(self, database: Database, ear: Ear, store: Store) -> None:
        super().__init__()
        self._database = database
        self._store = store
        self._last = 0
        self._own: dict[int, Event] = {}
        self._known = 0
        self._tell = asyncio.Event()
        self._read = asyncio.Event()
        ear.on(CHANNEL, self._told)
        ear.on_return(self._read.set)

    async def open(self) -> None:
        """Begin with what's committed from now on."""
        self._last = await self._store.last_event()

    def publish(self, *news: Event | Delta) -> None:
        """See Feed."""
        for item in news:
            if isinstance(item, Delta):
                super().publish(item)
            elif item.seq > self._last:
                self._own[item.seq] = item
        if any(isinstance(item, Event) for item in news):
            self._known = max(self._known, *(item.seq for item in news if isinstance(item, Event)))
            self._tell.set()
            self._go_on()

    async def run(self) -> None:
        """Tell the others, and hear them, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._telling())
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await self._read.wait()
                self._read.clear()
                try:
                    async for event in self._fresh():
                        self._next(event)
                except StoreUnavailable as error:
                    log.warning("what other hubs do isn't shown for now: %s", error)

    async def _telling(self) -> None:
        while True:
            await self._tell.wait()
            self._tell.clear()
            with suppress(StoreUnavailable):  # they look by themselves, a little later
                await self._database.rows(NOTIFY, {"seq": str(self._known)})

    async def _fresh(self) -> AsyncIterator[Event]:
        while events := await self._store.events_since(self._last, PAGE):
            for event in events:
                yield event

    def _told(self, payload: str) -> None:
        if payload.isdigit() and int(payload) > self._last:
            self._read.set()

    def _go_on(self) -> None:
        """Publish what's next and known; what's missing in between is read from the store."""
        while event := self._own.get(self._last + 1):
            self._next(event)
        if self._own:
            self._read.set()

    def _next(self, event: Event) -> None:
        self._own.pop(event.seq, None)
        if event.seq > self._last:
            self._last = event.seq
            super().publish(event)
