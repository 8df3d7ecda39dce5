"""What keeps one person from taking everything: how much may wait for them, and whose turn is next."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hub.ports import Clock, Store
from hub.records import PersonId, TenantId

REMEMBERED = 10_000
"""People whose count is remembered."""
COUNTED_FOR = 2.0
"""Seconds for which a count of somebody's waiting messages is trusted."""


@dataclass
class _Count:
    waiting: int
    counted_at: float
    told: bool = False


_Queues = OrderedDict[PersonId, deque[asyncio.Future[None]]]


class Waiting:
    """How many messages of a person wait for an answer."""

    def __init__(self, store: Store, clock: Clock, limit: int) -> None:
        self.limit = limit
        self._store = store
        self._clock = clock
        self._counts: OrderedDict[PersonId, _Count] = OrderedDict()

    async def one_more(self, tenant: TenantId, person: PersonId) -> bool:
        """Count one more message; return False if that's more than may wait."""
        now = self._clock.monotonic()
        count = self._counts.get(person)
        if count is None or now - count.counted_at > COUNTED_FOR:
            waiting = await self._store.waiting(tenant, person)
            count = _Count(waiting, now, told=count is not None and count.told and waiting > self.limit // 2)
            self._counts[person] = count
            if len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
        count.waiting += 1
        return count.waiting <= self.limit

    def tell(self, person: PersonId) -> bool:
        """Say whether the person is to be told that there's too much: once, until half of it is answered."""
        count = self._counts[person]
        told, count.told = count.told, True
        return not told


class Slots:
    """So many turns at once, shared out fairly: people come one after another, however much each has waiting.

    What a person waits for comes before what nobody waits for now, as what's due by a schedule. Where there's more than
    one slot, nobody holds them all, and neither does such background work: who comes new needn't wait for the end of
    another's long turn.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._share = max(1, count - max(1, count // 4))
        self._held: dict[tuple[PersonId, bool], int] = {}
        self._background = 0
        self._queues: tuple[_Queues, _Queues] = (OrderedDict(), OrderedDict())

    @asynccontextmanager
    async def of(self, person: PersonId, *, background: bool = False) -> AsyncIterator[None]:
        """Hold a slot for a person; waits until it's their turn."""
        await self._take(person, background)
        try:
            yield
        finally:
            self._give_back(person, background)

    async def _take(self, person: PersonId, background: bool) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[background].setdefault(person, deque()).append(waiting)
        self._share_out()
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._give_back(person, background)
            else:
                self._leave(person, waiting, background)
            raise

    def _share_out(self) -> None:
        while self._free and (found := self._next()):
            person, background = found
            queues = self._queues[background]
            queue = queues.pop(person)
            waiting = queue.popleft()
            if queue:
                queues[person] = queue  # at the end: the others come first
            if waiting.cancelled():
                continue
            waiting.set_result(None)
            self._free -= 1
            self._background += background
            self._held[found] = self._held.get(found, 0) + 1

    def _next(self) -> tuple[PersonId, bool] | None:
        for background in (False, True):
            if background and self._background >= self._share:
                break
            for person in self._queues[background]:
                if self._held.get((person, background), 0) < self._share:
                    return person, background
        return None

    def _give_back(self, person: PersonId, background: bool) -> None:
        self._free += 1
        self._background -= background
        held = (person, background)
        self._held[held] -= 1
        if not self._held[held]:
            del self._held[held]
        self._share_out()

    def _leave(self, person: PersonId, waiting: asyncio.Future[None], background: bool) -> None:
        queue = self._queues[background].get(person, deque())
        if waiting in queue:
            queue.remove(waiting)
        if not queue:
            self._queues[background].pop(person, None)
