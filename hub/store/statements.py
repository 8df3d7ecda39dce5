"""Statements that are compiled once for each database, and then given rows and run by the driver alone.

SQLAlchemy takes as long to look at a statement and to prepare its values as SQLite does to write a row.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Delete, Dialect, Insert, Update

_Convert = Callable[[Any], Any]


class Statement(Struct, frozen=True):
    """A statement in a database's own words."""

    sql: str
    names: tuple[str, ...] | None
    """What the values are called, in order; None if the driver takes them by name."""
    conversions: tuple[tuple[str, _Convert], ...]

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Run it for each row; return how many rows it met. The rows' values become those of the database."""
        for row in rows:
            for name, convert in self.conversions:
                row[name] = convert(row[name])
        if self.names is None:
            return connection.exec_driver_sql(self.sql, list(rows)).rowcount
        return connection.exec_driver_sql(
            self.sql, [tuple([row[name] for name in self.names]) for row in rows]
        ).rowcount


class Statements:
    """Remembers statements by what they're made for and the database that they're for."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, object], Statement] = {}

    def run(
        self,
        connection: Connection,
        what: object,
        build: Callable[[], Insert | Update | Delete],
        rows: Sequence[dict[str, Any]],
    ) -> int:
        """Run the statement `what`, which `build` makes, for rows that all have the same columns; see Statement.run."""
        key = (connection.dialect.name, what)
        if (statement := self._known.get(key)) is None:
            statement = self._known[key] = _compiled(build(), connection.dialect, rows[0])
        return statement.run(connection, rows)


def _compiled(statement: Insert | Update | Delete, dialect: Dialect, row: Mapping[str, Any]) -> Statement:
    compiled = statement.compile(dialect=dialect, column_keys=list(row))
    processors = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
    }
    names = compiled.positiontup
    return Statement(
        sql=str(compiled),
        names=tuple(names) if names is not None else None,
        conversions=tuple((name, convert) for name, convert in processors.items() if convert is not None),
    )
