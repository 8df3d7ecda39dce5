"""Killed at any moment, a registry has all of an upload or nothing, and goes on with what wasn't looked into yet."""

import asyncio
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, select

from hub.failpoints import RARE
from hub.registry.auditing import fault
from hub.registry.parts import at_work
from hub.registry.tables import archives, audit, listings, versions
from hub.statements import SigningKey, shown
from tests.faults.uploading import registry

KILLS = int(os.environ.get("AGENTHOST_KILLS", "20"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
FAILPOINTS = [name for name in RARE if name.startswith(("publish.", "scan."))]

pytestmark = pytest.mark.faults


class Doomed:
    """A process that publishes, and is killed."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.faults.uploading", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def die_at(self, seed: int, failpoint: str, seconds: str = "0") -> dict[str, str]:
        """Let it work until it's killed at a failpoint, or after so many seconds; return what it had acknowledged."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seed} {seconds} {failpoint}\n")
        kept: dict[str, str] = {}
        while (line := self._process.stdout.readline().strip()).startswith("kept "):
            _, what, digest = line.split()
            kept[what] = digest
        assert line == f"dead {int(signal.SIGKILL)}", line
        return kept

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


async def begin(folder: Path) -> None:
    """Open an account, and name its publisher's key."""
    async with registry(folder) as parts:
        _, token = await parts.accounts.create("ann", "", "correct horse battery", "ann")
        caller = await parts.accounts.caller(token)
        assert caller
        await parts.keys.add(caller, "ann", shown(SigningKey.kept(folder / "ann.key").public), None)


async def look(folder: Path) -> dict[str, str]:
    """Open what the dead left and have it looked into; return the versions' SHA-256, once all is checked."""
    async with registry(folder) as parts, at_work(parts):
        async with asyncio.timeout(60):
            while await parts.shelf.read(_pending):
                await asyncio.sleep(0.02)
        assert await parts.shelf.read(fault) == ""
        return await parts.shelf.read(_whole)


def _pending(connection: Connection) -> bool:
    return connection.execute(select(versions.c.version).where(versions.c.state == "pending")).first() is not None


def _whole(connection: Connection) -> dict[str, str]:
    """Return what's kept, and fail unless all that belongs to it is kept too, once."""
    kept = {f"{row.name}@{row.version}": row.sha256 for row in connection.execute(select(versions))}
    bytes_ = {row.sha256: sha256(row.data).hexdigest() for row in connection.execute(select(archives))}
    assert set(bytes_) == set(kept.values())
    assert all(digest == found for digest, found in bytes_.items())
    assert {what.partition("@")[0] for what in kept} == set(connection.execute(select(listings.c.name)).scalars())
    for action in ("version.publish", "version.list"):
        noted = connection.execute(select(audit.c.subject).where(audit.c.action == action)).scalars().all()
        assert sorted(noted) == sorted(f"ann/{what}" for what in kept), action
    return kept


def test_a_killed_registry_has_all_of_an_upload_or_nothing(tmp_path: Path) -> None:
    asyncio.run(begin(tmp_path))
    chance, doomed = Random(SEED), Doomed(tmp_path)
    expected: dict[str, str] = {}
    for kill in range(KILLS):
        if chance.random() < 0.5:
            point = f"{chance.choice(FAILPOINTS)}:{chance.randint(1, 5)}"
            told = doomed.die_at(SEED * 1000 + kill, point)
        else:
            told = doomed.die_at(SEED * 1000 + kill, "-", f"{0.2 + chance.random() * 0.6:.3f}")
        expected |= told
        kept = asyncio.run(look(tmp_path))
        assert expected.items() <= kept.items(), f"kill {kill}"
        # Only the one that was under way may be kept although nobody was told.
        assert len(kept) - len(expected) <= 1, f"kill {kill}"
        expected = kept
    assert len(expected) > KILLS
    doomed.close()


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_each_point_it_is_gone_on_with(tmp_path: Path, failpoint: str) -> None:
    asyncio.run(begin(tmp_path))
    doomed = Doomed(tmp_path)
    for nth in (1, 3):
        told = doomed.die_at(SEED * 1000 + nth, f"{failpoint}:{nth}")
        kept = asyncio.run(look(tmp_path))
        assert told.items() <= kept.items()
        assert failpoint != "publish.before-commit" or nth > 1 or kept == {}
    doomed.close()
