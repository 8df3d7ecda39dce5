"""What came in and isn't kept yet: in which order, how far it's kept, and who has been heard lately."""

from asyncio import TaskGroup
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K")
V = TypeVar("V")
Work = Callable[[], Awaitable[None]]


class Ticket(Struct, kw_only=True):
    """A message's place in the backlog."""

    counted: int | None
    """What the stream had counted with it (XEP-0198); None if it came otherwise, or by a stream that's gone."""
    archive: str
    archived_as: str
    """What that archive calls it; empty if there's none, or if older ones of it are still to come."""
    kept: bool = False


class Backlog:
    """Messages in the order they came, until they're kept.

    A server is told of a message as handled only once it and all before it are kept, and the same goes for the mark up
    to which the archive has been read: whatever a crash loses is sent or found again.
    """

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self.marks: dict[str, str] = {}
        """By archive -> the id there of the latest message up to which all are kept, of those since the start."""

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, counted: int | None, archive: str, archived_as: str) -> Ticket:
        """Take in a message that came."""
        ticket = Ticket(counted=counted, archive=archive, archived_as=archived_as)
        self._waiting.append(ticket)
        return ticket

    def keep(self, ticket: Ticket) -> bool:
        """Note that a message is kept; return True if the oldest that waited is among what's kept now."""
        ticket.kept = True
        moved = False
        while self._waiting and self._waiting[0].kept:
            first = self._waiting.popleft()
            if first.archived_as:
                self.marks[first.archive] = first.archived_as
            moved = True
        return moved

    def handled(self, counted: int) -> int:
        """Return how many stanzas the server may be told are handled, of those that the stream counted."""
        first = next((ticket.counted for ticket in self._waiting if ticket.counted is not None), None)
        return counted if first is None else min(counted, first - 1)

    def forget_counts(self) -> None:
        """Begin to count anew: a new session has begun, and the server will hear of the old one no more."""
        for ticket in self._waiting:
            ticket.counted = None


class Lanes:
    """Work of several chats side by side, in order within each."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._waiting: dict[str, deque[Work]] = {}

    def put(self, chat: str, work: Work) -> None:
        """Have it done once what was put in that chat's lane before is done."""
        if chat in self._waiting:
            self._waiting[chat].append(work)
        else:
            self._waiting[chat] = deque([work])
            self._group.create_task(self._run(chat))

    async def _run(self, chat: str) -> None:
        lane = self._waiting[chat]
        try:
            while lane:
                await lane.popleft()()
        finally:
            del self._waiting[chat]


class Recent(Generic[K, V]):
    """What was seen lately, up to a number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: OrderedDict[K, V] = OrderedDict()

    def put(self, key: K, value: V) -> None:
        """Remember a value, and forget the oldest if there are too many."""
        self._seen[key] = value
        self._seen.move_to_end(key)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def get(self, key: K) -> V | None:
        """Return what's remembered under a key."""
        return self._seen.get(key)

    def pop(self, key: K) -> V | None:
        """Return what's remembered under a key, and forget it."""
        return self._seen.pop(key, None)
