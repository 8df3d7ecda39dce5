"""Brings a database to the schema of this version, and refuses one from a newer version.

The hub's, and the registry's as well, which has tables and migrations of its own.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.errors import StartError
from hub.store.rows import EVERY
from hub.store.sqlite import check, copy, moved_in_when_whole, writing


class Schema(Struct, frozen=True, kw_only=True):
    """Where the migrations lie, and the newest of them; whose, and how to tell."""

    migrations: Path
    head: str
    """Written down so that a start with nothing to migrate needn't load alembic (0.4 s, 13 MB)."""
    revisions: str = "alembic_version"
    """The table that tells a database's revision; each service has one of its own, so that none takes another's."""
    tables: frozenset[str] = frozenset(EVERY)
    owner: str = "AgentHost"
    """Whose they are, in messages."""
    key: str = "store.url"
    """What names the database in the config."""


SCHEMA = Schema(migrations=Path(__file__).parent / "migrations", head="0020")


def bring_up_to_date(database: Path, schema: Schema = SCHEMA) -> None:
    """Make the database if there is none, or upgrade it after copying it to `<name>.before-<revision>`.

    Raises StartError if the file is damaged, is somebody else's, or was written by a newer version, or if the upgrade
    fails; then it's as it was.
    """
    check(database)
    try:
        if database.exists():
            _upgrade_old(database, schema)
        else:
            with moved_in_when_whole(database) as unfinished:
                _upgrade(unfinished, schema)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StartError(f"{database}: can't be brought to schema {schema.head} ({error}); it's as it was") from error


def _upgrade_old(database: Path, schema: Schema) -> None:
    revision = _revision(database, schema)
    if revision == schema.head:
        return
    if revision not in known(schema):
        raise newer(str(database), revision, schema)
    copy(database, database.with_name(f"{database.name}.before-{revision}"))
    _upgrade(database, schema)


def newer(database: str, revision: str, schema: Schema) -> StartError:
    """Say that a database isn't this version's."""
    return StartError(
        f"{database}: written by a newer AgentHost (schema {revision}, this one knows up to {schema.head});"
        " upgrade AgentHost, or restore a backup made by this version"
    )


def _revision(database: Path, schema: Schema) -> str:
    # Over a plain connection: the engine's would turn somebody else's database to write-ahead logging.
    with closing(sqlite3.connect(database, timeout=5)) as connection:
        try:
            [revision] = connection.execute(f"SELECT version_num FROM {schema.revisions}").fetchone()  # noqa: S608 - a name of ours
        except (sqlite3.OperationalError, TypeError):
            raise StartError(f"{database}: isn't {schema.owner}'s database; name another file or data folder") from None
    return str(revision)


def _upgrade(database: Path, schema: Schema) -> None:
    engine = writing(database)
    try:
        with engine.begin() as connection:
            upgrade(connection, schema)
    finally:
        engine.dispose()


def upgrade(connection: Connection, schema: Schema = SCHEMA) -> None:
    """Take the steps that are left, in the transaction that was begun."""
    from alembic import command  # noqa: PLC0415 - see Schema.head

    command.upgrade(_config(schema, connection), "head")


def known(schema: Schema = SCHEMA) -> set[str]:
    """Return the revisions that this version knows."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see Schema.head

    return {script.revision for script in ScriptDirectory.from_config(_config(schema, None)).walk_revisions()}


def _config(schema: Schema, connection: object) -> Any:
    from alembic.config import Config  # noqa: PLC0415 - see Schema.head

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    return config
