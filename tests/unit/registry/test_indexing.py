"""The signed index: whole, only ever newer, never over, and as cheap as what changed."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import delete, func, select

from hub.errors import StartError, StatementError
from hub.registry.indexing import KEPT, REST, Indexing, Made
from hub.registry.parts import Parts, opened
from hub.registry.tables import indexes, shards
from hub.releases import Index, IndexedPackage, IndexedVersion, read_index, shard_of
from hub.statements import SigningKey, public_of
from hub.testing import FakeClock
from tests.unit.registry.conftest import ON_SQLITE, Client
from tests.unit.registry.shelves import Shelved

MOMENT = REST.total_seconds() + 1


def told(parts: Parts, made: Made) -> Index:
    return read_index(made.envelope, parts.signer.public)


async def whole(indexing: Indexing, index: Index) -> dict[str, tuple[IndexedVersion, ...]]:
    """Return what an index says in all, having checked it as a hub does."""
    found: dict[str, tuple[IndexedVersion, ...]] = {}
    for name, shard in index.shards.items():
        data = await indexing.shard(shard.sha256)
        assert sha256(data).hexdigest() == shard.sha256
        packages = msgspec.json.decode(data, type=list[IndexedPackage])
        assert len(packages) == shard.packages > 0
        assert {shard_of(package.name) for package in packages} == {name}
        found |= {package.name: package.versions for package in packages}
    return found


def versions_of(versions: Sequence[IndexedVersion]) -> list[str]:
    return [each.version for each in versions]


async def test_an_empty_registry_has_an_index_too(parts: Parts) -> None:
    index = told(parts, await parts.indexing.current())

    assert (index.registry, index.shards) == ("http://registry.test", {})
    assert index.serial >= 1


async def test_the_index_has_what_is_listed_or_revoked_with_reasons_and_nothing_else(
    parts: Parts, shelved: Shelved, clock: FakeClock
) -> None:
    await shelved.add("tool", "1.10.0")
    await shelved.add("tool", "1.9.0")
    await shelved.add("tool", "2.0.0", state="held")
    await shelved.add("bad", state="revoked")
    for state in ("pending", "held", "quarantined", "deleted"):
        await shelved.add(f"unseen-{state}", state=state)
    await shelved.add("gone")
    await shelved.remove("gone")
    await shelved.change("tool", "1.9.0", yanked_at=clock.now(), yanked="loses mail")

    found = await whole(parts.indexing, told(parts, await parts.indexing.current()))

    assert sorted(found) == ["ann/bad", "ann/tool"]
    assert versions_of(found["ann/tool"]) == ["1.9.0", "1.10.0"]
    assert [each.yanked for each in found["ann/tool"]] == ["loses mail", ""]
    assert [each.revoked for each in found["ann/bad"]] == ["the registry took it away"]
    assert found["ann/tool"][1].sha256 == sha256(b"ann/tool@1.10.0").hexdigest()


async def test_a_change_is_told_moments_later_by_a_higher_serial_and_only_its_shard_is_made_anew(
    parts: Parts, shelved: Shelved, clock: FakeClock
) -> None:
    for number in range(40):
        await shelved.add(f"tool-{number}")
    before = told(parts, await parts.indexing.current())

    await clock.advance(MOMENT)
    await shelved.change("tool-7", state="revoked", reason="steals keys")
    after = told(parts, await parts.indexing.current())

    assert after.serial > before.serial
    changed = {name for name in after.shards if after.shards[name] != before.shards.get(name)}
    assert changed == {shard_of("ann/tool-7")}
    found = await whole(parts.indexing, after)
    assert found["ann/tool-7"][0].revoked == "steals keys"
    assert len(await whole(parts.indexing, before)) == 40, "who reads the older index finishes it"


async def test_however_much_changes_an_index_stands_for_a_moment(
    parts: Parts, shelved: Shelved, clock: FakeClock
) -> None:
    first = await parts.indexing.current()
    await shelved.add("tool")

    await clock.advance(MOMENT / 2)
    assert await parts.indexing.current() == first
    await clock.advance(MOMENT)
    second = await parts.indexing.current()

    assert "ann/tool" in await whole(parts.indexing, told(parts, second))
    assert await parts.indexing.current() == second


async def test_an_index_is_renewed_after_half_its_time_and_never_given_out_when_its_over(
    parts: Parts, clock: FakeClock
) -> None:
    good = timedelta(hours=parts.config.index_hours)
    serials = []
    for _ in range(6):
        made = await parts.indexing.current()
        serials.append(made.serial)
        assert made.expires_at - clock.now() >= good / 2
        await clock.advance(good.total_seconds() * 0.3)

    assert serials == sorted(serials)
    assert len(set(serials)) == 3


async def test_a_clock_that_was_wrong_leaves_no_index_of_the_future(parts: Parts, clock: FakeClock) -> None:
    ahead = FakeClock(clock.now() + timedelta(days=30))
    wrong = Indexing(parts.shelf, ahead, parts.signer, parts.url, 24)
    future = await wrong.current()

    made = await parts.indexing.current()

    assert made.issued_at == clock.now()
    assert made.serial > future.serial


async def test_a_database_from_a_backup_gives_no_lower_serial(parts: Parts, clock: FakeClock) -> None:
    given_out = await parts.indexing.current()
    await parts.shelf.write(lambda each: each.execute(delete(indexes)) and None)
    await clock.advance(MOMENT)

    restored = await Indexing(parts.shelf, clock, parts.signer, parts.url, 24).current()

    assert restored.serial > given_out.serial


async def test_old_indexes_and_their_shards_go_when_nobody_can_be_reading_them(
    parts: Parts, shelved: Shelved, clock: FakeClock
) -> None:
    await shelved.add("tool")
    for number in range(KEPT + 5):
        await shelved.change("tool", yanked_at=clock.now(), yanked=f"reason {number}")
        await parts.indexing.current()
        await clock.advance(MOMENT)

    count = select(func.count()).select_from(indexes)
    assert await parts.shelf.read(lambda each: each.execute(count).scalar()) == KEPT
    count = select(func.count()).select_from(shards)
    assert await parts.shelf.read(lambda each: each.execute(count).scalar()) == KEPT + 5
    await clock.advance(timedelta(hours=2).total_seconds())
    await parts.upkeep.sweep()
    assert await parts.shelf.read(lambda each: each.execute(count).scalar()) == 1
    assert await whole(parts.indexing, told(parts, await parts.indexing.current()))


async def test_a_shard_that_becomes_what_it_was_stays(parts: Parts, shelved: Shelved, clock: FakeClock) -> None:
    await shelved.add("tool")
    first = told(parts, await parts.indexing.current())
    for state in ("quarantined", "listed"):
        await clock.advance(MOMENT)
        await shelved.change("tool", state=state)
        last = told(parts, await parts.indexing.current())

    await clock.advance(timedelta(hours=2).total_seconds())
    await parts.upkeep.sweep()

    assert last.shards == first.shards
    assert await whole(parts.indexing, last)


async def test_another_key_or_address_makes_the_whole_index_anew(
    parts: Parts, shelved: Shelved, clock: FakeClock
) -> None:
    await shelved.add("tool")
    first = await parts.indexing.current()
    key = SigningKey.fresh()

    other = await Indexing(parts.shelf, clock, key, "http://elsewhere.test", 24).current()

    index = read_index(other.envelope, key.public)
    assert index.registry == "http://elsewhere.test"
    assert other.serial > first.serial
    assert "ann/tool" in await whole(parts.indexing, index)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_process_with_another_key_does_not_join(parts: Parts, clock: FakeClock, tmp_path: Path) -> None:
    await parts.indexing.current()
    config = replace(parts.config, data=str(tmp_path / "other"))

    with pytest.raises(StartError, match=r"copy that file from the other process's folder"):
        async with opened(config, tmp_path, parts.url, clock, memory=64):
            pass

    await clock.advance(timedelta(hours=parts.config.index_hours + 1).total_seconds())
    async with opened(config, tmp_path, parts.url, clock, memory=64) as later:
        await later.indexing.current()


@ON_SQLITE
async def test_each_bit_of_the_index_counts(parts: Parts, shelved: Shelved) -> None:
    await shelved.add("tool")
    envelope = (await parts.indexing.current()).envelope

    for at in range(len(envelope)):
        flipped = envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]
        try:
            read = read_index(flipped, parts.signer.public)
        except StatementError:
            continue
        assert read == told(parts, await parts.indexing.current()), at


async def test_hubs_fetch_the_index_its_shards_and_the_key(client: Client, parts: Parts, shelved: Shelved) -> None:
    await shelved.add("tool")

    key = (await client.get("/registry/v1/key")).json()
    answer = await client.get("/registry/v1/index")
    index = read_index(answer.content, public_of(key["public"]))
    [shard] = index.shards.values()
    given = await client.get(f"/registry/v1/index/{shard.sha256}")

    assert answer.headers["cache-control"] == "public, no-cache"
    assert given.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sha256(given.content).hexdigest() == shard.sha256
    assert given.headers["content-type"] == answer.headers["content-type"] == "application/json"
    for path, found in (("index", answer), (f"index/{shard.sha256}", given)):
        again = await client.get(f"/registry/v1/{path}", headers={"If-None-Match": found.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await client.get(f"/registry/v1/index/{'0' * 64}")).status_code == 404
