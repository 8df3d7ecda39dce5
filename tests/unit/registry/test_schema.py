"""A registry's database: made by migrations that lead to its tables, and never taken for a hub's."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, make_url

from hub.databases import database_of
from hub.errors import StartError
from hub.registry.schema import SHELF
from hub.registry.shelf import Shelf
from hub.registry.tables import metadata
from hub.sections import StoreConfig
from hub.store import postgres_schema, postgres_server, schema, sqlite
from hub.store.postgres import PostgresStore
from hub.store.sql import SqlStore

REWRITE = "a table was changed: run `python -m make.registry_schema`, or add a migration once a registry was released"


def differences(engine: Engine) -> list[object]:
    """Return in what a database differs from the tables, but for the full-text index."""

    def ours(_: object, name: str | None, kind: str, *others: object) -> bool:
        return not (kind == "table" and (name or "").startswith("searched_words"))

    with engine.connect() as connection:
        options = {"compare_type": True, "version_table": SHELF.revisions, "include_object": ours}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    return list(found)


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    schema.bring_up_to_date(tmp_path / "registry.db", SHELF)

    assert differences(sqlite.writing(tmp_path / "registry.db")) == [], REWRITE


def test_the_migrations_lead_to_the_tables_on_postgresql(empty_database: str) -> None:
    engine = postgres_server.writing(make_url(empty_database))
    postgres_schema.bring_up_to_date(engine, SHELF)

    assert differences(engine) == [], REWRITE
    with psycopg.connect(empty_database) as connection:
        lax = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        )
        assert lax.fetchall() == [], "texts are in the order of their code points"


def test_the_head_that_is_written_down_is_the_newest_migration() -> None:
    assert max(schema.known(SHELF)) == SHELF.head


def on_server(url: str) -> Shelf:
    return Shelf(database_of(StoreConfig(url=url), Path()))


async def test_a_registry_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    await opened_once(Shelf(tmp_path / "registry.db"))
    with closing(sqlite3.connect(tmp_path / "registry.db")) as connection:
        connection.execute("UPDATE registry_version SET version_num = '9999'")
        connection.commit()

    with pytest.raises(StartError, match="newer AgentHost"):
        await Shelf(tmp_path / "registry.db").open()


async def test_a_damaged_registry_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"something else" * 100)

    with pytest.raises(StartError, match="isn't a database"):
        await Shelf(tmp_path / "registry.db").open()

    assert (tmp_path / "registry.db").read_bytes() == b"something else" * 100


async def test_a_registry_in_use_is_not_opened_again(tmp_path: Path) -> None:
    first = Shelf(tmp_path / "registry.db")
    await first.open()

    with pytest.raises(StartError, match="in use by another registry"):
        await Shelf(tmp_path / "registry.db").open()

    await first.close()
    await opened_once(Shelf(tmp_path / "registry.db"))


async def test_a_hubs_database_is_not_taken_for_a_registrys_nor_the_other_way_round(tmp_path: Path) -> None:
    hub = SqlStore.in_folder(tmp_path)
    await hub.open()
    await hub.close()
    await opened_once(Shelf(tmp_path / "registry.db"))

    with pytest.raises(StartError, match="isn't an AgentHost registry's database"):
        await Shelf(tmp_path / "hub.db").open()
    with pytest.raises(StartError, match="isn't AgentHost's database"):
        await SqlStore(tmp_path / "registry.db").open()


async def test_on_one_server_too_neither_takes_the_others_tables(empty_database: str, hub_database: str) -> None:
    await opened_once(on_server(empty_database))

    with pytest.raises(StartError, match=r"registry\.database: has a table .* a schema, of its own"):
        await on_server(hub_database).open()
    with pytest.raises(StartError, match=r"store\.url: has a table .* a schema, of its own"):
        await PostgresStore(make_url(empty_database)).open()


async def test_a_registry_shares_a_hubs_database_in_a_schema_of_its_own(postgres_hub: Callable[[str], str]) -> None:
    shelf = on_server(postgres_hub("registry"))

    await opened_once(shelf)
    await opened_once(shelf)


@pytest.fixture
def postgres_hub(hub_database: str) -> Callable[[str], str]:
    """Return a URL of a schema in a hub's database."""

    def url(name: str) -> str:
        with psycopg.connect(hub_database) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")
        return f"{hub_database}?options=-csearch_path%3D{name}"

    return url


async def test_a_server_that_is_not_there_is_told_by_the_registrys_own_key() -> None:
    with pytest.raises(StartError, match=r"^registry\.database: 127\.0\.0\.1:1 can't be reached"):
        await on_server("postgresql://ann:secret-words@127.0.0.1:1/registry").open()


async def opened_once(shelf: Shelf) -> None:
    await shelf.open()
    await shelf.close()
