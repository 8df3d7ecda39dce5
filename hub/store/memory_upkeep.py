"""What the reference store tells for its upkeep: see Upkeep."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from hub.ports import Remove
from hub.records import (
    OPEN,
    Correction,
    Entry,
    File,
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
from hub.store.kept import Kept


class UpkeepInMemory(Kept):
    """The queries of Upkeep, as plainly as they read."""

    async def oldest(self, now: datetime) -> Mapping[Queue, datetime]:
        waiting = [
            (entry.queue, entry.due_at or entry.created_at) for entry in self._all(Entry) if entry.state == "ready"
        ]
        due = sorted(((queue, since) for queue, since in waiting if since <= now), key=lambda each: each[1])
        return dict(reversed(due))

    async def open_tasks(self, tenant: TenantId | None = None) -> Mapping[TaskState, int]:
        theirs = (task for task in self._all(Task) if tenant in (None, task.tenant))
        return cast("Mapping[TaskState, int]", Counter(task.state for task in theirs if task.state in OPEN))

    async def forget_entries(self, before: datetime) -> int:
        return await self._forget(
            [entry for entry in self._all(Entry) if entry.state == "done" and entry.created_at < before]
        )

    async def ended_tasks(self, before: datetime, *, limit: int, after: Task | None = None) -> tuple[Task, ...]:
        found = [task for task in self._all(Task) if task.state not in OPEN and task.updated_at < before]
        found.sort(key=_changed)
        return tuple([task for task in found if after is None or _changed(task) > _changed(after)][:limit])

    async def loose_messages(
        self, before: datetime, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        loose = (message for message in self._by_id(Message) if message.task is None and message.created_at < before)
        return _page(loose, limit, after)

    async def all_messages_of_task(
        self, task: TaskId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        return _page((message for message in self._by_id(Message) if message.task == task), limit, after)

    async def messages_of_person(
        self, tenant: TenantId, person: PersonId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        theirs = (each for each in self._by_id(Message) if (each.tenant, each.person) == (tenant, person))
        return _page(theirs, limit, after)

    async def messages_in_groups(
        self, tenant: TenantId, author: PersonId, *, limit: int, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        theirs = (each for each in self._by_id(Message) if (each.tenant, each.author) == (tenant, author))
        return _page(theirs, limit, after)

    async def messages_with_any_file(self, *, limit: int, after: MessageId | None = None) -> tuple[Message, ...]:
        found = (each for each in self._by_id(Message) if any(isinstance(part, File) for part in each.parts))
        return _page(found, limit, after)

    async def entries_of(self, message: MessageId) -> tuple[Entry, ...]:
        found = [entry for entry in self._by_id(Entry) if entry.message == message]
        return tuple(sorted(found, key=lambda entry: (entry.queue, entry.id)))

    async def corrections_of(self, message: MessageId) -> tuple[Correction, ...]:
        return tuple(each for each in self._by_id(Correction) if each.message == message)

    async def keys_of(self, tenant: TenantId, person: PersonId) -> tuple[Key, ...]:
        return tuple(key for key in self._by_id(Key) if (key.tenant, key.person) == (tenant, person))

    async def replays_of(self, key: KeyId, *, limit: int) -> tuple[Replay, ...]:
        found = sorted((each for each in self._all(Replay) if each.key == key), key=lambda each: each.name)
        return tuple(found[:limit])

    async def followed_by(self, tenant: TenantId, person: PersonId) -> tuple[Follow, ...]:
        found = (each for each in self._by_id(Follow) if (each.tenant, each.person) == (tenant, person))
        return tuple(found)

    async def leaving(self) -> tuple[Person, ...]:
        return tuple(person for person in self._by_id(Person) if person.leaving_at is not None)

    async def _forget(self, old: Sequence[Record]) -> int:
        await self.commit(*map(Remove, old))
        return len(old)


def _page(found: Iterable[Message], limit: int, after: MessageId | None) -> tuple[Message, ...]:
    return tuple([message for message in found if after is None or message.id > after][:limit])


def _changed(task: Task) -> tuple[datetime, str]:
    return task.updated_at, task.id
