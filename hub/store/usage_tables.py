"""The table of what was taken; made as those of tables.py."""

from sqlalchemy import PrimaryKeyConstraint, Table, literal_column
from sqlalchemy.sql.elements import ColumnElement

from hub.store.columns import a_count, a_text
from hub.store.tabling import an_index, metadata

BY_KEY: ColumnElement[bool] = literal_column("key <> ''")
taken = Table(
    "taken",
    metadata,
    a_text("tenant"),
    a_text("day"),
    a_text("person"),
    a_text("key"),
    a_text("agent"),
    a_count("messages"),
    a_count("turns"),
    a_count("tokens_in"),
    a_count("tokens_out"),
    a_count("money"),
    a_count("bytes"),
    PrimaryKeyConstraint("tenant", "day", "person", "key", "agent"),
    an_index("taken_by_person", "tenant", "person", "day"),
    an_index("taken_by_key", "tenant", "key", "day", where=BY_KEY),
)
