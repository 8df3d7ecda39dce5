"""A durable, deduplicating queue: entries wait in lanes until they are settled.

Everything that changes an entry comes back as a Change, so that it's committed together with what it stands for.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from hub.errors import Conflict
from hub.ports import Add, Save, Store
from hub.records import Entry, EntryId, Message, Queue, new_id

DEATHS = 3
"""An entry over which a process died so often, alone, is a dead letter."""


class Spool:
    """One queue of the store, worked on by one boot of the hub."""

    def __init__(self, store: Store, boot: str) -> None:
        self._store = store
        self.boot = boot

    def put(self, queue: Queue, lane: str, message: Message, now: datetime) -> Add:
        """Have a message wait in a lane."""
        return Add(
            Entry(
                id=EntryId(new_id()),
                tenant=message.tenant,
                queue=queue,
                lane=lane,
                message=message.id,
                state="ready",
                created_at=now,
            )
        )

    async def ready(self, lane: str, now: datetime, limit: int = 1) -> tuple[Entry, ...]:
        """Return what's next in a lane, in order."""
        return await self._store.entries(lane, now, limit)

    def begin(self, entry: Entry) -> Entry:
        """Return the entry, worked on by this boot: should the hub die, it's known that it may be half done."""
        return replace(entry, boot=self.boot, attempts=entry.attempts + 1)

    def settle(self, entry: Entry) -> Save:
        """It's done, for good."""
        return Save(replace(entry, state="done", boot=None, due_at=None))

    def release(self, entry: Entry, *, due_at: datetime | None = None, error: str | None = None) -> Save:
        """It isn't done: begin again, not before `due_at`."""
        return Save(replace(entry, state="ready", boot=None, due_at=due_at, error=error))

    def move(self, entry: Entry, lane: str) -> Save:
        """Its first stage is done; it waits in another lane for the next."""
        return Save(replace(entry, lane=lane, state="ready", boot=None, due_at=None, attempts=0))

    def hold(self, entry: Entry, until: datetime) -> Save:
        """Let others of its lane go first until somebody moves it, or the time has come."""
        return Save(replace(entry, state="held", boot=None, due_at=until))

    def bury(self, entry: Entry, error: str) -> Save:
        """Give it up: a dead letter, kept for the operator."""
        return Save(replace(entry, state="dead", boot=None, error=error))

    async def recover(self, living: Collection[str] = ()) -> tuple[Entry, ...]:
        """Take over what dead boots had begun, and return it as it stands now; `living` are other boots that live.

        Only an entry that was worked on alone can be blamed for a death; among several nobody is, so that a kill
        from outside never makes dead letters of bystanders.
        """
        begun = [entry for entry in await self._store.begun() if entry.boot not in {self.boot, *living}]
        working = Counter(boot for boot, _ in {(entry.boot, entry.lane) for entry in begun})
        taken = []
        for entry in begun:
            blamed = working[entry.boot] == 1 or entry.queue == "outbox"
            try:
                await self._store.commit(Save(replace(entry, boot=None, deaths=entry.deaths + blamed)))
            except Conflict:
                continue  # another hub took it over at this very moment
            taken.append(replace(entry, boot=None))
        return tuple(taken)
