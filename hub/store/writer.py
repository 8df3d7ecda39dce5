"""Group commit: all change sets that wait at a moment share one transaction, and one write to disk.

The sets of a group are concurrent, so any order among them is right. Those that touch different records are done
together, a table at a time, which costs a handful of statements for the whole group. If anything is amiss, the
transaction is rolled back and in another one each set is done by itself, in order, under its own savepoint: it succeeds
or fails on its own. (A savepoint for the group would spare that rarely, and cost each group as much as two statements.)
Deeds are chained and events numbered last of all: until the commit chain and counter are locked, and whoever else
writes one waits for it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Insert,
    Update,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import (
    DatabaseError,
    IntegrityError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)

from hub.errors import Conflict, Duplicate, StoreError
from hub.ports import Add, Change, Count, Remove, Save
from hub.records import Deed, Entry, Event, Record, Taken
from hub.records.usage import NUMBERS, plus
from hub.store.chaining import chain
from hub.store.keys import Identity, identity, named, natural_key
from hub.store.rows import TABLES, row_of
from hub.store.statements import Statements
from hub.store.tables import counters, entries, messages
from hub.store.usage_tables import taken

Changes = Sequence[Change]
Result = tuple[Event, ...] | StoreError
"""What became of a change set."""
Numbered = Event | Deed
"""What gets its number, or its place in a chain, when everything else of its group is done."""

N = TypeVar("N", Event, Deed)
_BAD_VALUES = (ValueError, TypeError, OverflowError)
"""What drivers raise for a value that no database takes, such as half a surrogate pair."""


class Amiss(Exception):
    """Something is wrong with sets that were done together: each is to be done by itself, in a new transaction."""


class Writer:
    """Writes groups over one connection, which is made afresh after a failure."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def write(self, sets: Sequence[Changes]) -> list[Result]:
        """Do each set or refuse it, in one transaction that's committed when this returns; a result for each.

        Raises DBAPIError, after `disconnect` is to be called; then nothing was kept.
        """
        connection = self.connected()
        try:
            with connection.begin():
                return fill(connection, sets)
        except Amiss:
            with connection.begin():
                return fill(connection, sets, apart=True)

    def connected(self) -> Connection:
        """Return the connection, as it was or a new one."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def disconnect(self) -> None:
        """Let go of the connection, whatever state it is in."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let go of the connection for good."""
        self.disconnect()


def fill(connection: Connection, sets: Sequence[Changes], *, apart: bool = False) -> list[Result]:
    """Do each set or refuse it, in the transaction that was begun; a result for each.

    Raises Amiss unless they're done `apart`: then the transaction is to be rolled back.
    """
    together, single = _divide(sets) if not apart else ([], range(len(sets)))
    try:
        done = _all(connection, {number: sets[number] for number in together})
    except (StatementError, Conflict, *_BAD_VALUES) as error:
        _raise_if_broken(error)
        raise Amiss from error
    for number in single:
        done[number] = _one(connection, sets[number])
    results = _numbered(connection, [done[number] for number in range(len(sets))])
    # After the events' numbers, which only one of several hubs takes at a time: nobody waits for each other in circles.
    _count(connection, [sets[number] for number, result in enumerate(results) if not isinstance(result, StoreError)])
    return results


def _divide(sets: Sequence[Changes]) -> tuple[Sequence[int], Sequence[int]]:
    """Tell the sets that touch no record twice, neither within nor between them, from the others."""
    touches = [list(_touches(changes)) for changes in sets]
    touched = Counter(touch for each in touches for touch in each)
    together, single = list[int](), list[int]()
    for number, changes in enumerate(sets):
        plain = not any(isinstance(change, Remove) for change in changes)
        alone = all(touched[touch] == 1 for touch in touches[number])
        (together if plain and alone else single).append(number)
    return together, single


def _touches(changes: Changes) -> Iterable[tuple[type, Identity]]:
    for change in changes:
        # What's numbered later has no identity yet, and what's counted is counted for all sets together.
        if not (_adds_numbered(change) or isinstance(change, Count)):
            yield type(change.record), identity(change.record)


def _adds_numbered(change: Change) -> bool:
    return isinstance(change, Add) and isinstance(change.record, Numbered)


def _all(connection: Connection, sets: dict[int, Changes]) -> dict[int, list[Numbered] | StoreError]:
    # Adds go first: where the order of adds and saves matters (a natural key is freed by a save and taken by an add),
    # that fails, and the sets are done apart. Messages go before the entries that copy from them.
    told: dict[int, list[Numbered] | StoreError] = {}
    adds, saves = defaultdict[type, list[Record]](list), defaultdict[type, list[Record]](list)
    for number, changes in sets.items():
        told[number] = [
            change.record for change in changes if isinstance(change, Add) and isinstance(change.record, Numbered)
        ]
        for change in changes:
            if isinstance(change, Save):
                saves[type(change.record)].append(change.record)
            elif isinstance(change, Add) and not _adds_numbered(change):
                adds[type(change.record)].append(change.record)
    for kind in TABLES:
        if kind in adds:
            _add(connection, _sorted(adds[kind]))
    for kind in TABLES:
        if kind in saves:
            _save(connection, _sorted(saves[kind]))
    return told


def _sorted(records: Sequence[Record]) -> Sequence[Record]:
    """Order them as every other writer does: two that lock the same rows the other way round wait for each other."""
    return sorted(records, key=lambda record: tuple(map(str, natural_key(record) or identity(record))))


def _one(connection: Connection, changes: Changes) -> list[Numbered] | StoreError:
    added = list[Numbered]()
    try:
        with connection.begin_nested():
            for change in changes:
                _do(connection, change, added)
    except IntegrityError:
        return Duplicate(f"already kept: one of {', '.join(named(change.record) for change in changes)}")
    except Conflict as conflict:
        return conflict
    except (StatementError, *_BAD_VALUES) as error:
        _raise_if_broken(error)
        return StoreError(f"can't be kept: {getattr(error, 'orig', error)}")
    return added


def _numbered(connection: Connection, sets: Sequence[list[Numbered] | StoreError]) -> list[Result]:
    """Add the deeds and events of the sets that were done, with the next numbers in the order of the sets."""
    chain(connection, [each for added in sets if not isinstance(added, StoreError) for each in _of(Deed, added)])
    done = [added if isinstance(added, StoreError) else _of(Event, added) for added in sets]
    count = sum(len(events) for events in done if not isinstance(events, StoreError))
    if not count:
        return [events if isinstance(events, StoreError) else () for events in done]
    last: int = connection.execute(_TAKE_NUMBERS, {"count": count}).scalar_one()
    numbers = iter(range(last - count + 1, last + 1))
    results = [
        events if isinstance(events, StoreError) else tuple(replace(event, seq=next(numbers)) for event in events)
        for events in done
    ]
    _add(connection, [event for events in results if not isinstance(events, StoreError) for event in events])
    return results


def _of(kind: type[N], added: Sequence[Numbered]) -> list[N]:
    return [each for each in added if isinstance(each, kind)]


def _count(connection: Connection, sets: Sequence[Changes]) -> None:
    """Add up what the sets count, and put each sum onto the row with its names: one statement for all of them."""
    sums: dict[Identity, Taken] = {}
    for changes in sets:
        for change in changes:
            if isinstance(change, Count):
                names = identity(change.record)
                sums[names] = plus(sums[names], change.record) if names in sums else change.record
    if sums:
        connection.execute(_upsert(connection.dialect.name), [row_of(sums[names]) for names in sorted(sums)])


@cache
def _upsert(dialect: str) -> Insert:
    """Return what adds a sum to the row that's there, or makes it: the database's own INSERT can."""
    add = _insert_for(dialect)(taken)
    grown = {name: taken.c[name] + add.excluded[name] for name in NUMBERS}
    upsert: Insert = add.on_conflict_do_update(index_elements=list(taken.primary_key), set_=grown)
    return upsert


def _insert_for(dialect: str) -> Any:
    if dialect == "postgresql":
        # Late: it takes a while to load, and a hub on SQLite needs none of it.
        from sqlalchemy.dialects.postgresql import insert as own  # noqa: PLC0415
    else:
        from sqlalchemy.dialects.sqlite import insert as own  # type: ignore[assignment]  # noqa: PLC0415
    return own


def _raise_if_broken(error: Exception) -> None:
    """Raise what is wrong with the database; let pass what is wrong with the values."""
    # PostgreSQL calls a value that's longer than an index can hold a limit of the program's (class 54).
    if str(getattr(getattr(error, "orig", None), "sqlstate", "")).startswith("54"):
        return
    if isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError:
        raise error


def _do(connection: Connection, change: Change, added: list[Numbered]) -> None:
    match change:
        case Add(Event() | Deed() as each):
            added.append(each)
        case Add(record):
            _add(connection, [record])
        case Save(record):
            _save(connection, [record])
        case Remove(record):
            _STATEMENTS.run(connection, (Remove, type(record)), lambda: _delete_of(type(record)), [_found(record)])
        case Count():
            pass  # with those of the other sets, once it's known which of them are kept


def _add(connection: Connection, records: Sequence[Record]) -> None:
    rows = [row_of(record) for record in records]
    kind = type(records[0])
    if kind is Entry:
        for row in rows:
            row["of_message"] = row["message"]
    _STATEMENTS.run(connection, (Add, kind), lambda: _insert_of(kind), rows)


def _save(connection: Connection, records: Sequence[Record]) -> None:
    rows, kind = [_changed(record) for record in records], type(records[0])
    if _STATEMENTS.run(connection, (Save, kind), lambda: _update_of(kind), rows) != len(records):
        which = named(records[0]) if len(records) == 1 else "a record"
        raise Conflict(f"{which} isn't kept, or was changed by somebody else since it was read")


def _changed(record: Record) -> dict[str, Any]:
    row = row_of(record) | _found(record)
    if "revision" in row:
        row |= {"old_revision": row["revision"], "revision": row["revision"] + 1}
    return row


def _found(record: Record) -> dict[str, Any]:
    columns = TABLES[type(record)].primary_key
    return {f"old_{column.name}": value for column, value in zip(columns, identity(record), strict=True)}


def _insert_of(kind: type) -> Insert:
    if kind is Entry:
        of = select(messages.c.person).where(messages.c.id == bindparam("of_message"))
        return insert(entries).values(person=of.scalar_subquery())
    return insert(TABLES[kind])


def _update_of(kind: type) -> Update:
    changed = update(TABLES[kind]).where(*_is(kind))
    if "revision" in TABLES[kind].c:
        changed = changed.where(TABLES[kind].c.revision == bindparam("old_revision"))
    return changed


def _delete_of(kind: type) -> Delete:
    return delete(TABLES[kind]).where(*_is(kind))


def _is(kind: type) -> list[ColumnElement[bool]]:
    return [column == bindparam(f"old_{column.name}") for column in TABLES[kind].primary_key]


_TAKE_NUMBERS = (
    update(counters)
    .where(counters.c.name == "events")
    .values(value=counters.c.value + bindparam("count", type_=BigInteger))
    .returning(counters.c.value)
)
_STATEMENTS = Statements()
