"""Kills and full disks: what was promised is there, and nothing is there by halves."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from hub.errors import StoreUnavailable
from hub.ports import Add, Save
from hub.records import HOME, OWNER, MessageId
from hub.store import sqlite
from hub.store.committer import Committer
from hub.store.documents import FileDocuments, file_name
from hub.store.schema import bring_up_to_date
from hub.store.sql import SqlStore
from hub.store.writer import Writer
from hub.testing import a_message, a_reply, an_entry, an_event

COMMITTING = """
import asyncio, sys
from pathlib import Path
from hub.ports import Add
from hub.store.sql import SqlStore
from hub.testing import a_message, an_entry, an_event

async def go_on(store):
    while True:
        message = a_message()
        await store.commit(Add(message), Add(an_entry(message)), Add(an_event(message=message.id)))
        print(message.id, flush=True)

async def main():
    store = SqlStore.in_folder(Path(sys.argv[1]))
    await store.open()
    await asyncio.gather(*(go_on(store) for _ in range(8)))

asyncio.run(main())
"""
REMEMBERING = """
import asyncio, sys
from pathlib import Path
from hub.store.documents import FileDocuments

async def main():
    documents = FileDocuments(Path(sys.argv[1]))
    for number in range(10**6):
        await documents.put("ann", str(number % 50), {"number": number, "text": "x" * 200})
        print(number, flush=True)

asyncio.run(main())
"""


def lines_until_killed(script: str, folder: Path, count: int) -> list[str]:
    """Run a script, kill it after about so many lines, and return the whole ones."""
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        printed = b"".join(process.stdout.readline() for _ in range(count))
        process.send_signal(signal.SIGKILL)
        printed += process.stdout.read()
    *whole, _ = printed.split(b"\n")
    return [line.decode() for line in whole]


@pytest.mark.faults
async def test_what_was_committed_before_a_kill_is_there(tmp_path: Path) -> None:
    committed = list[str]()
    for _ in range(20):
        committed += lines_until_killed(COMMITTING, tmp_path, random.randint(1, 60))
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    for id in committed:
        assert await store.message(MessageId(id))
        assert await store.entry_of("inbox", MessageId(id))
    events = await store.events(HOME, OWNER, after=0, limit=10**6)
    kept = (await store.counts())["inbox.ready"]
    await store.close()
    assert {event.message for event in events} >= set(committed)
    assert len(events) == len({event.seq for event in events}) == kept


@pytest.mark.faults
async def test_documents_are_readable_after_every_kill(tmp_path: Path) -> None:
    for _ in range(30):
        printed = lines_until_killed(REMEMBERING, tmp_path, random.randint(1, 60))
        last = int(printed[-1])
        found = await FileDocuments(tmp_path).get("ann", str(last % 50))
        assert found is not None
        assert len(await FileDocuments(tmp_path).all("ann")) >= min(last + 1, 50)
    assert len([*tmp_path.iterdir()]) <= 2


# --- full disks


class Disk:
    """SQLite on a disk whose end a test moves: SQLite itself says that it's full."""

    def __init__(self, folder: Path) -> None:
        self.pages = 0
        """How many pages the database may have; 0 is no limit."""
        self.short = False
        self._database = folder / "hub.db"
        bring_up_to_date(self._database)
        engine = sqlite.writing(self._database)
        event.listen(engine, "begin", self._limit)
        self.committer = Committer(Writer(engine), lambda: self.short)
        self.committer.open()

    def _limit(self, connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages or 2**30}")

    def fill(self) -> None:
        self.pages = self.count("PRAGMA page_count")

    def count(self, query: str = "SELECT count(*) FROM messages") -> int:
        with closing(sqlite3.connect(self._database)) as connection:
            return int(connection.execute(query).fetchone()[0])


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    disk = Disk(tmp_path)
    yield disk
    await disk.committer.close()


async def test_a_full_disk_refuses_a_commit_whole_and_takes_it_when_there_is_room(disk: Disk) -> None:
    big = a_message("x" * 100_000)
    changes = (Add(a_message()), Add(an_entry(big)), Add(big), Add(an_event()))
    disk.fill()
    with pytest.raises(StoreUnavailable, match="full"):
        await disk.committer.commit(changes)
    assert disk.count() == 0
    assert disk.count("SELECT count(*) FROM entries") == 0
    disk.pages = 0
    [kept] = await disk.committer.commit(changes)
    assert kept.seq == 1
    assert disk.count() == 2


async def test_a_nearly_full_disk_takes_no_new_messages_but_settlements(disk: Disk) -> None:
    message = a_message()
    entry = an_entry(message)
    await disk.committer.commit((Add(message), Add(entry)))
    disk.short = True
    asked, answered = (
        disk.committer.commit((Add(a_message()),)),
        disk.committer.commit((Add(a_reply(message)), Save(entry))),
    )
    refused, settled = await asyncio.gather(asked, answered, return_exceptions=True)
    assert isinstance(refused, StoreUnavailable)
    assert settled == ()
    disk.short = False
    await disk.committer.commit((Add(a_message()),))
    assert disk.count() == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("only root can make a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.faults
async def test_a_disk_that_really_fills_up_corrupts_nothing(small_disk: Path) -> None:
    store = SqlStore.in_folder(small_disk)
    await store.open()
    kept, refused = list[MessageId](), 0
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        free = os.statvfs(small_disk)
        file.write(b"x" * (free.f_bavail * free.f_frsize - 300_000))
    for _ in range(200):
        answer = a_message("x" * 5000, role="agent")
        try:
            await store.commit(Add(answer), Add(an_entry(answer)), Add(an_event()))
            kept.append(answer.id)
        except StoreUnavailable:
            refused += 1
    assert kept
    assert refused
    with pytest.raises(StoreUnavailable):
        await store.commit(Add(a_message()))
    ballast.unlink()
    await store.commit(Add(a_message()))
    assert all([await store.message(id) for id in kept])
    await store.close()
    await store.open()
    assert (await store.counts())["inbox.ready"] == len(kept)
    await store.close()


async def test_a_full_disk_leaves_documents_as_they_were(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path / "documents")
    await documents.put("ann", "a", {"kept": True})
    # A folder in the way of the new file fails like a disk without room for it.
    (tmp_path / "documents" / file_name("ann")).with_suffix(".part").mkdir()
    with pytest.raises(StoreUnavailable):
        await documents.put("ann", "b", {})
    assert await documents.all("ann") == (("a", {"kept": True}),)
