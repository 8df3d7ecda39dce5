"""A process that publishes in a registry until it's killed: each line of its input is one life, as SEED SECONDS POINT.

It says "kept VERSION SHA256" of each version once that's acknowledged. It forks, so that each life begins in a moment.
"""

import asyncio
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

from msgspec.structs import replace
from sqlalchemy import select

from hub.clock import SystemClock
from hub.registry.accounts import EVERYTHING, Caller
from hub.registry.parts import Parts, at_work, opened
from hub.registry.publishing import Upload
from hub.registry.records import Account
from hub.registry.shelf import record
from hub.registry.tables import accounts
from hub.releases import Release
from hub.shelves import ShelfConfig
from hub.statements import SigningKey
from tests.unit.packages.zipping import a_plugin

NAMES = ("one", "two", "three")
CONFIG = ShelfConfig(listed_after_days=0, new_versions=1_000_000, new_packages=1_000_000)


def registry(folder: Path) -> AbstractAsyncContextManager[Parts]:
    return opened(replace(CONFIG, data=str(folder)), folder, "", SystemClock(), memory=64)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def work(folder: Path, chance: Random) -> None:
    key = SigningKey.kept(folder / "ann.key")
    async with registry(folder) as parts, at_work(parts):
        row = await parts.shelf.read(lambda each: each.execute(select(accounts).where(accounts.c.name == "ann")).one())
        caller = Caller(account=record(Account, row), token="", scopes=(EVERYTHING,), admin=False)
        while True:
            name, version = chance.choice(NAMES), f"{chance.randrange(10**6)}.0.0"
            archive = a_plugin(name, version, tool="say")
            release = Release.of(f"ann/{name}", version, archive, (), datetime.now(UTC))
            sent = Upload(publisher="ann", name=name, version=version, archive=archive, envelope=key.seal(release))
            await parts.publishing.publish(caller, sent)
            say(f"kept {name}@{version} {sha256(archive).hexdigest()}")


def main(folder: Path) -> None:
    for line in sys.stdin:
        seed, seconds, failpoint = line.split()
        child = os.fork()
        if child == 0:
            if failpoint != "-":
                os.environ["AGENTHOST_FAILPOINT"] = failpoint
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            # Whoever never comes by its failpoint is killed all the same.
            signal.setitimer(signal.ITIMER_REAL, float(seconds) or 20.0)
            asyncio.run(work(folder, Random(int(seed))))
        _, status = os.waitpid(child, 0)
        say(f"dead {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
