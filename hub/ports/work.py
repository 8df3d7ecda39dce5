"""Who works on what, and who watches."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

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
