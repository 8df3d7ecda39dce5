"""A hub moves from SQLite to PostgreSQL and back with all that it has, or it doesn't move at all."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from hub.errors import StartError, StoreError
from hub.ports import Add, Store
from hub.records import HOME, OWNER, Chain, Checkpoint, Done, File, Record, TenantId
from hub.store.copying import Copied
from hub.store.documents import FileDocuments
from hub.store.postgres import PostgresStore
from hub.store.postgres_documents import PostgresDocuments
from hub.store.rows import EVERY, TABLES
from hub.store.sql import SqlStore
from hub.store.tabling import metadata
from hub.store.transfer import fill_server, read_server
from hub.testing import (
    NOON,
    a_brand,
    a_correction,
    a_deed,
    a_draft,
    a_follow,
    a_handover,
    a_host_name,
    a_key,
    a_link,
    a_login,
    a_message,
    a_note,
    a_package,
    a_pairing,
    a_passport,
    a_pause,
    a_person,
    a_pin,
    a_posting,
    a_replay,
    a_route,
    a_session,
    a_step,
    a_taint,
    a_taken,
    a_task,
    a_tenant,
    a_thread,
    a_transition,
    a_turn,
    a_webhook,
    a_webhook_cursor,
    a_webhook_delivery,
    an_embed,
    an_entry,
    an_event,
    an_inlet,
    an_installation,
    an_invitation,
    desk_rules,
)


def one_of_each() -> Sequence[Record]:
    """Return records of every kind, with odd values in them."""
    task = a_task(due_at=NOON, verdict=Done(summary="Grüße \0"), title="„Zug“ 🚂")
    photo = File(name="a.png", media_type="image/png", size=3, sha256="0" * 64)
    message = a_message(
        "Hello\x00 🌍",
        parts=(photo,),
        task=task.id,
        route=a_route(task),
        created_at=NOON + timedelta(microseconds=1),
    )
    turn = a_turn(task, messages=(message.id,), verdict=Done(summary="x"), ms=1 / 3)
    key, handover = a_key(), a_handover(late=("first",), why="\0 “x”")
    hook = a_webhook(off_at=NOON, include=("text",))
    return (
        *(handover, a_draft(handover, task), a_note(handover), desk_rules(signed=False), a_deed(object="key/\0")),
        *(Chain(tenant=TenantId("other")), Checkpoint(tenant=HOME, at=NOON)),
        *(
            a_tenant(leaving_at=NOON),
            an_embed(),
            a_brand(),
            a_host_name(),
            a_person(external="e-1"),
            a_link(),
            key,
            a_pairing(person=OWNER),
        ),
        *(a_package(), an_installation(), a_taken(key=key.id, money=2**40)),
        *(a_login(recovery=("a",), totp_at=NOON), a_passport(), an_invitation(email="ä@example.org"), a_session()),
        *(task, message, turn, a_step(turn, failed=True, unsure=True), an_entry(message, due_at=NOON, error="e")),
        *(a_correction(message, task, task), a_posting(message), a_thread(task), a_follow(task), a_replay(key)),
        *(a_pin(task), a_pause(turn), a_taint(task), a_transition(task), an_event(message=message.id), an_event()),
        *(hook, a_webhook_cursor(hook), a_webhook_delivery(hook), an_inlet()),
    )


async def a_hub(folder: Path, messages: int = 0) -> Sequence[Record]:
    """Leave a hub's database and documents in a folder; return its records."""
    store = SqlStore.in_folder(folder)
    await store.open()
    records = [*one_of_each(), *(a_message(f"number {number}", external_id=str(number)) for number in range(messages))]
    await store.commit(*map(Add, records))
    await store.close()
    documents = FileDocuments(folder / "documents")
    await documents.put("ann", "likes", {"tea": [1, None, "Köln"], "nul": "a\0b"})
    await documents.put("ann", "home", {"city": "Bonn"})
    await documents.put("plugin/böse", "x", {})
    return records


async def everything(store: Store) -> list[object]:
    """Return what one sees of a hub."""
    tasks = await store.tasks(HOME)
    [message] = await store.messages_of_task(tasks[0].id, limit=9)
    turns = await store.turns(tasks[0].id)
    return [
        *(await store.people(HOME), await store.keys(HOME), await store.packages(HOME), await store.counts()),
        *(tasks, message, turns, await store.steps(turns[0].id), await store.dead(HOME, 9)),
        *(await store.corrections(HOME, 9), await store.postings(message.id), await store.follows(tasks[0].id)),
        await store.events(HOME, OWNER, after=0, limit=99),
    ]


async def seen(store: Store) -> list[object]:
    await store.open()
    try:
        return await everything(store)
    finally:
        await store.close()


def test_the_hub_of_these_tests_has_every_kind_of_record() -> None:
    assert {type(record) for record in one_of_each()} == set(TABLES)
    assert set(EVERY) == set(metadata.tables)


async def test_a_hub_moves_to_postgresql_with_all_that_it_has(empty_database: str, tmp_path: Path) -> None:
    records = await a_hub(tmp_path, messages=2500)
    url = make_url(empty_database)
    copied = await asyncio.to_thread(fill_server, url, tmp_path / "hub.db", tmp_path / "documents")
    assert sum(table.rows for table in copied.values()) == len(records) + 1 + 1 + 3
    assert min(table.rows for table in copied.values()) >= 1
    assert await seen(PostgresStore(url)) == await seen(SqlStore.in_folder(tmp_path))
    documents = PostgresDocuments(url)
    assert await documents.all("ann") == (
        ("likes", {"tea": [1, None, "Köln"], "nul": "a\0b"}),
        ("home", {"city": "Bonn"}),
    )
    assert await documents.all("plugin/böse") == (("x", {}),)
    await documents.close()


async def test_after_the_move_events_go_on_with_the_next_number(empty_database: str, tmp_path: Path) -> None:
    await a_hub(tmp_path)
    url = make_url(empty_database)
    await asyncio.to_thread(fill_server, url, tmp_path / "hub.db", tmp_path / "documents")
    store = PostgresStore(url)
    await store.open()
    [event] = await store.commit(Add(an_event()))
    await store.close()
    assert event.seq == 3


async def test_a_hub_that_moves_there_and_back_is_as_it_was(empty_database: str, tmp_path: Path) -> None:
    await a_hub(tmp_path / "old")
    url, back = make_url(empty_database), tmp_path / "new" / "hub.db"
    there = await asyncio.to_thread(fill_server, url, tmp_path / "old" / "hub.db", tmp_path / "old" / "documents")
    store = PostgresStore(url)
    await store.open()  # a hub at work has a counter of its own, which isn't the hub's
    await store.commit(Add(a_task(number=99)))
    (tmp_path / "new").mkdir()
    again = await asyncio.to_thread(read_server, url, back, tmp_path / "new" / "documents")
    await store.close()
    assert {name for name in there if there[name] != again[name]} == {"tasks"}
    assert [await FileDocuments(tmp_path / folder / "documents").all("ann") for folder in ("new", "old")] == [
        (("likes", {"tea": [1, None, "Köln"], "nul": "a\0b"}), ("home", {"city": "Bonn"}))
    ] * 2
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"hub.db", "documents"}


async def test_an_owner_whose_file_is_too_old_to_name_him_gets_his_name_on_the_way(
    empty_database: str, tmp_path: Path
) -> None:
    await a_hub(tmp_path / "old")
    for path in (tmp_path / "old" / "documents").iterdir():
        kept = json.loads(path.read_bytes())
        path.write_text(json.dumps({"_default": kept["_default"]}))
    url = make_url(empty_database)
    await asyncio.to_thread(fill_server, url, tmp_path / "old" / "hub.db", tmp_path / "old" / "documents")
    documents = PostgresDocuments(url)
    await documents.put("ann", "new", {"n": 1})
    await documents.close()
    (tmp_path / "new").mkdir()
    await asyncio.to_thread(read_server, url, tmp_path / "new" / "hub.db", tmp_path / "new" / "documents")
    back = FileDocuments(tmp_path / "new" / "documents")
    assert [id for id, _ in await back.all("ann")] == ["likes", "home", "new"]
    assert await back.owners() == ("ann",)


async def test_a_database_that_is_not_empty_is_left_alone(hub_database: str, tmp_path: Path) -> None:
    await a_hub(tmp_path)
    with psycopg.connect(hub_database) as connection:
        connection.execute("INSERT INTO persons VALUES ('t', 'ann', '', 'user', 1)")
    with pytest.raises(StoreError, match="isn't empty: its table persons"):
        fill_server(make_url(hub_database), tmp_path / "hub.db", tmp_path / "documents")
    with psycopg.connect(hub_database) as connection:
        assert connection.execute("SELECT count(*) FROM persons").fetchone() == (1,)


async def test_what_does_not_arrive_as_it_was_is_not_kept(empty_database: str, tmp_path: Path) -> None:
    """A trigger stands in for a server that changes what it's given."""
    await a_hub(tmp_path)
    url = make_url(empty_database)
    store = PostgresStore(url)
    await store.open()
    await store.close()
    with psycopg.connect(empty_database) as connection:
        connection.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.title = 'another'; RETURN NEW; END $$"
        )
        connection.execute("CREATE TRIGGER spoil BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION spoil()")
    with pytest.raises(StoreError, match="tasks: 1 rows were sent and 1 arrived, or not as they were"):
        fill_server(url, tmp_path / "hub.db", tmp_path / "documents")
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)


async def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    await a_hub(tmp_path)
    with pytest.raises(StartError, match="can't be reached"):
        fill_server(make_url("postgresql://a:b@127.0.0.1:1/x"), tmp_path / "hub.db", tmp_path / "documents")
    assert {path.name for path in tmp_path.iterdir()} == {"hub.db", "hub.lock", "documents"}


MOVING = """
import sys, time
from pathlib import Path
from sqlalchemy import make_url
from hub.store.tabling import metadata
from hub.store.transfer import fill_server

def copied():
    print("copied", flush=True)
    time.sleep(60)

fill_server(make_url(sys.argv[1]), Path(sys.argv[2]) / "hub.db", Path(sys.argv[2]) / "documents", copied=copied)
"""


@pytest.mark.faults
async def test_a_move_that_is_killed_at_the_last_moment_leaves_the_target_empty(
    empty_database: str, tmp_path: Path
) -> None:
    await a_hub(tmp_path, messages=100)
    with subprocess.Popen(
        [sys.executable, "-c", MOVING, empty_database, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"copied\n"
        process.send_signal(signal.SIGKILL)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    copied = await asyncio.to_thread(fill_server, make_url(empty_database), tmp_path / "hub.db", tmp_path / "documents")
    assert copied["messages"].rows == 101


async def test_a_copy_under_load_has_all_that_was_committed_before_it(hub_database: str, tmp_path: Path) -> None:
    url = make_url(hub_database)
    store = PostgresStore(url)
    await store.open()
    taken, done = list[str](), False

    async def send() -> None:
        while not done:
            message = a_message()
            await store.commit(Add(message), Add(an_entry(message)), Add(an_event(message=message.id)))
            taken.append(message.id)

    senders = [asyncio.ensure_future(send()) for _ in range(4)]
    while len(taken) < 200:
        await asyncio.sleep(0.01)
    before = set(taken)
    copied = await asyncio.to_thread(read_server, url, tmp_path / "hub.db", tmp_path / "documents")
    done = True
    await asyncio.gather(*senders)
    await store.close()
    copy = SqlStore.in_folder(tmp_path)
    await copy.open()
    events = await copy.events(HOME, OWNER, after=0, limit=10**6)
    await copy.close()
    # The records of a commit are all in it or none.
    assert copied["messages"] != Copied(0, "")
    assert copied["messages"].rows == copied["entries"].rows == copied["events"].rows == len(events)
    assert before <= {str(event.message) for event in events}
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
