"""Who works on what, and who watches."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from hub.ports.storage import Change
from hub.records import (
    Event,
    MessageId,
    PersonId,
    TaskId,
    TenantId,
    TurnId,
)


class Dispatcher(Protocol):
    """Decides who works on which lane, and when."""

    def wake(self, *lanes: str) -> None:
        """Have each lane looked at soon. Waking a lane that's being worked on has it looked at once more after that."""

    async def run(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Call `work(lane)` for lanes that were woken, each lane by one worker at a time, until cancelled.

        Work that raises is logged, and the lane is looked at again after a pause that grows; other lanes go on.
        """


class Delta(Struct, frozen=True, kw_only=True):
    """Some more of an answer that's being written; not kept. `text` is all of it so far where `whole` is true."""

    tenant: TenantId
    person: PersonId
    task: TaskId
    turn: TurnId
    message: MessageId | None
    """The person's message that's being answered; None if nobody asked just now."""
    text: str
    whole: bool = False


class Witness(Protocol):
    """Hears of everything that the flow has committed: for metrics and traces."""

    def committed(self, changes: Sequence[Change], seconds: float) -> None:
        """Take what was kept just now, and how long that took; at once, for whoever committed it waits."""


class News(Protocol):
    """What a watcher reads; ends by itself only if the watcher fell too far behind."""

    def __aiter__(self) -> AsyncIterator[Event | Delta]: ...
    async def __anext__(self) -> Event | Delta: ...
    def ready(self) -> Event | Delta | None:
        """Return the next one if it's there already, without waiting."""

    async def aclose(self) -> None:
        """Watch no more."""


class Feed(Protocol):
    """Tells those who watch what happens: committed events, and answers while they are being written."""

    def publish(self, *news: Event | Delta) -> None:
        """Hand news to every watcher of that person; never waits for a slow one."""

    def finish(self, turn: TurnId) -> None:
        """Forget the text of a turn's unfinished answer: the reply is kept, or there won't be one."""

    def watch(self, tenant: TenantId, person: PersonId) -> News:
        """Yield news from the moment of this call on, first the unfinished answers as they stand.

        A watcher that falls too far behind is ended; it can catch up from the store.
        """

    def watch_all(self) -> News:
        """Yield everybody's news, as `watch` does one person's: for what shows it on the platforms."""


class HubInfo(Struct, frozen=True, kw_only=True):
    """One of the hubs that share a store, as it's listed."""

    boot: str
    name: str
    """What its config calls it; by default its machine and port."""
    state: Literal["alive", "silent"]
    """silent: it hasn't said that it's alive for so long that others are about to take over its work."""
    started_at: datetime
    seen_at: datetime
    until: datetime
    """When its lease is over, unless it's renewed."""
    leases: tuple[str, ...] = ()
    """What only this hub does: `bridge:NAME`, `duties` (what's due, what's forgotten, packages on their way)."""


class Hubs(Protocol):
    """All hubs that share a store, seen from one of them.

    A hub lives as long as it renews its lease. One that doesn't is ended by another: from then on it can commit nothing
    any more, and only then is what it had begun taken over.
    """

    boot: str
    """This one's."""

    def check(self) -> None:
        """Raise HubEnded unless this hub's lease certainly holds: what can't be undone mustn't be begun without."""

    async def living(self) -> frozenset[str]:
        """Return the boots of all hubs that aren't ended, this one among them."""

    async def run(self, take_over: Callable[[], Awaitable[None]]) -> None:
        """Keep this hub's lease until cancelled; raises HubEnded once another has ended it.

        `take_over` is called after the end of each other hub, before its lanes are given to others. It may be called
        again if this hub dies in the middle, here or in another.
        """

    async def hold(self, lease: str) -> None:
        """Return once this hub has a lease that one hub has at a time; it keeps it to its end."""

    def holds(self, lease: str) -> bool:
        """Say whether this hub has a lease; one that nobody has is taken by who asks for it by `hold`."""

    def alone(self, work: str) -> AbstractAsyncContextManager[None]:
        """Keep all other hubs out of a piece of work while within."""

    async def tell(self, topic: str, text: str = "") -> None:
        """Have the other hubs that live hear a short word; it may get lost, and then nobody hears it."""

    def hear(self, topic: str, heard: Callable[[str], None]) -> None:
        """Have `heard` called with what other hubs tell about a topic."""

    async def listed(self) -> tuple[HubInfo, ...]:
        """Return all hubs that aren't ended, oldest first."""
