"""What all tables have in common."""

from sqlalchemy import Index, MetaData, literal_column
from sqlalchemy.sql.elements import ColumnElement

metadata = MetaData()


def within(column: str, *values: str) -> ColumnElement[bool]:
    """Compare with words written out: SQLite uses a partial index only if it reads the index's own words."""
    words = ", ".join(f"'{value}'" for value in values)
    return literal_column(f"{column} IN ({words})") if len(values) > 1 else literal_column(f"{column} = {words}")


def an_index(name: str, *columns: str, where: ColumnElement[bool] | None = None) -> Index:
    """Return an index of columns, of the rows alone that `where` names."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)
