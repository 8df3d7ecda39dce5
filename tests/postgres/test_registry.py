"""Two registries over one PostgreSQL are one registry: whichever is asked, and however much at once.

Only how often somebody may come is counted by each for itself.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import select

from hub.clock import SystemClock
from hub.errors import BadRequest, Duplicate
from hub.registry.auditing import fault
from hub.registry.indexing import Indexing
from hub.registry.parts import KEY, Parts, opened
from hub.registry.tables import accounts
from hub.registry.web.app import build
from hub.releases import IndexedPackage, read_index
from hub.shelves import ShelfConfig
from hub.testing import FakeClock
from tests.unit.registry.shelves import Shelved

Both = tuple[Parts, Parts]
CHANGES = 24


@pytest.fixture
async def both(registry_database: str, tmp_path: Path) -> AsyncIterator[Both]:
    """Two processes' parts, with one key between them."""
    found: list[Parts] = []
    async with AsyncExitStack() as stack:
        for name in ("one", "two"):
            folder = tmp_path / name / "registry"
            folder.mkdir(parents=True, mode=0o700)
            if found:
                shutil.copy(tmp_path / "one" / "registry" / KEY, folder / KEY)
            config = ShelfConfig(listed_after_days=0, rate_after_days=0, database=registry_database)
            parts = opened(config, tmp_path / name, "http://registry.test", SystemClock(), memory=64)
            found.append(await stack.enter_async_context(parts))
        yield found[0], found[1]


async def test_what_one_keeps_the_other_tells(both: Both) -> None:
    one, two = both
    await Shelved(one.shelf, FakeClock()).add("weather")
    _, token = await one.accounts.create("ann", "", "correct horse battery", "ann")

    assert [item.name for item in (await two.search.find("weather")).items] == ["weather"]
    caller = await two.accounts.caller(token)
    assert caller is not None
    assert caller.account.name == "ann"
    async with AsyncTestClient(build(two), base_url="http://registry.test") as client:
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.delete("/registry/v1/session", headers=headers)).status_code == 204
    assert await one.accounts.caller(token) is None


async def test_a_name_that_many_want_at_once_is_given_to_one_and_what_was_done_stands_in_one_chain(both: Both) -> None:
    async def want(parts: Parts, name: str) -> bool:
        try:
            await parts.accounts.create(name, "", "correct horse battery", f"{name}-tools")
        except BadRequest:
            return False
        return True

    names = [f"name-{number}" for number in range(6)]
    wants = [(parts, name) for name in names for parts in both for _ in range(3)]
    given = await asyncio.gather(*(want(parts, name) for parts, name in wants))

    assert Counter(name for (_, name), good in zip(wants, given, strict=True) if good) == Counter(names)
    assert len(await both[0].shelf.read(lambda each: each.execute(select(accounts.c.id)).all())) == len(names)
    assert await both[1].shelf.read(fault) == ""


async def test_versions_that_are_added_at_once_leave_the_newest_as_the_latest(both: Both) -> None:
    shelves = [Shelved(parts.shelf, FakeClock()) for parts in both]
    await shelves[0].add("tool", "0.1.0")

    await asyncio.gather(
        *(shelves[number % 2].add("tool", f"1.{number}.0", description=f"word{number}") for number in range(CHANGES))
    )

    [item] = (await both[0].search.find("tool")).items
    assert item.latest == f"1.{CHANGES - 1}.0"
    assert [each.name for each in (await both[1].search.find(f"word{CHANGES - 1}")).items] == ["tool"]
    assert (await both[1].search.find("word3")).items == ()


async def test_a_version_that_many_add_at_once_is_one(both: Both) -> None:
    shelves = [Shelved(parts.shelf, FakeClock()) for parts in both]
    await shelves[0].add("tool", "0.1.0")

    async def add(number: int) -> bool:
        try:
            await shelves[number % 2].add("tool", "1.0.0", description=f"By {number}.")
        except Duplicate:
            return False
        return True

    added = await asyncio.gather(*(add(number) for number in range(20)))

    assert sum(added) == 1
    [item] = (await both[0].search.find("tool")).items
    assert item.description == f"By {added.index(True)}."


async def test_whoever_is_asked_no_index_is_older_than_one_that_was_given_out_and_no_change_is_lost(
    both: Both,
) -> None:
    shelves = [Shelved(parts.shelf, FakeClock()) for parts in both]
    public = both[0].signer.public
    # They follow each other as fast as they're asked for: each is made while others change something and make some.
    indexings = [Indexing(parts.shelf, parts.clock, parts.signer, parts.url, 24, rest=timedelta()) for parts in both]
    serials: list[int] = []

    async def ask() -> None:
        for number in range(2 * CHANGES):
            index = read_index((await indexings[number % 2].current()).envelope, public)
            serials.append(index.serial)

    async def make(number: int) -> None:
        await shelves[number % 2].add(f"tool-{number}")
        await indexings[number % 2].current()

    await asyncio.gather(ask(), *(make(number) for number in range(CHANGES)))

    assert serials == sorted(serials)
    last = read_index((await indexings[0].current()).envelope, public)
    names = set()
    for shard in last.shards.values():
        data = await indexings[1].shard(shard.sha256)
        assert sha256(data).hexdigest() == shard.sha256
        names |= {package.name for package in msgspec.json.decode(data, type=list[IndexedPackage])}
    assert names == {f"ann/tool-{number}" for number in range(CHANGES)}


async def test_both_sweep_at_once_and_neither_fails(both: Both) -> None:
    await Shelved(both[0].shelf, FakeClock()).add("tool")

    assert await asyncio.gather(*(parts.upkeep.sweep() for parts in both * 3)) == [0] * 6
