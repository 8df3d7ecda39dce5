"""Two registries over one PostgreSQL database take versions in as one: no version twice, and one whole audit log."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.errors import AgentHostError
from hub.packages.scanning import Scanner
from hub.registry.accounts import Caller
from hub.registry.auditing import fault
from hub.registry.parts import Parts
from hub.registry.publishing import Upload
from hub.registry.tables import audit, versions
from hub.shelves import ShelfConfig
from hub.statements import SigningKey, shown
from hub.testing import FakeClock
from tests.unit.registry.authoring import release, saying
from tests.unit.registry.conftest import PASSWORD, opened_at_work

CLIENTS, RACES = 20, 10


@pytest.fixture
async def both(registry_database: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, Parts]]:
    config = ShelfConfig(
        database=registry_database, listed_after_days=0, new_versions=1_000, new_packages=3, admins=("root-admin",)
    )
    async with AsyncExitStack() as stack:
        clock = FakeClock()
        yield (
            await stack.enter_async_context(opened_at_work(config, tmp_path / "one", clock, Scanner())),
            await stack.enter_async_context(opened_at_work(config, tmp_path / "two", clock, Scanner())),
        )


async def an_account(parts: Parts, name: str, key: SigningKey) -> Caller:
    _, token = await parts.accounts.create(name, "", PASSWORD, name)
    caller = await parts.accounts.caller(token)
    assert caller
    await parts.keys.add(caller, name, shown(key.public), None)
    return caller


async def send(parts: Parts, caller: Caller, key: SigningKey, name: str, version: str, said: str) -> str:
    archive = saying(said, name, version)
    statement = key.seal(release(f"{caller.account.name}/{name}", version, archive))
    upload = Upload(publisher=caller.account.name, name=name, version=version, archive=archive, envelope=statement)
    try:
        _, fresh = await parts.publishing.publish(caller, upload)
    except AgentHostError as error:
        return type(error).__name__
    return "new" if fresh else "same"


async def test_of_twenty_that_publish_one_version_in_either_one_is_first(both: tuple[Parts, Parts]) -> None:
    key = SigningKey.fresh()
    ann = await an_account(both[0], "ann", key)

    for race in range(RACES):
        sent = [send(both[at % 2], ann, key, "echo", f"1.0.{race}", f"{at % 5}") for at in range(CLIENTS)]
        told = Counter(await asyncio.gather(*sent))
        assert told == {"new": 1, "same": 3, "Decided": 16}, race

    await until_listed(both[0], RACES)
    assert await both[0].shelf.read(fault) == ""
    noted = Counter(await actions(both[1]))
    assert (noted["version.publish"], noted["version.list"]) == (RACES, RACES)


async def test_the_same_bytes_of_many_publishers_at_once_are_kept_once(both: tuple[Parts, Parts]) -> None:
    keys = [SigningKey.fresh() for _ in range(8)]
    owners = [await an_account(both[at % 2], f"owner-{at}", key) for at, key in enumerate(keys)]

    sent = [send(both[at % 2], owners[at], keys[at], "echo", "1.0.0", "x") for at in range(len(owners))]

    assert await asyncio.gather(*sent) == ["new"] * len(owners)
    assert await both[0].shelf.read(fault) == ""


async def test_a_quota_holds_for_both_together(both: tuple[Parts, Parts]) -> None:
    key = SigningKey.fresh()
    ann = await an_account(both[0], "ann", key)

    sent = [send(both[at % 2], ann, key, f"tool-{at}", "1.0.0", "x") for at in range(10)]

    assert Counter(await asyncio.gather(*sent)) == {"new": 3, "TooMany": 7}


async def test_moderators_in_either_decide_once(both: tuple[Parts, Parts]) -> None:
    key = SigningKey.fresh()
    ann, admin = await an_account(both[0], "ann", key), await an_account(both[1], "root-admin", SigningKey.fresh())
    await send(both[0], ann, key, "echo", "1.0.0", "x")
    await until_listed(both[0], 1)

    async def revoke(parts: Parts) -> str:
        try:
            return (await parts.moderating.revoke(admin, "ann", "echo", "1.0.0", "bad")).state
        except AgentHostError as error:
            return type(error).__name__

    told = await asyncio.gather(*(revoke(both[at % 2]) for at in range(8)))

    assert Counter(told) == {"revoked": 1, "Decided": 7}
    assert Counter(await actions(both[0]))["version.revoke"] == 1


async def until_listed(parts: Parts, count: int) -> None:
    query = select(versions.c.version).where(versions.c.state == "listed")
    async with asyncio.timeout(20):
        while len(await parts.shelf.read(lambda each: each.execute(query).all())) < count:
            await asyncio.sleep(0.05)


async def actions(parts: Parts) -> list[str]:
    return list(await parts.shelf.read(lambda each: each.execute(select(audit.c.action)).scalars().all()))
