"""What the store tells for its upkeep, over SQL: see Upkeep."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row

from hub.ports import Change, Remove
from hub.records import (
    Correction,
    Entry,
    Event,
    Follow,
    Key,
    KeyId,
    Message,
    MessageId,
    Person,
    PersonId,
    Queue,
    Record,
    Replay,
    Task,
    TaskId,
    TaskState,
    TenantId,
)
from hub.store import upkeep_queries as queries
from hub.store.queries import Query
from hub.store.rows import record_of

R = TypeVar("R", bound=Record)
CHUNK = 100


class UpkeepAnswers(ABC):
    """The queries of Upkeep; the database answers `_rows` and does `commit`."""

    @abstractmethod
    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        """See Store."""

    @abstractmethod
    async def _rows(self, query: Query, given: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        """Return what a query finds; raises StoreUnavailable."""

    async def oldest(self, now: datetime) -> Mapping[Queue, datetime]:
        rows = await self._rows(queries.oldest(now))
        return {row.queue: row.since for row in rows}

    async def open_tasks(self, tenant: TenantId | None = None) -> Mapping[TaskState, int]:
        return {row.state: row.number for row in await self._rows(queries.open_tasks(tenant))}

    async def forget_entries(self, before: datetime) -> int:
        return await self._forget(Entry, queries.done_entries(before, CHUNK))

    async def ended_tasks(self, before: datetime, *, limit: int, after: Task | None = None) -> tuple[Task, ...]:
        return await self._all(Task, queries.ended_tasks(before, limit, after))

    async def loose_messages(
        self, before: datetime, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        return await self._all(Message, queries.loose_messages(before, limit, after))

    async def all_messages_of_task(
        self, task: TaskId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        return await self._all(Message, queries.all_messages_of_task(task, limit, after))

    async def messages_of_person(
        self, tenant: TenantId, person: PersonId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        return await self._all(Message, queries.messages_of_person(tenant, person, limit, after))

    async def messages_in_groups(
        self, tenant: TenantId, author: PersonId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        return await self._all(Message, queries.messages_in_groups(tenant, author, limit, after))

    async def messages_with_any_file(self, *, limit: int, after: MessageId | None = None) -> tuple[Message, ...]:
        return await self._all(Message, queries.messages_with_any_file(limit, after))

    async def entries_of(self, message: MessageId) -> tuple[Entry, ...]:
        return await self._all(Entry, queries.entries_of(message))

    async def corrections_of(self, message: MessageId) -> tuple[Correction, ...]:
        return await self._all(Correction, queries.corrections_of(message))

    async def keys_of(self, tenant: TenantId, person: PersonId) -> tuple[Key, ...]:
        return await self._all(Key, queries.keys_of(tenant, person))

    async def replays_of(self, key: KeyId, *, limit: int) -> tuple[Replay, ...]:
        return await self._all(Replay, queries.replays_of(key, limit))

    async def followed_by(self, tenant: TenantId, person: PersonId) -> tuple[Follow, ...]:
        return await self._all(Follow, queries.followed_by(tenant, person))

    async def leaving(self) -> tuple[Person, ...]:
        return await self._all(Person, queries.leaving())

    # --- below

    async def _all(self, kind: type[R], query: Query, given: Mapping[str, object] | None = None) -> tuple[R, ...]:
        return tuple(record_of(kind, row) for row in await self._rows(query, given))

    async def _asked(self, kind: type[R], build: Callable[..., Query], *args: object, **named: object) -> tuple[R, ...]:
        """Return what a query finds that `build` makes: for what's asked so often that a store may have it ready."""
        return await self._all(kind, build(*args, **named))

    async def _values(self, build: Callable[..., Query], *args: object) -> list[Any]:
        """Return the first value of each row of what a query finds that `build` makes, as `_asked` does records."""
        return [row[0] for row in await self._rows(build(*args))]

    async def _kept(self, kind: type[R], query: Query, given: Mapping[str, object]) -> tuple[R, ...]:
        """Return what a query finds that was made before, and is asked with other values each time."""
        return await self._all(kind, query, given)

    async def _forget(self, kind: type[Record], old: Query) -> int:
        # A few at a time, so that nobody's commit waits long behind it.
        forgotten = 0
        while found := await self._all(kind, old):
            await self.commit(*map(Remove, found))
            forgotten += len(found)
        return forgotten
