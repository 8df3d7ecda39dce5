"""Killed anywhere while a person is erased, the hub goes on with it: at the end nothing of theirs is on the disk."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import pytest

from hub.failpoints import RARE
from hub.ports import Add
from hub.records import HOME, OWNER, File, Record
from hub.testing import (
    a_key,
    a_link,
    a_message,
    a_person,
    a_reply,
    a_route,
    a_step,
    a_task,
    a_turn,
    an_entry,
    an_event,
)
from tests.faults.erased import asked, erase, left
from tests.faults.erasing import BEA, opened

FAILPOINTS = [name for name in RARE if name.startswith("leaving.")]
CANARY = b"canary-of-bea"
MODULE = "tests.faults.erasing"
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))

pytestmark = pytest.mark.faults


async def moved_in(folder: Path) -> None:
    """Keep Bea's things, the owner's, and what both wrote in a group."""
    store, files, documents, workspaces, _ = await opened(folder)
    canary = CANARY.decode()
    every: list[Record] = [
        a_person(),
        a_person(id=BEA, name=canary, role="member"),
        a_link(person=BEA),
        a_key(person=BEA),
    ]
    for number in range(1, 4):
        task = a_task(canary, person=BEA, number=number)
        turn = a_turn(task, answer=canary)
        sha256, _ = await files.put(CANARY + bytes([number]), limit=100)
        file = File(name="a.bin", media_type="application/octet-stream", size=14, sha256=sha256)
        message = a_message(person=BEA, task=task.id, turn=turn.id, parts=(file,))
        every += [task, turn, a_step(turn, result=canary), message, an_entry(message), a_reply(message, canary)]
        every.append(an_event(person=BEA))
        await workspaces.write(HOME, task.id, "notes.txt", CANARY)
    shared = a_task(canary, person="group", number=1)
    in_group = a_message(canary, person="group", author=BEA, task=shared.id, route=a_route(shared))
    every += [shared, in_group, a_message("kept", person="group", author=OWNER, task=shared.id)]
    await store.commit(*map(Add, every))
    await documents.put(f"memory/home/default/{BEA}", "fact", {"fact": canary})
    await documents.put("memory/home/default/owner", "fact", {"fact": "kept"})
    await store.close()


def others(folder: Path) -> tuple[object, int]:
    """Return how many messages of others there are, and documents."""
    [(messages,)] = asked(folder, "SELECT count(*) FROM messages WHERE author = 'owner'")
    return messages, len(list((folder / "documents").glob("memory_home_default_owner*")))


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, "leaving.tasks:2"])
def test_killed_at_a_failpoint_it_is_gone_on_with(tmp_path: Path, failpoint: str) -> None:
    asyncio.run(moved_in(tmp_path))
    assert left(tmp_path, BEA, CANARY)
    assert erase(MODULE, tmp_path, failpoint) == -signal.SIGKILL
    assert left(tmp_path, BEA, CANARY) or failpoint == "leaving.last"
    assert erase(MODULE, tmp_path) == 0

    assert left(tmp_path, BEA, CANARY) == []
    assert others(tmp_path) == (1, 1)


def test_killed_at_any_moment_again_and_again_it_comes_to_its_end(tmp_path: Path) -> None:
    asyncio.run(moved_in(tmp_path))
    chance = Random(SEED)
    for _ in range(4):
        erase(MODULE, tmp_path, seconds=0.6 + chance.random())
    assert erase(MODULE, tmp_path) == 0

    assert left(tmp_path, BEA, CANARY) == []
    assert others(tmp_path) == (1, 1)
