"""Is there anything that the hub must be up for? Whoever stops it when there isn't is told here, and may then do it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct, json

from hub.flow.embeds import card_of
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.guests import KIND
from hub.ports import Clock, Store
from hub.records import TaskId

MANY = 20_000
"""Keys, links, inlets or chats, at most."""
SHOWN = 20
DRAINED_FOR = 60.0
"""Seconds that a hub which was said to be stopped stays shut; then whoever said so has died, and it's open again."""

Guest = tuple[str, str]
"""A kind and a value: `key` or `inlet`, and the hash of one; `sender:` with a bridge, and a sender; `embed:` with the
id of a chat in other sites' pages, and its card as JSON."""


class Idleness(Struct, frozen=True, kw_only=True):
    """What the hub is at, and since when it isn't at anything."""

    busy: tuple[str, ...]
    idle_seconds: float
    next_due: float | None
    """In seconds since 1970."""


class Idling:
    """Knows whether the hub idles."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        inbox: Inbox,
        clock: Clock,
        *,
        lanes: Callable[[], Collection[str]],
        running: Callable[[], Collection[TaskId]],
        others: Callable[[], Awaitable[tuple[Sequence[str], datetime | None]]] | None = None,
    ) -> None:
        """`lanes` are those that are worked on, `running` the tasks with a turn.

        `others` says what else there's to do, in words, and when the next is due.
        """
        self._store = store
        self._journal = journal
        self._inbox = inbox
        self._clock = clock
        self._lanes = lanes
        self._running = running
        self._others = others
        self._asked_at = clock.monotonic()
        self._shut_at = 0.0

    def asked(self) -> None:
        """Take note that somebody asks the hub something."""
        self._asked_at = self._clock.monotonic()

    async def look(self) -> Idleness:
        """Say what the hub is at. Raises StoreUnavailable."""
        now = self._clock.monotonic()
        if self._inbox.shut and now - self._shut_at > DRAINED_FOR:
            self._inbox.shut = False
        due = await self._store.next_due()
        busy = [f"a turn of task {task}" for task in self._running()]
        busy += [f"lane {lane}" for lane in self._lanes() if not lane.startswith("task:")]
        if await self._store.lanes(self._clock.now(), 1):
            busy.append("entries that wait")
        if self._others is not None:
            found, then = await self._others()
            busy += found
            due = min(filter(None, (due, then)), default=None)
        return Idleness(
            busy=tuple(busy[:SHOWN]),
            idle_seconds=max(0.0, now - max(self._asked_at, self._journal.last_at)),
            next_due=due.timestamp() if due else None,
        )

    async def drain(self) -> bool:
        """Take nothing more if the hub is at nothing, and say whether it may be stopped."""
        self._inbox.shut = True
        self._shut_at = self._clock.monotonic()
        found = await self.look()
        self._inbox.shut = not found.busy
        return not found.busy

    async def guests(self) -> tuple[tuple[Guest, ...], str]:
        """Return whom the hub knows, and a name for just them."""
        keys = await self._store.every_key(self._clock.now(), MANY)
        links = await self._store.every_link(MANY)
        found = [("key", key.hash) for key in keys]
        found += [(f"sender:{link.bridge}", link.sender) for link in links]
        found += [("inlet", inlet.hash) for inlet in await self._store.inlets_on(MANY)]
        found += [
            (f"{KIND}{embed.id}", json.encode(card_of(embed)).decode())
            for embed in await self._store.embeds_shown(MANY)
        ]
        return tuple(found), sha256(repr(sorted(found)).encode()).hexdigest()[:32]
