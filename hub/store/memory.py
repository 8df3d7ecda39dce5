"""The reference store: everything in memory, each query as plainly as its promise reads.

Flow's tests run on it, and the SQL store is compared with it. A query looks at every record: it's for hundreds of them.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate, StoreUnavailable
from hub.ports import Add, Change, Remove, Save
from hub.records import (
    OPEN,
    Address,
    Correction,
    Entry,
    EntryId,
    Event,
    Key,
    KeyId,
    Link,
    Message,
    MessageId,
    Person,
    PersonId,
    Queue,
    Record,
    Replay,
    Step,
    Task,
    TaskId,
    TaskState,
    TenantId,
    Turn,
    TurnId,
)
from hub.store.keys import Identity, identity, named, natural_key

R = TypeVar("R", bound=Record)


class MemoryStore:
    """A Store that forgets everything with the process."""

    def __init__(self) -> None:
        self.full = False
        """Set it, and nothing can be written until it's unset: a full disk."""
        self._kept: defaultdict[type, dict[Identity, Record]] = defaultdict(dict)
        self._named: dict[tuple[type, Identity], Identity] = {}
        self._seq = 0
        self._closed = False

    async def open(self) -> None:
        self._closed = False

    async def close(self) -> None:
        self._closed = True

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        self._check_open()
        if self.full:
            raise StoreUnavailable("the store is full (as a test wished)")
        seq, undo = self._seq, list[Callable[[], None]]()
        try:
            events = [event for change in changes if (event := self._do(change, undo))]
        except Exception:
            for step in reversed(undo):
                step()
            self._seq = seq
            raise
        return tuple(events)

    # --- people and keys

    async def person(self, tenant: TenantId, id: PersonId) -> Person | None:
        return self._one(Person, tenant, id)

    async def people(self, tenant: TenantId) -> tuple[Person, ...]:
        found = (person for person in self._all(Person) if person.tenant == tenant)
        return tuple(sorted(found, key=lambda person: (person.created_at, person.id)))

    async def link(self, tenant: TenantId, bridge: str, sender: str) -> Link | None:
        return self._one(Link, tenant, bridge, sender)

    async def key_by_hash(self, hash: str) -> Key | None:
        return self._by_name(Key, hash)

    async def key(self, tenant: TenantId, id: KeyId) -> Key | None:
        key = self._one(Key, id)
        return key if key and key.tenant == tenant else None

    async def keys(self, tenant: TenantId) -> tuple[Key, ...]:
        found = (key for key in self._all(Key) if key.tenant == tenant and key.kind == "api")
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))

    # --- messages

    async def message(self, id: MessageId) -> Message | None:
        return self._one(Message, id)

    async def message_by_external(self, tenant: TenantId, address: Address, external_id: str) -> Message | None:
        return self._by_name(Message, tenant, address.bridge, address.chat, external_id)

    async def messages_of_task(
        self, task: TaskId, *, limit: int, before: MessageId | None = None, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = [
            message
            for message in self._by_id(Message)
            if message.task == task
            and message.state != "moved"
            and (before is None or message.id < before)
            and (after is None or message.id > after)
        ]
        return tuple(found[:limit] if after is not None and before is None else _last(found, limit))

    async def messages_of_chat(
        self, tenant: TenantId, address: Address, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = [
            message
            for message in self._by_id(Message)
            if message.tenant == tenant
            and _same_chat(message.address, address)
            and (before is None or message.id < before)
        ]
        return tuple(_last(found, limit))

    async def replies(self, message: MessageId) -> tuple[Message, ...]:
        asked = self._one(Message, message)
        turn = asked.turn if asked else None
        return tuple(
            reply
            for reply in self._by_id(Message)
            if reply.role != "user"
            and reply.state != "moved"
            and (reply.answers == message or (turn is not None and reply.turn == turn))
        )

    # --- tasks, turns and steps

    async def task(self, id: TaskId) -> Task | None:
        return self._one(Task, id)

    async def task_by_number(self, tenant: TenantId, person: PersonId, number: int) -> Task | None:
        return self._by_name(Task, tenant, person, number)

    async def last_number(self, tenant: TenantId, person: PersonId) -> int:
        found = (task.number for task in self._all(Task) if (task.tenant, task.person) == (tenant, person))
        return max(found, default=0)

    async def tasks(
        self,
        tenant: TenantId,
        person: PersonId | None = None,
        *,
        states: Sequence[TaskState] = (),
        chat: Address | None = None,
        updated_since: datetime | None = None,
        before: TaskId | None = None,
        limit: int = 50,
        by: Literal["id", "updated_at"] = "id",
    ) -> tuple[Task, ...]:
        found = [
            task
            for task in self._all(Task)
            if task.tenant == tenant
            and (person is None or task.person == person)
            and (not states or task.state in states)
            and (chat is None or _same_chat(task.origin, chat))
            and (updated_since is None or task.updated_at >= updated_since)
            and (before is None or task.id < before)
        ]
        found.sort(key=lambda task: (getattr(task, by), task.id), reverse=True)
        return tuple(found[:limit])

    async def due_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        found = [task for task in self._all(Task) if task.state in OPEN and task.due_at and task.due_at <= now]
        return tuple(sorted(found, key=lambda task: (task.due_at, task.id))[:limit])

    async def next_due(self) -> datetime | None:
        tasks = [task.due_at for task in self._all(Task) if task.state in OPEN]
        entries = [entry.due_at for entry in self._all(Entry) if entry.state in ("ready", "held")]
        return min((due for due in tasks + entries if due), default=None)

    async def turn(self, id: TurnId) -> Turn | None:
        return self._one(Turn, id)

    async def turns(self, task: TaskId, *, before: int | None = None, limit: int = 50) -> tuple[Turn, ...]:
        found = [turn for turn in self._all(Turn) if turn.task == task and (before is None or turn.number < before)]
        return tuple(sorted(found, key=lambda turn: turn.number, reverse=True)[:limit])

    async def steps(self, turn: TurnId) -> tuple[Step, ...]:
        return tuple(sorted((step for step in self._all(Step) if step.turn == turn), key=lambda step: step.number))

    # --- queues

    async def entry(self, id: EntryId) -> Entry | None:
        return self._one(Entry, id)

    async def entry_of(self, queue: str, message: MessageId) -> Entry | None:
        found = [entry for entry in self._by_id(Entry) if (entry.queue, entry.message) == (queue, message)]
        return found[-1] if found else None

    async def entries(self, lane: str, now: datetime, limit: int) -> tuple[Entry, ...]:
        found = list[Entry]()
        for entry in self._by_id(Entry):
            if entry.lane == lane and entry.state == "ready":
                if len(found) == limit or not _is_due(entry, now):
                    break
                found.append(entry)
        return tuple(found)

    async def held(self, now: datetime, limit: int) -> tuple[Entry, ...]:
        found = [entry for entry in self._all(Entry) if entry.state == "held" and entry.due_at and entry.due_at <= now]
        return tuple(sorted(found, key=lambda entry: (entry.due_at, entry.id))[:limit])

    async def lanes(self, now: datetime, limit: int) -> tuple[str, ...]:
        first = dict[str, Entry]()
        for entry in self._by_id(Entry):
            if entry.state == "ready":
                first.setdefault(entry.lane, entry)
        return tuple([lane for lane, entry in first.items() if _is_due(entry, now)][:limit])

    async def begun(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._by_id(Entry) if entry.state == "ready" and entry.boot is not None)

    async def waiting(self, tenant: TenantId, person: PersonId) -> int:
        found = (
            self._one(Message, entry.message)
            for entry in self._all(Entry)
            if entry.tenant == tenant and entry.queue == "inbox" and entry.state in ("ready", "held")
        )
        return sum(message is not None and message.person == person for message in found)

    async def counts(self) -> Mapping[str, int]:
        return Counter(f"{entry.queue}.{entry.state}" for entry in self._all(Entry) if entry.state != "done")

    async def lengths(self, queue: Queue) -> Mapping[str, int]:
        waiting = (entry for entry in self._all(Entry) if entry.state in ("ready", "held"))
        return Counter(entry.lane for entry in waiting if entry.queue == queue)

    async def dead(self, tenant: TenantId, limit: int) -> tuple[Entry, ...]:
        found = [entry for entry in self._by_id(Entry) if entry.tenant == tenant and entry.state == "dead"]
        return tuple(reversed(_last(found, limit)))

    # --- events, corrections, replays

    async def events(self, tenant: TenantId, person: PersonId, *, after: int, limit: int) -> tuple[Event, ...]:
        found = [
            event
            for event in self._all(Event)
            if (event.tenant, event.person) == (tenant, person) and event.seq > after
        ]
        return tuple(sorted(found, key=lambda event: event.seq)[:limit])

    async def last_event(self) -> int:
        self._check_open()
        return self._seq

    async def forget_events(self, before: datetime) -> int:
        old = [event for event in self._all(Event) if event.created_at < before]
        await self.commit(*map(Remove, old))
        return len(old)

    async def forget_replays(self, before: datetime) -> int:
        old = [replay for replay in self._all(Replay) if replay.created_at < before]
        await self.commit(*map(Remove, old))
        return len(old)

    async def corrections(self, tenant: TenantId, limit: int) -> tuple[Correction, ...]:
        found = [correction for correction in self._by_id(Correction) if correction.tenant == tenant]
        return tuple(reversed(_last(found, limit)))

    async def replay(self, key: KeyId, name: str) -> Replay | None:
        return self._one(Replay, key, name)

    async def backup(self, path: str) -> None:
        self._check_open()
        kept = {kind.__name__: list(records.values()) for kind, records in self._kept.items()}
        await asyncio.to_thread(Path(path).write_bytes, msgspec.json.encode(kept))

    # --- how records are kept

    def _do(self, change: Change, undo: list[Callable[[], None]]) -> Event | None:
        match change:
            case Add(Event() as event):
                self._seq += 1
                event = replace(event, seq=self._seq)
                self._keep(event, undo)
                return event
            case Add(record):
                if identity(record) in self._kept[type(record)]:
                    raise Duplicate(f"{named(record)} is already kept")
                self._keep(record, undo)
            case Save(record):
                self._keep(self._next(record), undo)
            case Remove(record):
                old = self._kept[type(record)].get(identity(record))
                if old:
                    self._drop(old, undo)
        return None

    def _next(self, record: Record) -> Record:
        old = self._kept[type(record)].get(identity(record))
        if old is None:
            raise Conflict(f"{named(record)} isn't kept")
        if isinstance(record, Task | Entry) and isinstance(old, Task | Entry):
            if record.revision != old.revision:
                raise Conflict(f"{named(record)} is at revision {old.revision}, not {record.revision}")
            return replace(record, revision=record.revision + 1)
        return record

    def _keep(self, record: Record, undo: list[Callable[[], None]]) -> None:
        kind, id, name = type(record), identity(record), natural_key(record)
        if name is not None and self._named.get((kind, name), id) != id:
            raise Duplicate(f"another {kind.__name__.lower()} has the natural key of {named(record)}")
        old = self._kept[kind].get(id)
        if old:
            self._drop(old, undo)
        self._put(record)
        undo.append(lambda: self._take(record))

    def _drop(self, record: Record, undo: list[Callable[[], None]]) -> None:
        self._take(record)
        undo.append(lambda: self._put(record))

    def _put(self, record: Record) -> None:
        self._kept[type(record)][identity(record)] = record
        if (name := natural_key(record)) is not None:
            self._named[type(record), name] = identity(record)

    def _take(self, record: Record) -> None:
        del self._kept[type(record)][identity(record)]
        if (name := natural_key(record)) is not None:
            del self._named[type(record), name]

    # --- how records are found

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _all(self, kind: type[R]) -> Iterable[R]:
        self._check_open()
        return [record for record in self._kept[kind].values() if isinstance(record, kind)]

    def _by_id(self, kind: type[R]) -> list[R]:
        return sorted(self._all(kind), key=identity)

    def _one(self, kind: type[R], *id: str | int) -> R | None:
        self._check_open()
        record = self._kept[kind].get(id)
        return record if isinstance(record, kind) else None

    def _by_name(self, kind: type[R], *name: str | int) -> R | None:
        self._check_open()
        id = self._named.get((kind, name))
        return self._one(kind, *id) if id else None


def _last(found: list[R], limit: int) -> list[R]:
    return found[max(0, len(found) - limit) :]


def _same_chat(one: Address, other: Address) -> bool:
    return (one.bridge, one.chat) == (other.bridge, other.chat)


def _is_due(entry: Entry, now: datetime) -> bool:
    return entry.due_at is None or entry.due_at <= now
