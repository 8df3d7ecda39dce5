"""Brings a database on PostgreSQL to the schema of this version, however many processes start at once."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from hub.errors import StartError
from hub.store.postgres_server import look_at
from hub.store.schema import SCHEMA, Schema, known, newer, upgrade

LOCK = 0x4167656E74486F73
"""Whoever changes the schema holds this advisory lock: "AgentHos" in ASCII."""


def bring_up_to_date(engine: Engine, schema: Schema = SCHEMA) -> None:
    """Make the tables, or upgrade them, in one transaction: killed in the middle, the database is as it was.

    Of several processes one does it and the others wait. Raises StartError if it's somebody else's, or was written
    by a newer version, or if the upgrade fails; DBAPIError if it can't be reached or its user lacks the rights.
    """
    with engine.connect() as connection:
        look_at(connection, schema.key)
        if revision_of(connection, schema) == schema.head:
            return
    try:
        with engine.begin() as connection:
            hold(connection)
            make_or_upgrade(connection, schema)
    except SQLAlchemyError as error:
        if getattr(getattr(error, "orig", None), "sqlstate", "") == "42501":
            raise
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise StartError(
            f"{schema.key}: can't be brought to schema {schema.head} ({reason}); it's as it was"
        ) from error


def hold(connection: Connection) -> None:
    """Keep others from changing the schema until the transaction's end, after waiting for one who does."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def make_or_upgrade(connection: Connection, schema: Schema) -> None:
    """Bring the tables to a schema, in a transaction that has the `hold`; raises StartError."""
    revision = revision_of(connection, schema)
    if revision == schema.head:
        return
    if revision is None:
        if found := sorted(set(inspect(connection).get_table_names()) & schema.tables):
            raise StartError(
                f"{schema.key}: has a table {found[0]} that isn't {schema.owner}'s;"
                " name a database, or a schema, of its own"
            )
    elif revision not in known(schema):
        raise newer(schema.key, revision, schema)
    upgrade(connection, schema)
    _sort_by_code_points(connection, schema.tables)


def revision_of(connection: Connection, schema: Schema = SCHEMA) -> str | None:
    """Return which schema a database has; None if it has none of this kind."""
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": schema.revisions}).scalar_one() is None:
        return None
    query = f"SELECT version_num FROM {schema.revisions}"  # noqa: S608 - a name of ours
    return connection.execute(text(query)).scalar_one_or_none()


def _sort_by_code_points(connection: Connection, tables: Collection[str]) -> None:
    """Have all texts compared as SQLite and Python do, whatever the database's language is."""
    found = connection.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        )
    ).all()
    quote = connection.dialect.identifier_preparer.quote
    changed: dict[str, list[str]] = {}
    for table, column in found:
        if table in tables:
            changed.setdefault(table, []).append(f'ALTER COLUMN {quote(column)} TYPE text COLLATE "C"')
    for table, columns in changed.items():
        connection.execute(text(f"ALTER TABLE {quote(table)} {', '.join(columns)}"))
