"""Killed at any moment, an installation leaves exactly the old version or the new one, and nothing besides."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from hub.failpoints import RARE
from hub.packages.installer import Installed
from hub.packages.scripts import Scripts
from hub.store.sql import SqlStore
from tests.faults.installing import NAMES as USED
from tests.faults.installing import opened
from tests.unit.tools.calls import use

KILLS = int(os.environ.get("AGENTHOST_KILLS", "20"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
FAILPOINTS = [name for name in RARE if name.startswith("package.")]

pytestmark = pytest.mark.faults


class Doomed:
    """Processes that change what's installed, and are killed."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.faults.installing", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def die(self, seed: int, chance: Random) -> list[str]:
        """Let one work until it's killed, at a failpoint or at any moment; return what it was told is kept."""
        if chance.random() < 0.6:
            return self.die_at(seed, f"{chance.choice(FAILPOINTS)}:{chance.randint(1, 6)}")
        return self.die_at(seed, "-", f"{0.02 + chance.random() * 0.4:.3f}")

    def die_at(self, seed: int, failpoint: str, seconds: str = "0") -> list[str]:
        """Let one work until it's killed at a failpoint, or after so many seconds."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seed} {seconds} {failpoint}\n")
        told: list[str] = []
        while (line := self._process.stdout.readline().strip()) and not line.startswith("dead "):
            told.append(line)
        assert line == f"dead {int(signal.SIGKILL)}", line
        return told

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


async def look(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Open what the dead left; return the versions said to be enabled, and those that the tools really are."""
    store, scripts = SqlStore.in_folder(folder), Scripts()
    await store.open()
    found: list[Installed] = []
    installer = opened(store, scripts, folder)
    installer.watch(found.append)
    try:
        await installer.open()
        await installer.go_on()
        packages = await installer.packages()
        wanted = {
            f"{edition.version}-{edition.digest[:12]}/{package.id}"
            for package in packages
            for edition in (package.now, package.before, package.next)
            if edition
        }
        there = {
            str(path.relative_to(path.parents[1])) for path in (folder / "packages").glob("*/*/*") if path.is_dir()
        }
        assert there == wanted
        assert not (folder / "packages" / ".coming").exists()
        # Nothing is under way any more, and what failed says why.
        unfinished = [each for each in await installer.installations() if each.state not in {"installed", "enabled"}]
        assert [each for each in unfinished if each.state != "failed" or not each.error] == []
        said = [(await use(tool)).split() for tool in found[-1].tools]
        enabled = {str(package.id): package.now.version for package in packages if package.state == "enabled"}
        for package in packages:
            asks = set((await installer.sheet(package)).asks)
            assert package.state == "disabled" or asks <= set(package.now.grants), "half enabled"
        return enabled, dict(said)
    finally:
        await store.close()
        await scripts.close()


def test_a_killed_installation_is_the_old_version_or_the_new_one(tmp_path: Path) -> None:
    chance, doomed = Random(SEED), Doomed(tmp_path)
    expected: dict[str, str] = {}
    for kill in range(KILLS):
        told = doomed.die(SEED * 1000 + kill, chance)
        expected |= dict(line.split() for line in told)
        installed, tools = asyncio.run(look(tmp_path))
        assert installed == tools, f"kill {kill}"
        # What was told is kept; only the one change that was under way may be kept or not.
        differ = [name for name in USED if installed.get(name, "-") != expected.get(name, "-")]
        assert len(differ) <= 1, f"kill {kill}: {differ}, told {told[-3:]}"
        expected = installed
    doomed.close()


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_each_step_it_is_gone_on_with(tmp_path: Path, failpoint: str) -> None:
    doomed = Doomed(tmp_path)
    for nth in (1, 2):
        doomed.die_at(SEED * 1000 + nth, f"{failpoint}:{nth}")
        installed, tools = asyncio.run(look(tmp_path))
        assert installed == tools
    doomed.close()
