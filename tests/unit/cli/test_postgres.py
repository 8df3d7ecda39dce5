"""The command line over a hub on PostgreSQL: migrate, backup, restore, doctor; and no password in what's said."""

import asyncio
import json
import os
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from hub.__main__ import load as command
from hub.cli import examine
from hub.config import Config, load
from hub.ports import Add, Store
from hub.records import HOME
from hub.store.documents import FileDocuments
from hub.store.postgres import PostgresStore
from hub.store.postgres_documents import PostgresDocuments
from hub.store.sql import SqlStore
from hub.testing import a_message, a_person, a_task, an_entry
from tests.postgres.server import PASSWORD, Server


def agenthost(name: str, *words: str) -> Result:
    result = CliRunner().invoke(command(name), words, env={"COLUMNS": "200"})
    assert PASSWORD not in result.output
    return result


def a_config(folder: Path, url: str = "", data: str = "data") -> Path:
    path = folder / f"{data}.toml"
    path.write_text(f'[hub]\ndata = "{folder / data}"\n[store]\nurl = "{url}"\n', encoding="utf-8")
    return path


async def fill(store: Store, documents: FileDocuments | PostgresDocuments) -> None:
    await store.open()
    message = a_message()
    await store.commit(Add(a_person()), Add(a_task()), Add(message), Add(an_entry(message)))
    await documents.put("ann", "likes", {"tea": True})
    await store.close()


async def on_sqlite(folder: Path) -> Path:
    """Leave a stopped hub's data, with a file; return its config."""
    data = folder / "data"
    await fill(SqlStore.in_folder(data), FileDocuments(data / "documents"))
    (data / "files").mkdir()
    (data / "files" / "photo").write_bytes(b"\x00photo")
    return a_config(folder)


async def on_postgresql(folder: Path, url: str) -> Path:
    data = folder / "data"
    documents = PostgresDocuments(make_url(url))
    await fill(PostgresStore(make_url(url)), documents)
    await documents.close()
    (data / "files").mkdir(parents=True)
    (data / "files" / "photo").write_bytes(b"\x00photo")
    return a_config(folder, url)


async def kept(url: str) -> tuple[int, object]:
    """Return how many people there are in a database, and a document."""
    store, documents = PostgresStore(make_url(url)), PostgresDocuments(make_url(url))
    await store.open()
    try:
        return len(await store.people(HOME)), await documents.get("ann", "likes")
    finally:
        await store.close()
        await documents.close()


def rows(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found
    return int(found[0])


# --- migrate


async def test_a_hub_is_migrated_and_told_what_to_set(empty_database: str, tmp_path: Path) -> None:
    config = await on_sqlite(tmp_path)
    result = await asyncio.to_thread(agenthost, "migrate", "--to", empty_database, "--config", str(config))
    assert result.exit_code == 0, result.output
    assert "all are the same" in result.output
    assert f'url = "{empty_database.replace(f":{PASSWORD}", "")}"' in result.output
    assert await kept(empty_database) == (1, {"tea": True})
    again = await asyncio.to_thread(agenthost, "migrate", "--to", empty_database, "--config", str(config))
    assert again.exit_code == 1
    assert "isn't empty" in again.output


async def test_a_hub_is_migrated_back(hub_database: str, tmp_path: Path) -> None:
    config = await on_postgresql(tmp_path, hub_database)
    target = tmp_path / "back" / "hub.db"
    (tmp_path / "data" / "documents").mkdir()
    (tmp_path / "data" / "documents" / "stale.json").write_text("{}")
    result = await asyncio.to_thread(
        agenthost, "migrate", "--to", f"sqlite:///{target}", "--config", str(config), "--json"
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["tables"]["persons"]["rows"] == told["tables"]["documents"]["rows"] == 1
    store = SqlStore(target)
    await store.open()
    assert len(await store.people(HOME)) == 1
    await store.close()
    assert await FileDocuments(tmp_path / "data" / "documents").get("ann", "likes") == {"tea": True}
    assert not (tmp_path / "data" / "documents" / "stale.json").exists()
    [aside] = (tmp_path / "data").glob("documents.before-*")
    assert (aside / "stale.json").exists()
    again = await asyncio.to_thread(agenthost, "migrate", "--to", f"sqlite:///{target}", "--config", str(config))
    assert "exists already" in again.output


async def test_a_hub_at_work_is_not_migrated(hub_database: str, tmp_path: Path) -> None:
    config = await on_sqlite(tmp_path)
    store = SqlStore.in_folder(tmp_path / "data")
    await store.open()
    result = await asyncio.to_thread(agenthost, "migrate", "--to", hub_database, "--config", str(config))
    await store.close()
    assert result.exit_code == 1
    assert "in use by another hub" in result.output
    away = PostgresStore(make_url(hub_database))
    await away.open()
    back = ["--to", f"sqlite:///{tmp_path}/x.db", "--config", str(a_config(tmp_path, hub_database, "other"))]
    result = await asyncio.to_thread(agenthost, "migrate", *back)
    await away.close()
    assert "a hub is at work there; stop it, then migrate" in result.output


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("mysql://a:b@c/d", "--to: must begin with sqlite:/// or postgresql://"),
        ("postgresql://ann:hush-hush@127.0.0.1:1/x", "can't be reached"),
        ("sqlite:////tmp/elsewhere.db", "--to: the hub is on SQLite already"),
    ],
)
async def test_a_target_that_will_not_do_is_refused(tmp_path: Path, to: str, words: str) -> None:
    config = await on_sqlite(tmp_path)
    result = await asyncio.to_thread(agenthost, "migrate", "--to", to, "--config", str(config))
    assert result.exit_code == 1
    assert words in result.output
    assert "hush-hush" not in result.output


# --- backup and restore


async def test_a_backup_of_a_hub_on_postgresql_is_restored_onto_sqlite(hub_database: str, tmp_path: Path) -> None:
    config, backup = await on_postgresql(tmp_path, hub_database), str(tmp_path / "backup.zip")
    made = await asyncio.to_thread(agenthost, "backup", backup, "--config", str(config))
    assert "1 messages, 1 tasks, 2 documents and files" in made.output
    new = tmp_path / "new"
    restored = await asyncio.to_thread(
        agenthost, "restore", backup, "--data", str(new), "--config", str(a_config(tmp_path, data="new"))
    )
    assert restored.exit_code == 0, restored.output
    store = SqlStore.in_folder(new)
    await store.open()
    assert len(await store.people(HOME)) == 1
    await store.close()
    assert await FileDocuments(new / "documents").get("ann", "likes") == {"tea": True}
    assert (new / "files" / "photo").read_bytes() == b"\x00photo"


@pytest.mark.parametrize("before", ["sqlite", "postgresql"])
async def test_a_backup_of_either_is_restored_onto_postgresql(
    postgres: Server, hub_database: str, tmp_path: Path, before: str
) -> None:
    config = await (on_sqlite(tmp_path) if before == "sqlite" else on_postgresql(tmp_path, hub_database))
    backup = str(tmp_path / "backup.zip")
    await asyncio.to_thread(agenthost, "backup", backup, "--config", str(config))
    with postgres.database() as url:
        other = str(a_config(tmp_path, url, "new"))
        restored = await asyncio.to_thread(agenthost, "restore", backup, "--config", other)
        assert restored.exit_code == 0, restored.output
        assert "PostgreSQL agenthost_test" in restored.output
        assert await kept(url) == (1, {"tea": True})
        assert {path.name for path in (tmp_path / "new").iterdir()} == {"files"}
        again = await asyncio.to_thread(agenthost, "restore", backup, "--config", other, "--force")
        assert again.exit_code == 1
        assert "isn't empty" in again.output
        # Refused, it left the folder as it was.
        assert (tmp_path / "new" / "files" / "photo").read_bytes() == b"\x00photo"
        assert not list(tmp_path.glob("new.before-*"))


async def test_a_backup_is_not_restored_under_a_hub_at_work(hub_database: str, tmp_path: Path) -> None:
    config, backup = await on_postgresql(tmp_path, hub_database), str(tmp_path / "backup.zip")
    store = PostgresStore(make_url(hub_database))
    await store.open()
    made = await asyncio.to_thread(agenthost, "backup", backup, "--config", str(config))
    restored = await asyncio.to_thread(agenthost, "restore", backup, "--config", str(config), "--force")
    await store.close()
    assert made.exit_code == 0
    assert "a hub is at work there; stop it, then restore" in restored.output
    assert rows(hub_database, "persons") == 1


# --- doctor


def loaded(path: Path) -> Config:
    return load(path, {})


async def test_the_doctor_says_which_server_it_is_and_how_fast(hub_database: str, tmp_path: Path) -> None:
    config = loaded(await on_postgresql(tmp_path, hub_database))
    found = await asyncio.to_thread(examine.stored, config, os.environ)
    assert found.state == "ok"
    assert "PostgreSQL" in found.text
    assert "answers in" in found.text
    waiting = await asyncio.to_thread(examine.queue, config, os.environ)
    # The builders' messages are from an older day.
    assert (waiting.state, waiting.text.partition(",")[0]) == ("fault", "1 wait")


def test_the_doctor_says_why_a_server_does_not_answer(tmp_path: Path) -> None:
    config = loaded(a_config(tmp_path, f"postgresql://ann:{PASSWORD}@127.0.0.1:1/hub"))
    found = examine.stored(config, os.environ)
    assert (found.state, "can't be reached" in found.text) == ("fault", True)
    assert found.fix.startswith("Start PostgreSQL there")
    assert examine.queue(config, os.environ).state == "warn"
