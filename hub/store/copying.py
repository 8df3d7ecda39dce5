"""Copies a hub's records from one database to another, whichever kinds they are, and proves that they're the same.

Rows are copied as the databases keep them, not as records: nothing is decoded, and nothing is lost on the way.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Connection, MetaData, Table, delete, func, insert, select
from sqlalchemy.types import TypeDecorator, TypeEngine

from hub.errors import StoreError
from hub.store import sqlite
from hub.store.columns import keepable
from hub.store.disk import sync
from hub.store.rows import EVERY
from hub.store.schema import bring_up_to_date
from hub.store.tables import WRITER, counters, documents

BATCH = 1000


class Copied(Struct, frozen=True):
    """What a table holds: how many rows, and a digest over all that's in them."""

    rows: int
    digest: str


def copy_rows(source: Connection, target: Connection) -> Mapping[str, Copied]:
    """Copy all tables within the transactions that were begun, read them again on the other side, and compare.

    Both have this version's schema, and the target no records. Raises StoreError if what arrived isn't what was sent.
    """
    copied = {}
    # The other side's counter is from its making, and stands in the way of the one that's copied.
    target.execute(delete(counters))
    for name, table in PLAIN.items():
        sent = _Digest()
        for batch in _batches(source, table):
            sent.add(batch)
            target.execute(insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in batch])
        copied[name] = sent.copied
        arrived = digest_of(target, table)
        if arrived != sent.copied:
            raise StoreError(
                f"{name}: {sent.copied.rows} rows were sent and {arrived.rows} arrived, or not as they were"
            )
    return copied


def digest_of(connection: Connection, table: Table) -> Copied:
    """Return what a table holds."""
    found = _Digest()
    for batch in _batches(connection, table):
        found.add(batch)
    return found.copied


def records_in(connection: Connection) -> str | None:
    """Return the name of a table that has rows, if one has; counters don't count."""
    for name, table in {**PLAIN, documents.name: documents}.items():
        if name != counters.name and connection.execute(select(func.count()).select_from(table)).scalar_one():
            return name
    return None


def write_sqlite(source: Connection, target: Path) -> Mapping[str, Copied]:
    """Write a SQLite copy of what a connection sees; the target appears whole or not at all."""
    unfinished = target.with_name(target.name + ".part")
    _remove(unfinished)
    try:
        bring_up_to_date(unfinished)
        engine = sqlite.writing(unfinished)
        try:
            with engine.begin() as copy:
                copied = copy_rows(source, copy)
        finally:
            engine.dispose()
        sqlite.settle(unfinished)
        unfinished.replace(target)
        sync(target.parent)
    except BaseException:
        _remove(unfinished)
        raise
    return copied


def _remove(database: Path) -> None:
    for name in (database.name, database.name + "-wal", database.name + "-shm"):
        database.with_name(name).unlink(missing_ok=True)


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[tuple[Any, ...]]]:
    asked = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    if table.name == counters.name:
        asked = asked.where(~table.c.name.startswith(WRITER))
    for rows in connection.execute(asked).partitions():
        # What an older version kept may have what this one keeps no more.
        yield [tuple([keepable(value) if isinstance(value, str) else value for value in row]) for row in rows]


class _Digest:
    """A digest over rows in the order of their keys."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = sha256()
        self._encoder = msgspec.msgpack.Encoder()

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows += len(rows)
        for row in rows:
            self._hash.update(self._encoder.encode(row))

    @property
    def copied(self) -> Copied:
        return Copied(self._rows, self._hash.hexdigest())


def _plain(table: Table) -> Table:
    """Return a table whose values are as the database keeps them."""
    columns = [Column(column.name, _kept_as(column), primary_key=column.primary_key) for column in table.columns]
    return Table(table.name, MetaData(), *columns)


def _kept_as(column: Column[Any]) -> TypeEngine[Any]:
    kind = column.type
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


PLAIN = {name: _plain(table) for name, table in sorted(EVERY.items()) if table is not documents}
"""Documents have a way of their own: over SQLite they are files."""
