"""What keeps one person, or one tenant, from taking everything: how much may wait for them, and whose turn is next."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hub.ports import Clock, Store
from hub.records import PersonId, TenantId

REMEMBERED = 10_000
"""People whose count is remembered."""
COUNTED_FOR = 2.0
"""Seconds for which a count of somebody's waiting messages is trusted."""
REFUSED_FOR = 0.1
"""Seconds for which it's trusted that too many wait: what was answered since isn't taken off the count."""

LATELY = 30.0
"""Seconds for which a tenant that holds no slot any more counts as there."""


CALM = 2
"""Turns that may go on side by side however much else there is to do."""
PATIENT = 8
"""Turns that people wait for which may begin in a row before one that nobody waits for now, where one is due."""
LATE = 0.005
"""Seconds that a round of the event loop may take for one more turn to begin: whoever says something meanwhile waits
for a few rounds until it's kept."""


@dataclass
class _Count:
    waiting: int
    counted_at: float
    told: bool = False


_Queues = OrderedDict[TenantId, OrderedDict[PersonId, deque[asyncio.Future[None]]]]
_Whose = tuple[TenantId, PersonId, bool]
"""Who waits for a turn, and whether it's background work."""


class Waiting:
    """How many messages of a person wait for an answer."""

    def __init__(self, store: Store, clock: Clock, limit: int) -> None:
        self.limit = limit
        self._store = store
        self._clock = clock
        self._counts: OrderedDict[tuple[TenantId, PersonId], _Count] = OrderedDict()

    async def one_more(self, tenant: TenantId, person: PersonId) -> bool:
        """Count one more message; return False if that's more than may wait."""
        now = self._clock.monotonic()
        count = self._counts.get((tenant, person))
        trusted = COUNTED_FOR if count is None or count.waiting < self.limit else REFUSED_FOR
        if count is None or now - count.counted_at > trusted:
            waiting = await self._store.waiting(tenant, person)
            count = _Count(waiting, now, told=count is not None and count.told and waiting > self.limit // 2)
            self._counts[tenant, person] = count
            if len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
        count.waiting += 1
        return count.waiting <= self.limit

    def tell(self, tenant: TenantId, person: PersonId) -> bool:
        """Say whether the person is to be told that there's too much: once, until half of it is answered."""
        count = self._counts[tenant, person]
        told, count.told = count.told, True
        return not told


class Slots:
    """So many turns at once, shared out fairly: tenants come one after another, and so do the people of each.

    What a person waits for comes before what nobody waits for now, as what's due by a schedule, but not for ever: every
    so often one of those begins, however much is said. Where there's more than one slot, nobody holds them all, and
    neither does such background work: who comes new needn't wait for the end of another's long turn. A tenant with all
    its people holds no more than its part of them, counting the tenants that are there: those that hold a slot, wait
    for one, or had one a moment ago.

    Beyond a few, a turn begins only while the event loop keeps up: what's said must be kept at once, and what it takes
    to answer it can wait.
    """

    def __init__(self, count: int, clock: Clock) -> None:
        self._clock = clock
        self._looking = False
        self._count = self._free = count
        self._share = max(1, count - max(1, count // 4))
        self._held: Counter[_Whose] = Counter()
        self._of_tenant: Counter[TenantId] = Counter()
        self._there: OrderedDict[TenantId, float] = OrderedDict()
        """When each tenant last came for a slot or gave one back, the one that did so longest ago first."""
        self._background = 0
        self._passed = 0
        """Turns that began since one that nobody waits for could have."""
        self._queues: tuple[_Queues, _Queues] = (OrderedDict(), OrderedDict())

    @asynccontextmanager
    async def of(self, tenant: TenantId, person: PersonId, *, background: bool = False) -> AsyncIterator[None]:
        """Hold a slot for a person; waits until it's their turn."""
        whose = (tenant, person, background)
        self._is_there(tenant)
        await self._take(whose)
        try:
            yield
        finally:
            self._give_back(whose)

    async def _take(self, whose: _Whose) -> None:
        tenant, person, background = whose
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        theirs = self._queues[background].setdefault(tenant, OrderedDict())
        theirs.setdefault(person, deque()).append(waiting)
        self._share_out()
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._give_back(whose)
            else:
                self._leave(whose, waiting)
            raise

    def _share_out(self) -> None:
        while self._count - self._free < CALM and self._hand_out():
            pass
        if self._free and not self._looking and self._next():
            self._looking = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._look, loop.time())

    def _look(self, since: float) -> None:
        """Hand out one more slot if the round of the event loop since then was short; else look again in a while."""
        loop = asyncio.get_running_loop()
        late = loop.time() - since
        if late > LATE:
            loop.call_later(late, self._look_again)
        else:
            self._hand_out()
            self._look_again()

    def _look_again(self) -> None:
        self._looking = False
        self._share_out()

    def _hand_out(self) -> bool:
        """Hand out a slot; return False if there's none, or nobody who may have it."""
        while self._free and (whose := self._next()):
            tenant, person, background = whose
            queues = self._queues[background]
            theirs = queues.pop(tenant)
            queue = theirs.pop(person)
            waiting = queue.popleft()
            # Both go to the end: the others come first.
            if queue:
                theirs[person] = queue
            if theirs:
                queues[tenant] = theirs
            if waiting.cancelled():
                continue
            waiting.set_result(None)
            self._free -= 1
            self._background += background
            self._passed = self._passed + 1 if self._queues[True] and not background else 0
            self._held[whose] += 1
            self._of_tenant[tenant] += 1
            return True
        return False

    def _is_there(self, tenant: TenantId) -> None:
        self._there[tenant] = self._clock.monotonic()
        self._there.move_to_end(tenant)

    def _part(self) -> int:
        """Return how many slots a tenant may hold now."""
        since = self._clock.monotonic() - LATELY
        for tenant in list(self._there):
            if self._there[tenant] > since:
                break
            if not self._of_tenant[tenant] and not any(tenant in queues for queues in self._queues):
                del self._there[tenant]
        return self._count if len(self._there) < 2 else min(self._share, -(-self._count // len(self._there)))

    def _next(self) -> _Whose | None:
        part = self._part()
        for background in (True, False) if self._passed >= PATIENT else (False, True):
            if background and self._background >= self._share:
                continue
            for tenant, theirs in self._queues[background].items():
                if self._of_tenant[tenant] >= part:
                    continue
                for person in theirs:
                    if self._held[tenant, person, background] < self._share:
                        return tenant, person, background
        return None

    def _give_back(self, whose: _Whose) -> None:
        self._free += 1
        self._background -= whose[2]
        self._held[whose] -= 1
        self._of_tenant[whose[0]] -= 1
        self._is_there(whose[0])
        # Counts of nobody would stay for ever.
        self._held, self._of_tenant = +self._held, +self._of_tenant
        self._share_out()

    def _leave(self, whose: _Whose, waiting: asyncio.Future[None]) -> None:
        tenant, person, background = whose
        theirs = self._queues[background].get(tenant, OrderedDict())
        queue = theirs.get(person, deque())
        if waiting in queue:
            queue.remove(waiting)
        if not queue:
            theirs.pop(person, None)
        if not theirs:
            self._queues[background].pop(tenant, None)
