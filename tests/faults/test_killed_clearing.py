"""Killed anywhere while a tenant is erased, the hub goes on with it: at the end nothing of it is on the disk."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import pytest

from hub.failpoints import RARE
from hub.ports import Add, Count
from hub.records import HOME, OWNER, File, PersonId, Record
from hub.records.usage import total
from hub.testing import (
    a_key,
    a_message,
    a_pairing,
    a_person,
    a_reply,
    a_step,
    a_taken,
    a_task,
    a_tenant,
    a_turn,
    an_embed,
    an_entry,
    an_event,
)
from tests.faults.clearing import BEAS
from tests.faults.erased import asked, erase, left
from tests.faults.erasing import opened

FAILPOINTS = [name for name in RARE if name.startswith("clearing.")]
CANARY = b"canary-of-bea"
MODULE = "tests.faults.clearing"
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))

pytestmark = pytest.mark.faults


async def moved_in(folder: Path) -> None:
    """Keep what a tenant has, with three people, and a message of the hub's own."""
    store, files, documents, workspaces, _ = await opened(folder)
    canary = CANARY.decode()
    theirs: list[Record] = [a_tenant(id=BEAS, name=canary), a_pairing(tenant=BEAS, name=canary)]
    theirs.append(an_embed(tenant=BEAS, name=canary))
    for whose in (OWNER, PersonId("cai"), PersonId("dee")):
        task = a_task(canary, tenant=BEAS, person=whose)
        turn = a_turn(task, answer=canary)
        sha256, _ = await files.put(CANARY + whose.encode(), limit=100)
        file = File(name="a.bin", media_type="application/octet-stream", size=14, sha256=sha256)
        message = a_message(tenant=BEAS, person=whose, task=task.id, turn=turn.id, parts=(file,))
        role = "owner" if whose == OWNER else "member"
        theirs += [a_person(tenant=BEAS, id=whose, name=canary, role=role, external=f"{canary}-{whose}")]
        theirs += [task, turn, a_step(turn, result=canary), message, an_entry(message), a_reply(message, canary)]
        theirs += [a_key(tenant=BEAS, person=whose), an_event(tenant=BEAS, person=whose)]
        await workspaces.write(BEAS, task.id, "notes.txt", CANARY)
        await documents.put(f"memory/{BEAS}/default/{whose}", "fact", {"fact": canary})
    ours: list[Record] = [a_tenant(id=HOME, name="Home"), a_person(), a_message("kept")]
    await store.commit(*map(Add, [*theirs, *ours]))
    taken = [a_taken(tenant=BEAS, key="k"), a_taken()]
    await store.commit(*(Count(each) for one in taken for each in (one, total(one))))
    await documents.put("memory/home/default/owner", "fact", {"fact": "kept"})
    await store.close()


def others(folder: Path) -> list[object]:
    """Return how much of the hub's own there is: messages, people, what was taken, documents."""
    tables = "(SELECT count(*) FROM messages), (SELECT count(*) FROM persons), (SELECT count(*) FROM taken)"
    [counts] = asked(folder, f"SELECT {tables}")
    return [*counts, len(list((folder / "documents").glob("memory_home_default_owner*")))]


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, "clearing.person:2", "leaving.messages:2"])
def test_killed_at_a_failpoint_it_is_gone_on_with(tmp_path: Path, failpoint: str) -> None:
    asyncio.run(moved_in(tmp_path))
    assert left(tmp_path, BEAS, CANARY)
    assert erase(MODULE, tmp_path, failpoint) == -signal.SIGKILL
    assert left(tmp_path, BEAS, CANARY)
    assert erase(MODULE, tmp_path) == 0

    assert left(tmp_path, BEAS, CANARY) == []
    assert others(tmp_path) == [1, 1, 2, 1]


def test_killed_at_any_moment_again_and_again_it_comes_to_its_end(tmp_path: Path) -> None:
    asyncio.run(moved_in(tmp_path))
    chance = Random(SEED)
    for _ in range(4):
        erase(MODULE, tmp_path, seconds=0.6 + chance.random())
    assert erase(MODULE, tmp_path) == 0

    assert left(tmp_path, BEAS, CANARY) == []
    assert others(tmp_path) == [1, 1, 2, 1]
