"""What a store tells for its upkeep: what waits, what's old, and what's whose."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from hub.records import (
    Correction,
    Entry,
    Follow,
    Key,
    KeyId,
    Message,
    MessageId,
    Person,
    PersonId,
    Queue,
    Replay,
    Task,
    TaskId,
    TaskState,
    TenantId,
)


class Upkeep(Protocol):
    """The queries that nobody needs for an answer: of metrics, of retention, and of a person's own data.

    Cursors (`after`) exclude themselves; every listing reads from an index, however long the history is.
    """

    async def oldest(self, now: datetime) -> Mapping[Queue, datetime]:
        """Return since when the longest waiting ready entry of each queue waits; one that isn't due yet doesn't."""

    async def open_tasks(self, tenant: TenantId | None = None) -> Mapping[TaskState, int]:
        """Return how many open tasks stand in each state that has some; None: of all tenants."""

    async def forget_entries(self, before: datetime) -> int:
        """Remove settled entries made before a time, whatever waits and dead letters left alone; return how many."""

    async def ended_tasks(self, before: datetime, *, limit: int, after: Task | None = None) -> tuple[Task, ...]:
        """Return tasks of all tenants that have ended and weren't changed since, the longest ended first."""

    async def loose_messages(
        self, before: datetime, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return messages of no task that were made before a time, of all tenants, by id."""

    async def all_messages_of_task(
        self, task: TaskId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return what was said in a task, retracted ones and copies too, by id."""

    async def messages_of_person(
        self, tenant: TenantId, person: PersonId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return what a person said and was told, by id; what they said in groups is the group's."""

    async def messages_in_groups(
        self, tenant: TenantId, author: PersonId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return what a person wrote in groups, by id."""

    async def messages_with_any_file(self, *, limit: int, after: MessageId | None = None) -> tuple[Message, ...]:
        """Return messages of everybody that have files, by id."""

    async def entries_of(self, message: MessageId) -> tuple[Entry, ...]:
        """Return every entry of a message, by queue and id."""

    async def corrections_of(self, message: MessageId) -> tuple[Correction, ...]:
        """Return what was corrected about a message's routes, by id."""

    async def keys_of(self, tenant: TenantId, person: PersonId) -> tuple[Key, ...]:
        """Return a person's keys and sessions, revoked ones too, by id."""

    async def replays_of(self, key: KeyId, *, limit: int) -> tuple[Replay, ...]:
        """Return answers kept under a key, by name."""

    async def followed_by(self, tenant: TenantId, person: PersonId) -> tuple[Follow, ...]:
        """Return what a person follows, by task, bridge and chat."""

    async def leaving(self) -> tuple[Person, ...]:
        """Return the people of all tenants whose data is being erased, by tenant and id."""
