"""Brings a database to the schema of this version, and refuses one from a newer version."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, table
from sqlalchemy import column as named_column

from hub.errors import StartError
from hub.store.sqlite import check, copy, moved_in_when_whole, writing

HEAD = "0001"
"""The newest migration. Written here so that a start with nothing to migrate needn't load alembic (0.4 s, 13 MB)."""


def bring_up_to_date(database: Path) -> None:
    """Make the database if there is none, or upgrade it after copying it to `<name>.before-<revision>`.

    Raises StartError if the file is damaged, isn't the hub's, or was written by a newer version.
    """
    check(database)
    if not database.exists():
        with moved_in_when_whole(database) as unfinished:
            _upgrade(unfinished)
        return
    revision = _revision(database)
    if revision == HEAD:
        return
    if revision not in _known():
        raise StartError(
            f"{database}: written by a newer AgentHost (schema {revision}, this one knows up to {HEAD});"
            " upgrade AgentHost, or restore a backup made by this version"
        )
    copy(database, database.with_name(f"{database.name}.before-{revision}"))
    _upgrade(database)


def _revision(database: Path) -> str:
    engine = writing(database)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                raise StartError(f"{database}: isn't AgentHost's database; name another file or data folder")
            version = table("alembic_version", named_column("version_num"))
            return str(connection.execute(select(version.c.version_num)).scalar_one())
    finally:
        engine.dispose()


def _upgrade(database: Path) -> None:
    engine = writing(database)
    try:
        _run(engine)
    finally:
        engine.dispose()


def _run(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - see HEAD

    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def _known() -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see HEAD

    return {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}


def _config(connection: Connection | None):  # type: ignore[no-untyped-def]
    from alembic.config import Config  # noqa: PLC0415 - see HEAD

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
