"""Killed anywhere while a tenant is erased, the hub goes on with it: at the end nothing of it is on the disk."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
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
from tests.faults.erasing import opened

FAILPOINTS = [name for name in RARE if name.startswith("clearing.")]
CANARY = b"canary-of-bea"
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


def erase(folder: Path, failpoint: str = "", seconds: float | None = None) -> int:
    """Erase the tenant in a process of its own, killed at a failpoint or after a while; return its exit code."""
    environ = {**os.environ, "AGENTHOST_FAILPOINT": failpoint} if failpoint else dict(os.environ)
    process = subprocess.Popen([sys.executable, "-m", "tests.faults.clearing", str(folder)], env=environ)
    try:
        return process.wait(timeout=seconds or 60)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def left(folder: Path) -> list[str]:
    """Return what still tells of the tenant: files by their bytes, rows by their table."""
    found = [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "hub.db" not in path.name and (CANARY in path.read_bytes() or BEAS in path.name)
    ]
    with closing(sqlite3.connect(folder / "hub.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = [str(row) for row in database.execute(f"SELECT * FROM {table}")]
            found += [table for row in rows if BEAS in row or CANARY.decode() in row]
    return found


def others(folder: Path) -> list[int]:
    """Return how much of the hub's own there is: messages, people, what was taken, documents."""
    with closing(sqlite3.connect(folder / "hub.db")) as database:
        counts = [database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("messages", "persons")]
        counts += database.execute("SELECT count(*) FROM taken").fetchone()
    return [*counts, len(list((folder / "documents").glob("memory_home_default_owner*")))]


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, "clearing.person:2", "leaving.messages:2"])
def test_killed_at_a_failpoint_it_is_gone_on_with(tmp_path: Path, failpoint: str) -> None:
    asyncio.run(moved_in(tmp_path))
    assert left(tmp_path)
    assert erase(tmp_path, failpoint) == -signal.SIGKILL
    assert left(tmp_path)
    assert erase(tmp_path) == 0

    assert left(tmp_path) == []
    assert others(tmp_path) == [1, 1, 2, 1]


def test_killed_at_any_moment_again_and_again_it_comes_to_its_end(tmp_path: Path) -> None:
    asyncio.run(moved_in(tmp_path))
    chance = Random(SEED)
    for _ in range(4):
        erase(tmp_path, seconds=0.6 + chance.random())
    assert erase(tmp_path) == 0

    assert left(tmp_path) == []
    assert others(tmp_path) == [1, 1, 2, 1]
