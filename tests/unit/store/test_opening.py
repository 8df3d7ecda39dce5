"""Opening a database: never over a damaged, foreign, newer or busy one, and never empty over existing data."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.errors import StartError
from hub.ports import Add
from hub.records import HOME, Message
from hub.store.schema import SCHEMA, Schema, bring_up_to_date
from hub.store.sql import SqlStore
from hub.store.sqlite import writing
from hub.store.tabling import metadata
from hub.testing import a_message, a_person


async def fill(folder: Path, count: int = 200) -> list[Message]:
    """Leave a database with some messages, as a hub does that was stopped."""
    store = SqlStore.in_folder(folder)
    await store.open()
    messages = [a_message(f"message {number}") for number in range(count)]
    await store.commit(*map(Add, messages))
    await store.close()
    return messages


async def refusal(folder: Path) -> str:
    """Return the words of the StartError that opening ends in; the file is as it was."""
    database = folder / "hub.db"
    before = database.read_bytes() if database.exists() else None
    with pytest.raises(StartError) as caught:
        await SqlStore.in_folder(folder).open()
    assert (database.read_bytes() if database.exists() else None) == before
    return str(caught.value)


async def test_what_was_kept_is_there_when_opened_again(tmp_path: Path) -> None:
    messages = await fill(tmp_path, 3)
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    assert [await store.message(message.id) for message in messages] == messages
    await store.close()


async def test_only_the_hubs_user_can_read_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    store = SqlStore.in_folder(folder)
    await store.open()
    await store.commit(Add(a_person()))
    await store.backup(str(folder / "copy.db"))
    rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    await store.close()
    assert set(rights) >= {"hub.db", "hub.db-wal", "hub.lock", "copy.db"}
    assert set(rights.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_second_hub_is_refused_and_told_whom_to_stop(tmp_path: Path) -> None:
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    assert f"pid {os.getpid()}" in await refusal(tmp_path)
    await store.close()
    await store.open()
    await store.close()


async def test_the_lock_of_a_killed_hub_is_in_nobodys_way(tmp_path: Path) -> None:
    held = (
        "import sys, time; from pathlib import Path; from hub.store.sqlite import lock;"
        "lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", held, str(tmp_path / "hub.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as hub:
        assert hub.stdout
        hub.stdout.readline()
        assert f"pid {hub.pid}" in await refusal(tmp_path)
        hub.kill()
        hub.wait()
    await fill(tmp_path)


@pytest.mark.parametrize("header", [b"SQLite format 4\x00", b"\x00" * 16, b"just a text"])
async def test_a_database_with_a_damaged_header_is_refused(tmp_path: Path, header: bytes) -> None:
    await fill(tmp_path)
    database = tmp_path / "hub.db"
    database.write_bytes(header + database.read_bytes()[len(header) :])
    words = await refusal(tmp_path)
    assert str(database) in words
    assert "restore a backup" in words


@pytest.mark.parametrize("left", [0, 10, 100, 4096, 20_000, 100_000])
async def test_a_truncated_database_is_refused(tmp_path: Path, left: int) -> None:
    await fill(tmp_path)
    os.truncate(tmp_path / "hub.db", left)
    words = await refusal(tmp_path)
    assert str(tmp_path / "hub.db") in words
    assert "restore a backup" in words


async def test_a_database_with_overwritten_pages_is_refused(tmp_path: Path) -> None:
    await fill(tmp_path)
    with (tmp_path / "hub.db").open("r+b") as file:
        file.seek(4096 * 5)
        file.write(os.urandom(4096 * 10))
    assert "damaged" in await refusal(tmp_path)


async def test_a_log_without_its_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.db-wal").write_bytes(b"log")
    assert "restore a backup" in await refusal(tmp_path)
    assert not (tmp_path / "hub.db").exists()


async def test_a_database_thats_gone_beside_a_copy_of_it_isnt_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "hub.db.before-0001").write_bytes(b"copy")
    assert "hub.db.before-0001" in await refusal(tmp_path)
    assert not (tmp_path / "hub.db").exists()


async def test_a_row_that_no_longer_fits_its_index_is_refused(tmp_path: Path) -> None:
    """Somebody's message would be found in another's chat: SQLite's quick check doesn't see that."""
    await fill(tmp_path)
    database = tmp_path / "hub.db"
    data = database.read_bytes()
    with closing(sqlite3.connect(database)) as connection:
        [id] = connection.execute("SELECT id FROM messages ORDER BY id DESC LIMIT 1").fetchone()
    place = data.index(id.encode())
    database.write_bytes(data[:place] + b"7" + data[place + 1 :])
    assert "damaged" in await refusal(tmp_path)


async def test_a_newer_versions_database_is_refused(tmp_path: Path) -> None:
    await fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    words = await refusal(tmp_path)
    assert "newer AgentHost (schema 9999" in words
    assert "upgrade AgentHost" in words


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    assert "isn't AgentHost's" in await refusal(tmp_path)


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "can't be made" in await refusal(tmp_path / "file" / "data")


async def test_a_first_start_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "hub.db.new").write_bytes(b"half a database")
    (tmp_path / "hub.db.new-wal").write_bytes(b"half a log")
    await fill(tmp_path)


# --- migrations


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path / "hub.db")
    with writing(tmp_path / "hub.db").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'")}
    named = {index.name for table in metadata.tables.values() for index in table.indexes}
    assert named <= made


def test_the_head_written_down_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(SCHEMA.migrations)).get_current_head() == SCHEMA.head


def newer(folder: Path, upgrade: str) -> Schema:
    """Return a schema with one migration more."""
    shutil.copytree(SCHEMA.migrations, folder, ignore=shutil.ignore_patterns("__pycache__"))
    script = f"from alembic import op\nrevision = 'next'\ndown_revision = {SCHEMA.head!r}\n\ndef upgrade():\n"
    (folder / "versions" / "next.py").write_text(script + f"    {upgrade}\n")
    return Schema(migrations=folder, head="next")


def columns(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(persons)")}


async def test_an_upgrade_keeps_a_copy_of_the_database_before_it(tmp_path: Path) -> None:
    await fill(tmp_path / "data")
    database = tmp_path / "data" / "hub.db"
    schema = newer(tmp_path / "migrations", "op.execute('ALTER TABLE persons ADD COLUMN mood TEXT')")
    bring_up_to_date(database, schema)
    copied = database.with_name(f"hub.db.before-{SCHEMA.head}")
    assert "mood" in columns(database)
    assert "mood" not in columns(copied)
    with closing(sqlite3.connect(copied)) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (200,)
    bring_up_to_date(database, schema)


async def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    await fill(tmp_path / "data")
    database = tmp_path / "data" / "hub.db"
    upgrade = "op.execute('ALTER TABLE persons ADD COLUMN mood TEXT'); op.execute('ALTER TABLE none ADD COLUMN x')"
    with pytest.raises(StartError, match="as it was"):
        bring_up_to_date(database, newer(tmp_path / "migrations", upgrade))
    assert "mood" not in columns(database)
    bring_up_to_date(database)


# --- backup


async def test_a_backup_is_a_whole_database(tmp_path: Path) -> None:
    store = SqlStore.in_folder(tmp_path / "one")
    await store.open()
    person, message = a_person(), a_message()
    await store.commit(Add(person), Add(message))
    (tmp_path / "two").mkdir()
    await store.backup(str(tmp_path / "two" / "hub.db"))
    await store.close()
    restored = SqlStore.in_folder(tmp_path / "two")
    await restored.open()
    assert await restored.people(HOME) == (person,)
    assert await restored.message(message.id) == message
    await restored.close()
