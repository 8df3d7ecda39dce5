"""Processes that install, update, roll back and remove packages without end, until each is killed.

`python -m tests.faults.installing FOLDER` reads lines `SEED SECONDS FAILPOINT` (seconds 0: only the failpoint kills it;
failpoint -: only the time does). For each it forks a process, and writes a line for each change that this was told is
kept, then `dead STATUS`. Forked, it needn't load everything anew.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from hub.clock import SystemClock
from hub.errors import PersonError
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.packages.sources import Sources
from hub.records import OWNER
from hub.store.documents import MemoryDocuments
from hub.store.sql import SqlStore
from hub.testing import FakeEgress
from tests.faults.lives import live, say
from tests.unit.packages.zipping import DATA, a_plugin

NAMES = ("echo", "sing")
VERSIONS = ("1.0.0", "2.0.0", "3.0.0")
"""The third asks for more than the others."""


def archive(name: str, version: str) -> bytes:
    return a_plugin(name, version, more=DATA if version == VERSIONS[-1] else "")


def opened(store: SqlStore, scripts: Scripts, folder: Path) -> Installer:
    """Return an installer over what's in a folder; it's not opened yet."""
    answers = {url(name, version): archive(name, version) for name in NAMES for version in VERSIONS}
    return Installer(
        store,
        folder / "packages",
        [Plugins(scripts, MemoryDocuments()), Agents()],
        SystemClock(),
        tools=["clock"],
        agents=["default"],
        sources=Sources(FakeEgress(answers)),
    )


def url(name: str, version: str) -> str:
    return f"https://example.org/{name}-{version}.zip"


async def change(installer: Installer, chance: Random) -> None:
    """Change something, and say what holds once it's kept: a name, the version in use or -, and the one that waits."""
    name, version = chance.choice(NAMES), chance.choice(VERSIONS)
    match chance.randrange(7):
        case 0:
            await installer.remove(name)
            say(f"{name} -")
            return
        case 1:
            package = await installer.roll_back(name)
        case 2:
            package = await installer.grant(name, ["fs:data"])
        case 3 | 4:
            requested = await installer.request(url(name, version), [], OWNER)
            arrived = await installer.wait(requested.id, 60)
            if arrived is None:
                raise TimeoutError
            package = arrived
        case _:
            package = await installer.install(archive(name, version), [], version)
    say(f"{name} {package.now.version if package.state == 'enabled' else '-'}")


async def work(folder: Path, chance: Random) -> None:
    store, scripts = SqlStore.in_folder(folder), Scripts()
    await store.open()
    installer = opened(store, scripts, folder)
    await installer.open()
    async with asyncio.TaskGroup() as group:
        group.create_task(installer.run())
        while True:
            try:
                await change(installer, chance)
            except PersonError:
                continue


if __name__ == "__main__":
    live(Path(sys.argv[1]), work)
