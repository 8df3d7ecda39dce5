"""A record <-> a row: the same fields by the same names, with an Address laid out over three columns."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, Table

from hub.records import (
    Address,
    Correction,
    Entry,
    Event,
    Follow,
    Installation,
    Key,
    Link,
    Message,
    Package,
    Pairing,
    Pause,
    Person,
    Pin,
    Posting,
    Record,
    Replay,
    Step,
    Taint,
    Task,
    Thread,
    Transition,
    Turn,
)
from hub.store import package_tables, tables

R = TypeVar("R", bound=Record)

TABLES: dict[type, Table] = {
    Person: tables.persons,
    Link: tables.links,
    Key: tables.keys,
    Pairing: tables.pairings,
    Package: package_tables.packages,
    Installation: package_tables.installations,
    Pin: package_tables.pins,
    Pause: package_tables.pauses,
    Taint: package_tables.taints,
    Message: tables.messages,
    Posting: tables.postings,
    Correction: tables.corrections,
    Task: tables.tasks,
    Thread: tables.threads,
    Follow: tables.follows,
    Transition: tables.transitions,
    Turn: tables.turns,
    Step: tables.steps,
    Entry: tables.entries,
    Event: tables.events,
    Replay: tables.replays,
}
EVERY: dict[str, Table] = {table.name: table for table in (*TABLES.values(), tables.counters, tables.documents)}
"""All tables by name, those that keep no records too."""
ADDRESSES: dict[type, str] = {Message: "address", Task: "origin"}
"""The field that is laid out over bridge, chat and thread."""


def row_of(record: Record) -> dict[str, Any]:
    """Return a record as the values of its table's columns."""
    kind = type(record)
    row = {name: getattr(record, name) for name in kind.__struct_fields__}
    if kind in ADDRESSES:
        address: Address = row.pop(ADDRESSES[kind])
        row |= {"bridge": address.bridge, "chat": address.chat, "thread": address.thread}
    return row


def record_of(kind: type[R], row: Row[Any]) -> R:
    """Return the record that a row was made of."""
    values = dict(row._mapping)
    if kind in ADDRESSES:
        chat = {name: values.pop(name) for name in ("bridge", "chat", "thread")}
        values[ADDRESSES[kind]] = Address(**chat)
    return kind(**values)


def columns_of(kind: type[Record]) -> Sequence[Any]:
    """Return the columns that make up a record, in the table's order."""
    table = TABLES[kind]
    return [column for column in table.columns if table is not tables.entries or column.name != "person"]
