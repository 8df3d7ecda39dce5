"""Processes that install, update, roll back and remove packages without end, until each is killed.

`python -m tests.faults.installing FOLDER` reads lines `SEED SECONDS FAILPOINT` (seconds 0: only the failpoint kills it;
failpoint -: only the time does). For each it forks a process, and writes a line for each change that this was told is
kept, then `dead STATUS`. Forked, it needn't load everything anew.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random

from hub.clock import SystemClock
from hub.errors import PersonError
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.store.documents import MemoryDocuments
from hub.store.sql import SqlStore
from tests.unit.packages.zipping import a_plugin

NAMES = ("echo", "sing")


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


async def work(folder: Path, chance: Random) -> None:
    store, scripts = SqlStore.in_folder(folder), Scripts()
    await store.open()
    installer = Installer(
        store,
        folder / "packages",
        [Plugins(scripts, MemoryDocuments()), Agents()],
        SystemClock(),
        tools=["clock"],
        agents=["default"],
    )
    await installer.open()
    while True:
        name = chance.choice(NAMES)
        try:
            match chance.randrange(5):
                case 0:
                    await installer.remove(name)
                    say(f"{name} -")
                case 1:
                    say(f"{name} {(await installer.roll_back(name)).now.version}")
                case _:
                    version = f"{chance.randrange(1, 4)}.0.0"
                    say(f"{name} {(await installer.install(a_plugin(name, version), [], version)).now.version}")
        except PersonError:
            continue


def main(folder: Path) -> None:
    for line in sys.stdin:
        seed, seconds, failpoint = line.split()
        child = os.fork()
        if child == 0:
            if failpoint != "-":
                os.environ["AGENTHOST_FAILPOINT"] = failpoint
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, float(seconds))
            asyncio.run(work(folder, Random(int(seed))))
        _, status = os.waitpid(child, 0)
        say(f"dead {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
