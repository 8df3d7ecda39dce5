"""A backup is made while the hub takes messages: what was committed before it is in it, each with its file."""

import asyncio
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec
from click.testing import CliRunner

from hub.__main__ import load
from hub.cli.archive import back_up, bring_back
from hub.ports import Add
from hub.records import HOME, File, MessageId, Part, TaskId
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from hub.store.sql import SqlStore
from hub.store.workspaces import FolderWorkspaces
from hub.testing import a_message, an_entry

BACKUPS = 4


class Busy:
    """A hub that keeps messages with files, as fast as it can."""

    def __init__(self, data: Path) -> None:
        self.store, self.files = SqlStore.in_folder(data), FileStore(data / "files")
        self.documents, self.workspaces = FileDocuments(data / "documents"), FolderWorkspaces(data / "workspaces")
        self.kept: list[MessageId] = []
        """Messages whose sender was told that they're received."""

    async def open(self) -> None:
        await self.store.open()
        await self.files.open()
        await self.workspaces.open()

    async def say(self, number: int) -> None:
        """Keep a message as the inbox does: its file first."""
        content = f"file {number}".encode() * 500
        digest, size = await self.files.put(content, limit=1 << 20)
        file = File(name="a.bin", media_type="application/octet-stream", size=size, sha256=digest)
        message = a_message(parts=(file,))
        await self.store.commit(Add(message), Add(an_entry(message)))
        self.kept.append(message.id)
        await self.documents.put(f"memory/home/default/{number % 7}", "fact", {"fact": number})
        await self.workspaces.write(HOME, TaskId(f"t{number % 5}"), "notes.txt", content)
        # What's old is forgotten meanwhile, too: a file that's listed may be gone when it's read.
        orphan, _ = await self.files.put(content + b"orphan", limit=1 << 20)
        (self.files._path(orphan)).unlink()

    async def talk(self, ended: asyncio.Event, first: int) -> None:
        while not ended.is_set():
            await self.say(first)
            first += 10


async def test_what_was_committed_before_a_backup_is_in_it_with_its_files(tmp_path: Path) -> None:
    """Wherever in the stream of messages a backup falls."""
    hub, ended = Busy(tmp_path / "data"), asyncio.Event()
    await hub.open()
    async with asyncio.TaskGroup() as group:
        for first in range(10):
            group.create_task(hub.talk(ended, first))
        for number in range(BACKUPS):
            count = len(hub.kept)
            while len(hub.kept) < count + 40:
                await asyncio.sleep(0.01)
            before = frozenset(hub.kept)
            target = tmp_path / f"{number}.zip"
            await asyncio.to_thread(back_up, tmp_path / "data/hub.db", tmp_path / "data", target)
            assert len(hub.kept) > len(before), "nothing came meanwhile, so nothing is shown"
            assert before <= restored(target, tmp_path / f"again-{number}").keys()
        ended.set()
    await hub.store.close()


def restored(backup: Path, folder: Path) -> dict[str, list[str]]:
    """Restore a backup; return the messages that it has, each with its files, all of which are there and whole."""
    bring_back(backup, folder, force=False)
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(folder / "hub.db")) as database:
        for id, parts in database.execute("SELECT id, parts FROM messages"):
            files = [part for part in msgspec.json.decode(parts, type=list[Part]) if isinstance(part, File)]
            for file in files:
                path = folder / "files" / file.sha256[:2] / file.sha256[2:4] / file.sha256
                assert sha256(path.read_bytes()).hexdigest() == file.sha256
            found[id] = [file.sha256 for file in files]
    return found


async def test_what_is_half_written_is_left_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    hub = Busy(data)
    await hub.open()
    await hub.say(1)
    await hub.store.close()
    (data / "documents" / "x.part").write_text("{", encoding="utf-8")
    (data / "files" / "coming" / "ab").write_bytes(b"half")
    manifest = back_up(data / "hub.db", data, tmp_path / "b.zip")

    assert not [name for name in manifest.files if name.endswith(".part") or "coming" in name]


def test_the_hub_knows_when_the_last_backup_was_made(tmp_path: Path) -> None:
    async def kept() -> None:
        hub = Busy(tmp_path / "data")
        await hub.open()
        await hub.say(1)
        await hub.store.close()

    asyncio.run(kept())
    done = CliRunner().invoke(load("backup"), [str(tmp_path / "b.zip"), "--data", str(tmp_path / "data")])

    assert done.exit_code == 0, done.output
    assert (tmp_path / "data" / "backup.json").is_file()
