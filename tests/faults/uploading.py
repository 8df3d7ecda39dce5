"""A process that publishes in a registry until it's killed: each line of its input is one life, as SEED SECONDS POINT.

It says "kept VERSION SHA256" of each version once that's acknowledged. It forks, so that each life begins in a moment.
"""

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
from tests.faults.lives import live, say
from tests.unit.packages.zipping import a_plugin

NAMES = ("one", "two", "three")
CONFIG = ShelfConfig(listed_after_days=0, new_versions=1_000_000, new_packages=1_000_000)


def registry(folder: Path) -> AbstractAsyncContextManager[Parts]:
    return opened(replace(CONFIG, data=str(folder)), folder, "", SystemClock(), memory=64)


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


if __name__ == "__main__":
    live(Path(sys.argv[1]), work)
