"""What all tables have in common."""

from typing import Any

from sqlalchemy import Index, Integer, MetaData, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

metadata = MetaData()


class Position(FunctionElement[int]):
    """Where a text stands in another, from 1; 0 if it isn't there."""

    name = "position"
    type = Integer()
    inherit_cache = True


@compiles(Position)
def _instr(element: Position, compiler: Any, **how: Any) -> str:
    return f"instr({compiler.process(element.clauses, **how)})"


@compiles(Position, "postgresql")
def _strpos(element: Position, compiler: Any, **how: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **how)})"


def within(column: str, *values: str) -> ColumnElement[bool]:
    """Compare with words written out: SQLite uses a partial index only if it reads the index's own words."""
    words = ", ".join(f"'{value}'" for value in values)
    return literal_column(f"{column} IN ({words})") if len(values) > 1 else literal_column(f"{column} = {words}")


def an_index(name: str, *columns: str, where: ColumnElement[bool] | None = None) -> Index:
    """Return an index of columns, of the rows alone that `where` names."""
    # Migrations make the tables, on PostgreSQL with the same rows. Were they named for it here, too, SQLAlchemy would
    # load all that it has for PostgreSQL, in every hub.
    return Index(name, *columns, sqlite_where=where)
