"""News for those who watch, in one process."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from msgspec.structs import replace

from hub.ports import Delta, News
from hub.records import Event, PersonId, TenantId, TurnId

BEHIND = 1000
"""A watcher that many news behind is ended: it reads slower than things happen."""

Who = tuple[TenantId, PersonId]
Queue = asyncio.Queue[Event | Delta | None]
ALL = None
"""Whom one watches who watches everybody."""


class LocalFeed:
    """A Feed on asyncio queues."""

    def __init__(self) -> None:
        self._watchers: dict[Who | None, set[Queue]] = defaultdict(set)
        self._unfinished: dict[TurnId, Delta] = {}

    def publish(self, *news: Event | Delta) -> None:
        """See Feed."""
        for item in news:
            if isinstance(item, Delta):
                self._keep(item)
            for queue in (*self._watchers.get((item.tenant, item.person), ()), *self._watchers.get(ALL, ())):
                self._hand(queue, item)

    def finish(self, turn: TurnId) -> None:
        """See Feed."""
        self._unfinished.pop(turn, None)

    def close(self) -> None:
        """End every watcher."""
        for queues in self._watchers.values():
            for queue in queues:
                _end(queue)

    def watch(self, tenant: TenantId, person: PersonId) -> News:
        """See Feed."""
        return self._watch((tenant, person))

    def watch_all(self) -> News:
        """See Feed."""
        return self._watch(ALL)

    def _watch(self, who: Who | None) -> News:
        queue: Queue = asyncio.Queue(BEHIND)
        # Registered now, not at the first `anext`: what's committed between the two must not be missed.
        self._watchers[who].add(queue)
        for delta in self._unfinished.values():
            if who in (ALL, (delta.tenant, delta.person)):
                queue.put_nowait(delta)
        return _Watcher(queue, lambda: self._forget(who, queue))

    def _forget(self, who: Who | None, queue: Queue) -> None:
        self._watchers[who].discard(queue)
        if not self._watchers[who]:
            del self._watchers[who]

    def _keep(self, delta: Delta) -> None:
        before = self._unfinished.get(delta.turn)
        text = delta.text if delta.whole or before is None else before.text + delta.text
        self._unfinished[delta.turn] = replace(delta, text=text, whole=True)

    def _hand(self, queue: Queue, item: Event | Delta) -> None:
        if queue.full():
            _end(queue)
        else:
            queue.put_nowait(item)


def _end(queue: Queue) -> None:
    """Let a watcher read nothing more than the end."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


class _Watcher:
    """What a watcher reads from. A generator wouldn't do: closed before it's begun, it never gets to its `finally`."""

    def __init__(self, queue: Queue, forget: Callable[[], None]) -> None:
        self._queue = queue
        self._forget: Callable[[], None] | None = forget

    def __aiter__(self) -> AsyncIterator[Event | Delta]:
        return self

    async def __anext__(self) -> Event | Delta:
        item = await self._queue.get() if self._forget else None
        if item is None:
            await self.aclose()
            raise StopAsyncIteration
        return item

    def ready(self) -> Event | Delta | None:
        """See News."""
        if self._forget is None or self._queue.empty():
            return None
        item = self._queue.get_nowait()
        if item is None:
            self._queue.put_nowait(None)  # the end, for who waits for it
        return item

    async def aclose(self) -> None:
        """Watch no more."""
        if self._forget:
            self._forget()
            self._forget = None
