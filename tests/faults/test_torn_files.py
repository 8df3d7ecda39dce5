"""Files that are torn, gone or changed by a bit: noticed with words that help, or harmless; never begun anew."""

import asyncio
import os
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from hub.errors import StartError, StoreError
from hub.ports import Add
from hub.records import MessageId, TurnId
from hub.store.sql import SqlStore
from hub.testing import a_message, a_task, a_turn, an_entry, an_event
from tests.faults import figures
from tests.faults.length import AT_LENGTH
from tests.faults.served import Model, Served
from tests.unit.store.test_durability import COMMITTING, lines_until_killed

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
FLIPS = 1_000 if AT_LENGTH else 60
TEARS = 100 if AT_LENGTH else 6
SIDE_BY_SIDE = 16
LOOKED_UP_BY = {
    "messages": ("id", "tenant", "bridge", "chat", "external_id", "answers", "task", "turn"),
    "entries": ("id", "lane", "message", "queue"),
    "tasks": ("id", "tenant", "person", "number"),
}
"""Columns on which an index stands for each row: a wrong one would be somebody else's, lost, or done again."""
Rows = dict[str, list[tuple[object, ...]]]


def rows(database: Path, columns: dict[str, tuple[str, ...]] = LOOKED_UP_BY) -> Rows:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {', '.join(names)} FROM {table}"), key=repr)
            for table, names in columns.items()
        }


def in_use(database: Path) -> list[int]:
    """Return the places of all bytes but those of empty tables and their indexes, in which nothing could be noticed."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        [[size]] = connection.execute("PRAGMA page_size")
        roots = connection.execute("SELECT tbl_name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
        full = {table for table, _ in roots if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()}
    empty = {page for table, page in roots if table not in full}
    return [place for place in range(database.stat().st_size) if place // size + 1 not in empty]


async def filled(folder: Path) -> Path:
    """Leave a database with some of everything."""
    store = SqlStore.in_folder(folder)
    await store.open()
    for number in range(1, 60):
        task = a_task(number=number, state="completed")
        turn = a_turn(task)
        message = a_message(f"message {number} " + "and so on " * number, task=task.id, turn=TurnId(turn.id))
        await store.commit(
            Add(task), Add(turn), Add(message), Add(an_entry(message)), Add(an_event(message=message.id))
        )
    await store.close()
    return folder / "hub.db"


async def reads(folder: Path) -> None:
    """Open a store and read what a hub reads; raises StartError or StoreError."""
    store = SqlStore.in_folder(folder)
    await store.open()
    try:
        for lane in await store.lanes(a_task().created_at, 1000):
            for entry in await store.entries(lane, a_task().created_at, 1000):
                await store.message(entry.message)
        await store.begun()
        await store.due_tasks(a_task().created_at, 1000)
    finally:
        await store.close()


async def test_a_flipped_bit_is_noticed_or_changes_nothing_that_anything_is_found_by(tmp_path: Path) -> None:
    """R6: refused at the start, told when the row is read, or within one text; nobody gets another's rows."""
    dice, found, words = random.Random(SEED), Counter[str](), list[str]()
    whole = await filled(tmp_path / "whole")
    data, places, before = whole.read_bytes(), in_use(whole), rows(whole)
    for number in range(FLIPS):
        folder = tmp_path / str(number)
        folder.mkdir()
        place = dice.choice(places)
        flipped = bytearray(data)
        flipped[place] ^= 1 << dice.randrange(8)
        (folder / "hub.db").write_bytes(flipped)
        try:
            await reads(folder)
        except StartError as error:
            words.append(str(error))
            assert (folder / "hub.db").read_bytes() == flipped
            found["refused at the start"] += 1
        except StoreError:
            found["told when it's read"] += 1
        else:
            assert rows(folder / "hub.db") == before, f"byte {place} wasn't noticed"
            found["changes nothing, or letters of a text"] += 1
        shutil.rmtree(folder)
    assert [why for why in words if "restore a backup" not in why] == []
    told = ", ".join(f"{number} {what}" for what, number in found.most_common())
    figures.note(4, f"flipped bits that weren't noticed in what's looked up by, of {FLIPS}", 0, "0")
    print(f"\n{FLIPS} flipped bits: {told}")
    assert found["refused at the start"] > FLIPS / 10


async def test_a_torn_log_leaves_a_whole_database_with_all_commits_up_to_the_tear(tmp_path: Path) -> None:
    """What's behind the tear was lost by the disk, not by the hub: nothing before it is, and nothing is half there."""
    dice = random.Random(SEED)
    for number in range(TEARS):
        folder = tmp_path / str(number)
        committed = lines_until_killed(COMMITTING, folder, dice.randint(20, 80))
        log = folder / "hub.db-wal"
        torn = dice.randrange(log.stat().st_size)
        os.truncate(log, torn)
        if number % 2:
            (folder / "hub.db-shm").unlink(missing_ok=True)

        store = SqlStore.in_folder(folder)
        await store.open()
        there = [
            (await store.message(MessageId(id)) is not None, await store.entry_of("inbox", MessageId(id)) is not None)
            for id in committed
        ]
        await store.close()
        assert {message == entry for message, entry in there} <= {True}, "a message without its entry"
        kept = [message for message, _ in there]
        # They're told of in about the order in which they were committed: eight at a time.
        assert not any(kept[kept.index(False) + SIDE_BY_SIDE :] if False in kept else ()), "one after one that's lost"
    figures.note(4, f"half commits after a torn write-ahead log, of {TEARS}", 0, "0")


async def test_a_log_whose_index_is_gone_loses_nothing(tmp_path: Path) -> None:
    committed = lines_until_killed(COMMITTING, tmp_path, 50)
    (tmp_path / "hub.db-shm").unlink()
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    assert [id for id in committed if await store.message(MessageId(id)) is None] == []
    await store.close()


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("[hub\nport = 1", "config.toml"),
        ("\0\x01garbled", "config.toml"),
        ("[hub]\nprot = 8080", "hub.prot"),
    ],
)
async def test_a_garbled_config_is_refused_and_named(tmp_path: Path, config: str, why: str) -> None:
    hub = Served(tmp_path, config)
    assert await hub.refused() != 0
    assert why in hub.log
    assert "Traceback" not in hub.log
    assert not (tmp_path / "data" / "hub.db").exists()


async def test_a_config_that_was_named_and_is_gone_is_refused(tmp_path: Path) -> None:
    hub = Served(tmp_path, "")
    (tmp_path / "config.toml").unlink()
    assert await hub.refused() != 0
    assert "config.toml" in hub.log
    assert "Traceback" not in hub.log


async def test_a_lost_owners_key_is_made_anew_and_the_lost_one_is_worth_nothing(tmp_path: Path) -> None:
    async with Model(tmp_path) as config:
        async with Served(tmp_path, config) as hub:
            assert (await hub.said("Hello", wait=30)).status_code == 200
            lost = hub.http.headers["Authorization"]
        (tmp_path / "data" / "owner.key").unlink()
        async with Served(tmp_path, config, preset=False) as hub:
            assert (await hub.http.get("/v1/tasks", headers={"Authorization": lost})).status_code == 401
            fresh = (tmp_path / "data" / "owner.key").read_text().strip()
            tasks = await hub.http.get("/v1/tasks", headers={"Authorization": f"Bearer {fresh}"})
            assert len(tasks.json()["items"]) == 1


async def test_a_file_thats_gone_is_told_and_nothing_else_stops(tmp_path: Path) -> None:
    async with Model(tmp_path) as config, Served(tmp_path, config) as hub:
        up = await hub.http.post("/v1/files", files={"file": ("trains.txt", b"Trains leave at eight.")})
        assert up.status_code in (200, 201), up.text
        sha256 = up.json()["sha256"]
        said = await hub.http.post(
            "/v1/messages",
            params={"wait": 30},
            json={"parts": [{"type": "text", "text": "Here"}, {"type": "file", "sha256": sha256}]},
        )
        assert said.status_code == 200, said.text
        [blob] = [path for path in (tmp_path / "data" / "files").rglob("*") if path.name == sha256]
        await asyncio.to_thread(blob.unlink)

        gone = await hub.http.get(f"/v1/files/{sha256}")
        assert gone.status_code == 404, gone.text
        assert (await hub.said("And now?", wait=30)).status_code == 200
        assert (await hub.http.get("/healthz")).status_code == 200
