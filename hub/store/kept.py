"""Records in memory: committed all or none, found by their identity and their natural key."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from hub.errors import Conflict, Duplicate, StoreUnavailable
from hub.ports import Add, Change, Count, Remove, Save
from hub.records import (
    Chain,
    Deed,
    Event,
    Record,
    Taken,
    chained,
)
from hub.records.usage import plus
from hub.store.keys import REVISED, Identity, identity, named, natural_key

R = TypeVar("R", bound=Record)


class Kept:
    """What a memory store holds."""

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

    # --- how records are kept

    def _do(self, change: Change, undo: list[Callable[[], None]]) -> Event | None:
        match change:
            case Add(Event() as event):
                self._seq += 1
                event = replace(event, seq=self._seq)
                self._keep(event, undo)
                return event
            case Add(Deed() as deed):
                self._chain(deed, undo)
            case Add(record):
                if identity(record) in self._kept[type(record)]:
                    raise Duplicate(f"{named(record)} is already kept")
                self._keep(record, undo)
            case Save(record):
                self._keep(self._next(record), undo)
            case Count(record):
                before = self._kept[Taken].get(identity(record))
                self._keep(plus(before, record) if isinstance(before, Taken) else record, undo)
            case Remove(record):
                old = self._kept[type(record)].get(identity(record))
                if old:
                    self._drop(old, undo)
        return None

    def _chain(self, deed: Deed, undo: list[Callable[[], None]]) -> None:
        head = self._one(Chain, deed.tenant) or Chain(tenant=deed.tenant)
        deed = chained(deed, head)
        self._keep(deed, undo)
        self._keep(Chain(tenant=deed.tenant, seq=deed.seq, hash=deed.hash), undo)

    def _next(self, record: Record) -> Record:
        old = self._kept[type(record)].get(identity(record))
        if old is None:
            raise Conflict(f"{named(record)} isn't kept")
        if isinstance(record, REVISED) and isinstance(old, REVISED):
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
