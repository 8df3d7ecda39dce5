"""Databases of earlier versions, with what was in them, are brought to this version's schema."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config

from hub.ports import Add
from hub.records import HOME, OWNER, MessageId, Schedule, TaskId, Thread
from hub.store.schema import SCHEMA
from hub.store.sql import SqlStore
from hub.store.sqlite import writing
from hub.testing import a_message, a_posting, an_address

MESSAGE: dict[str, str | int] = {
    "id": "m1",
    "tenant": "home",
    "bridge": "fake",
    "chat": "ann",
    "external_id": "1",
    "role": "user",
    "person": "owner",
    "parts": '[{"type":"text","text":"Hello"}]',
    "state": "answered",
    "created_at": 1,
    "choices": "[]",
}
TASK: dict[str, str | int] = {
    "tenant": "home",
    "person": "owner",
    "bridge": "fake",
    "chat": "ann",
    "thread": "7",
    "title": "Trains",
    "goal": "Find a train",
    "agent": "default",
    "state": "completed",
    "created_at": 1,
    "updated_at": 1,
    "kind": "conversation",
    "limits": "{}",
    "used": "{}",
    "digest": "",
    "revision": 0,
}
LINK: dict[str, str | int] = {"tenant": "home", "bridge": "fake", "sender": "ann", "person": "owner", "created_at": 1}


def at_revision(database: Path, revision: str) -> None:
    """Make a database as a version with that schema left it."""
    engine = writing(database)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(SCHEMA.migrations))
        command.upgrade(config, revision)
    engine.dispose()


def put(database: Path, table: str, row: Mapping[str, object]) -> None:
    marks = ", ".join("?" for _ in row)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        connection.commit()


async def test_a_first_schema_with_data_becomes_todays(tmp_path: Path) -> None:
    database = tmp_path / "hub.db"
    at_revision(database, "0001")
    put(database, "messages", MESSAGE)
    put(database, "links", LINK)
    put(database, "tasks", TASK | {"id": "t1", "number": 1})
    put(database, "tasks", TASK | {"id": "t2", "number": 2})
    put(database, "tasks", {name: TASK[name] for name in TASK if name != "thread"} | {"id": "t3", "number": 3})

    store = SqlStore.in_folder(tmp_path)
    await store.open()
    message, link = await store.message(MessageId("m1")), await store.link(HOME, "fake", "ann")
    thread = await store.thread(HOME, an_address(thread="7"))
    said = a_message(role="agent", state="sent", sender="bot")
    await store.commit(Add(said), Add(a_posting(said)))
    await store.close()

    assert message is not None
    assert (message.text, message.author, message.name, message.sender, message.copy_of) == (
        "Hello",
        None,
        "",
        "",
        None,
    )
    assert link is not None
    assert (link.person, link.chat) == (OWNER, "")
    assert thread == Thread(tenant=HOME, bridge="fake", chat="ann", thread="7", task=TaskId("t2"))
    copied = database.with_name("hub.db.before-0001")
    with closing(sqlite3.connect(copied)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)


async def test_a_crontab_of_old_becomes_a_schedule_due_when_it_was(tmp_path: Path) -> None:
    at_revision(tmp_path / "hub.db", "0005")
    put(tmp_path / "hub.db", "tasks", TASK | {"id": "t1", "number": 1, "schedule": "0 8 * * 1-5", "due_at": 7_000_000})
    put(tmp_path / "hub.db", "tasks", TASK | {"id": "t2", "number": 2})

    store = SqlStore.in_folder(tmp_path)
    await store.open()
    daily, other = await store.task(TaskId("t1")), await store.task(TaskId("t2"))
    await store.close()

    assert daily is not None
    assert other is not None
    assert (daily.schedule, daily.run_at) == (Schedule(cron="0 8 * * 1-5"), daily.due_at)
    assert (other.schedule, other.run_at, other.checks, other.plan, other.depth) == (None, None, (), (), 0)
