"""Queries that are made once for each way of asking, and then answered by the driver alone.

Making a query and having it looked at by SQLAlchemy takes ten times as long as SQLite takes to find a row by an index.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import bindparam
from sqlalchemy.dialects import sqlite

from hub.records import Address, Record
from hub.store.queries import Query
from hub.store.rows import ADDRESSES

R = TypeVar("R", bound=Record)
Convert = Callable[[Any], Any] | None
_VALUES = {str, int, float, datetime}
_DIALECT = sqlite.dialect(paramstyle="qmark")


class Plan(Struct, frozen=True):
    """A query in the database's own words."""

    sql: str
    binds: tuple[tuple[str, Any, Convert], ...]
    """What goes in, in order: what it's called, or nothing and the value itself; and how it's converted."""
    columns: tuple[str, ...]
    conversions: tuple[tuple[str, Callable[[Any], Any]], ...]
    """The columns whose values aren't records' fields as they come, where there's one."""

    def records(self, connection: sqlite3.Connection, kind: type[R], given: Mapping[str, object]) -> tuple[R, ...]:
        """Return the records that are found for what's given."""
        return tuple([_record(kind, self._fields(row)) for row in self._rows(connection, given)])

    def values(self, connection: sqlite3.Connection, given: Mapping[str, object]) -> list[Any]:
        """Return the first value of each row that's found."""
        return [next(iter(self._fields(row).values())) for row in self._rows(connection, given)]

    def _rows(self, connection: sqlite3.Connection, given: Mapping[str, object]) -> list[Any]:
        values = [
            fixed if not name else convert(given[name]) if convert else given[name]
            for name, fixed, convert in self.binds
        ]
        return connection.execute(self.sql, values).fetchall()

    def _fields(self, row: Sequence[Any]) -> dict[str, Any]:
        fields = dict(zip(self.columns, row, strict=True))
        for name, convert in self.conversions:
            if (value := fields[name]) is not None:
                fields[name] = convert(value)
        return fields


class Plans:
    """Remembers plans: by what makes a query, and which of its values are there at all."""

    def __init__(self) -> None:
        self._known: dict[object, Plan] = {}

    def find(
        self, connection: sqlite3.Connection, kind: type[R], build: Callable[..., Query], *args: object, **named: object
    ) -> tuple[R, ...]:
        """Return the records that a query finds, which `build` makes of these values."""
        plan, given = self._plan(build, args, named)
        return plan.records(connection, kind, given)

    def values(self, connection: sqlite3.Connection, build: Callable[..., Query], *args: object) -> list[Any]:
        """Return the first value of each row that a query finds, which `build` makes of these values."""
        plan, given = self._plan(build, args, {})
        return plan.values(connection, given)

    def ask(
        self, connection: sqlite3.Connection, kind: type[R], query: Query, given: Mapping[str, object]
    ) -> tuple[R, ...]:
        """Return the records that a query finds, which lives as long as the hub and is given its values by name."""
        if (plan := self._known.get(query)) is None:
            plan = self._known[query] = _plan(query, given)
        return plan.records(connection, kind, given)

    def _plan(
        self, build: Callable[..., Query], args: Sequence[object], named: Mapping[str, object]
    ) -> tuple[Plan, dict[str, object]]:
        given: dict[str, object] = {}
        shape = (build, *[_shape(each, given) for each in args], *named, *[_shape(v, given) for v in named.values()])
        if (plan := self._known.get(shape)) is None:
            names = iter(given)
            query = build(*(_open(each, names) for each in args), **{k: _open(v, names) for k, v in named.items()})
            plan = self._known[shape] = _plan(query, given)
        return plan, given


def _shape(value: object, given: dict[str, object]) -> object:
    """Return what a query looks like for a value, and take note of the value."""
    if type(value) in _VALUES:
        given[f"v{len(given)}"] = value
        return "?"
    if isinstance(value, Address):
        return tuple([_shape(each, given) for each in (value.bridge, value.chat, value.thread)])
    return value


def _open(value: object, names: Iterator[str]) -> Any:
    """Return what stands in a query for a value that's given later."""
    if isinstance(value, Address):
        bridge, chat, thread = [_open(each, names) for each in (value.bridge, value.chat, value.thread)]
        return Address(bridge=bridge, chat=chat, thread=thread)
    if type(value) in _VALUES:
        return bindparam(next(names), None)
    return value


def _plan(query: Query, given: Mapping[str, object]) -> Plan:
    compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    binds: list[tuple[str, Any, Convert]] = []
    for name in compiled.positiontup or ():
        if name in given:
            kind = compiled.binds[name].type.dialect_impl(_DIALECT)
            binds.append((name, None, kind.bind_processor(_DIALECT)))
        else:
            # Of a list's items only the query itself knows.
            fixed = compiled.binds[name].value if name in compiled.binds else compiled.params[name]
            binds.append(("", fixed, None))
    columns = list(query.selected_columns)
    conversions = [
        (column.name, column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)) for column in columns
    ]
    return Plan(
        sql=str(compiled),
        binds=tuple(binds),
        columns=tuple(column.name for column in columns),
        conversions=tuple((name, convert) for name, convert in conversions if convert is not None),
    )


def _record(kind: type[R], values: dict[str, Any]) -> R:
    if kind in ADDRESSES:
        chat = {name: values.pop(name) for name in ("bridge", "chat", "thread")}
        values[ADDRESSES[kind]] = Address(**chat)
    return kind(**values)
