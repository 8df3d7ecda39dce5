"""What a task has made is found, told in a line, and read only as it was listed."""

import os
from datetime import timedelta
from hashlib import sha256
from typing import Literal

import pytest

from hub.errors import NotFound
from hub.flow.artefacts import Artefact, Artefacts, summary, unnamed
from hub.ports import Add
from hub.records import HOME, File, Task, Text
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import NOON, MemoryWorkspaces, a_message, a_task, a_turn


class Desk:
    """A task with two turns and a subtask, on parts for tests."""

    def __init__(self) -> None:
        self.store, self.files, self.workspaces = MemoryStore(), MemoryFiles(), MemoryWorkspaces()
        self.artefacts = Artefacts(self.store, self.workspaces, self.files)
        self.task = a_task(kind="assignment")
        self.child = a_task(number=2, parent=self.task.id, kind="assignment", depth=1)

    async def open(self) -> None:
        await self.store.open()
        await self.store.commit(Add(self.task), Add(self.child))
        for number in (1, 2):
            began = NOON + timedelta(hours=number)
            over = began + timedelta(minutes=9)
            await self.store.commit(
                Add(a_turn(self.task, number=number, state="done", started_at=began, ended_at=over))
            )

    async def write(self, task: Task, path: str, text: str, minutes: float) -> None:
        """Write a file as if some minutes after noon."""
        await self.workspaces.write(HOME, task.id, path, text.encode())
        at = (NOON + timedelta(minutes=minutes)).timestamp()
        os.utime((await self.workspaces.folder(HOME, task.id)) / path, (at, at))


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.open()
    return made


async def test_files_are_listed_with_the_turn_that_made_them_the_oldest_first(desk: Desk) -> None:
    await desk.write(desk.task, "b/late.csv", "x,y", 125)
    await desk.write(desk.task, "early.txt", "one", 61)
    await desk.write(desk.task, "between.bin", "?", 90)
    await desk.write(desk.child, "part.md", "two", 65)

    made = await desk.artefacts.of(desk.task)
    assert [(each.name, each.kind, each.turn, each.size) for each in made] == [
        ("early.txt", "made", 1, 3),
        ("subtasks/2/part.md", "made", None, 3),
        ("between.bin", "made", None, 1),
        ("b/late.csv", "made", 2, 3),
    ]
    assert [each.media_type for each in made] == ["text/plain", "text/markdown", "application/octet-stream", "text/csv"]
    assert made[0].sha256 == sha256(b"one").hexdigest()
    assert [await desk.artefacts.read(each) for each in made] == [b"one", b"two", b"?", b"x,y"]


async def test_what_was_sent_to_the_person_is_listed_and_what_they_sent_isnt(desk: Desk) -> None:
    digest, size = await desk.files.put(b"song", limit=99)
    song = File(name="song.wav", media_type="audio/wav", size=size, sha256=digest)
    mine = a_message(task=desk.task.id, state="answered", parts=(Text("Sing this"), song))
    at = NOON + timedelta(minutes=62)
    said = a_message(task=desk.task.id, role="notice", state="sent", parts=(song,), created_at=at)
    await desk.store.commit(Add(mine), Add(said))
    await desk.workspaces.write(HOME, desk.task.id, "attachments/planted.txt", b"x")

    [sent] = await desk.artefacts.of(desk.task)
    assert (sent.name, sent.kind, sent.turn, sent.media_type) == ("song.wav", "sent", 1, "audio/wav")
    assert await desk.artefacts.read(sent) == b"song"


async def test_a_file_that_was_changed_since_it_was_listed_isnt_given_out(desk: Desk) -> None:
    await desk.write(desk.task, "a.txt", "one", 61)
    [made] = await desk.artefacts.of(desk.task)
    await desk.write(desk.task, "a.txt", "two", 62)

    with pytest.raises(NotFound, match="list the files again"):
        await desk.artefacts.read(made)
    [again] = await desk.artefacts.of(desk.task)
    assert await desk.artefacts.read(again) == b"two"


def an_artefact(name: str, kind: Literal["made", "sent"] = "made") -> Artefact:
    task = a_task()
    return Artefact(
        name=name, kind=kind, media_type="text/plain", size=3, sha256="0" * 64, at=NOON, turn=1, task=task.id
    )


def test_a_summary_is_a_line_and_names_a_few() -> None:
    made = [an_artefact("a.txt"), an_artefact("b.wav", "sent")]

    assert summary(made) == "Files made: a.txt (3 bytes). Files sent: b.wav (3 bytes)."
    assert summary([]) == ""
    assert summary([an_artefact(f"{number}.txt") for number in range(20)]).endswith("7.txt (3 bytes) and 12 more.")


def test_only_files_that_an_answer_doesnt_name_are_named() -> None:
    assert unnamed("I wrote list.txt.", ["list.txt", "b/more.txt"]) == "Files: b/more.txt"
    assert unnamed("I wrote list.txt.", ["list.txt"]) == ""
    assert unnamed("Done.", []) == ""
