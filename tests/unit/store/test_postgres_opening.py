"""Opening a database on PostgreSQL: made once however many hubs start, never over another's, and refused in words."""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url

from hub.errors import StartError
from hub.ports import Add
from hub.records import HOME
from hub.store.postgres import PostgresStore
from hub.store.postgres_schema import bring_up_to_date
from hub.store.postgres_server import writing
from hub.store.schema import SCHEMA, Schema
from hub.store.tabling import metadata
from hub.testing import a_person
from tests.postgres.server import PASSWORD, Server


async def refusal(url: str) -> str:
    """Return the words of the StartError that opening ends in."""
    with pytest.raises(StartError) as caught:
        await PostgresStore(make_url(url)).open()
    assert str(caught.value).startswith("store.url: ")
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


# --- what keeps a hub from starting


async def test_a_server_that_is_not_there_is_told_with_the_way_out() -> None:
    words = await refusal(f"postgresql://ann:{PASSWORD}@127.0.0.1:1/hub")
    assert "127.0.0.1:1 can't be reached" in words
    assert "start PostgreSQL there" in words


async def test_a_host_that_nobody_has_is_told_by_its_name() -> None:
    assert "no server is called nowhere.invalid" in await refusal(f"postgresql://a:{PASSWORD}@nowhere.invalid/hub")


async def test_a_wrong_password_is_told_and_not_shown(postgres: Server) -> None:
    words = await refusal(postgres.url("postgres", password="wrong-wrong"))
    assert "refuses the password of postgres" in words
    assert "wrong-wrong" not in words


async def test_a_database_that_is_not_there_is_told_with_how_it_is_made(postgres: Server) -> None:
    words = await refusal(postgres.url("nothing"))
    assert "CREATE DATABASE nothing OWNER postgres" in words


async def test_a_user_without_rights_is_told_with_how_to_give_them(empty_database: str, postgres: Server) -> None:
    name = make_url(empty_database).database
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'weak-weak'")
    try:
        words = await refusal(postgres.url(str(name), user=str(name), password="weak-weak"))
    finally:
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {name}")
    assert "permission denied" in words
    assert f"ALTER DATABASE {name} OWNER TO {name}" in words


async def test_a_database_that_cannot_keep_every_letter_is_refused(postgres: Server) -> None:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS agenthost_test_latin")
        connection.execute(
            "CREATE DATABASE agenthost_test_latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        )
    url = postgres.url("agenthost_test_latin")
    try:
        assert "encoding is LATIN1" in await refusal(url)
    finally:
        postgres.drop(url)


async def test_a_newer_versions_database_is_refused(empty_database: str) -> None:
    store = PostgresStore(make_url(empty_database))
    await store.open()
    await store.close()
    with psycopg.connect(empty_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    words = await refusal(empty_database)
    assert "newer AgentHost (schema 9999" in words
    assert "upgrade AgentHost" in words


async def test_another_programs_tables_are_left_alone(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE tasks (id int)")
    assert "has a table tasks that isn't AgentHost's" in await refusal(empty_database)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


# --- migrations


def test_the_migrations_lead_to_the_tables(hub_database: str) -> None:
    engine = writing(make_url(hub_database))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = {row[0] for row in connection.exec_driver_sql("SELECT indexname FROM pg_indexes")}
    engine.dispose()
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= made


def test_texts_are_in_the_order_of_their_code_points_whatever_the_databases_language_is(hub_database: str) -> None:
    with psycopg.connect(hub_database) as connection:
        found = connection.execute("SELECT x FROM (VALUES ('a'), ('B'), ('é'), ('z')) AS t (x) ORDER BY x").fetchall()
        assert [row[0] for row in found] == ["a", "B", "é", "z"], "the tests' server speaks English"
        insert = "INSERT INTO persons VALUES ('t', %s, '', 'user', 1)"
        for id in ("a", "B", "é", "z"):
            connection.execute(insert, [id])
        found = connection.execute("SELECT id FROM persons ORDER BY id").fetchall()
        assert [row[0] for row in found] == ["B", "a", "z", "é"]
        for table in metadata.tables.values():
            lax = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND data_type = 'text'"
                " AND collation_name IS DISTINCT FROM 'C'",
                [table.name],
            )
            assert (table.name, lax.fetchall()) == (table.name, [])


async def test_hubs_that_start_at_once_make_the_tables_once(empty_database: str) -> None:
    stores = [PostgresStore(make_url(empty_database)) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    person = a_person()
    await stores[0].commit(Add(person))
    assert [await store.people(HOME) for store in stores] == [(person,)] * 4
    for store in stores:
        await store.close()


def newer(folder: Path, upgrade: str) -> Schema:
    """Return a schema with one migration more."""
    shutil.copytree(SCHEMA.migrations, folder, ignore=shutil.ignore_patterns("__pycache__"))
    script = f"from alembic import op\nrevision = 'next'\ndown_revision = {SCHEMA.head!r}\n\ndef upgrade():\n"
    (folder / "versions" / "next.py").write_text(script + f"    {upgrade}\n")
    return Schema(migrations=folder, head="next")


def columns(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'persons'")
        return {row[0] for row in found}


def test_an_upgrade_that_fails_changes_nothing(postgres: Server, template: str, tmp_path: Path) -> None:
    upgrade = "op.execute('ALTER TABLE persons ADD COLUMN mood TEXT'); op.execute('ALTER TABLE none ADD COLUMN x')"
    with postgres.database(template) as url:
        engine = writing(make_url(url))
        with pytest.raises(StartError, match="as it was"):
            bring_up_to_date(engine, newer(tmp_path / "migrations", upgrade))
        assert "mood" not in columns(url)
        bring_up_to_date(engine)
        engine.dispose()


UPGRADING = """
import sys
from pathlib import Path
from sqlalchemy import make_url
from hub.store.postgres_schema import bring_up_to_date
from hub.store.postgres_server import writing
from hub.store.schema import Schema
bring_up_to_date(writing(make_url(sys.argv[1])), Schema(migrations=Path(sys.argv[2]), head="next"))
"""


@pytest.mark.faults
def test_an_upgrade_that_is_killed_changes_nothing_and_the_next_start_does_it(
    postgres: Server, template: str, tmp_path: Path
) -> None:
    added = "op.execute('ALTER TABLE persons ADD COLUMN mood TEXT')"
    newer(tmp_path / "slow", f"{added}; print('half', flush=True); import time; time.sleep(60)")
    with postgres.database(template) as url:
        command = [sys.executable, "-c", UPGRADING, url, str(tmp_path / "slow")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"half\n"
            process.send_signal(signal.SIGKILL)
        assert "mood" not in columns(url)
        engine = writing(make_url(url))
        bring_up_to_date(engine, newer(tmp_path / "whole", added))
        engine.dispose()
        assert "mood" in columns(url)
