"""Nobody is fooled: whatever is changed between a publisher and a hub isn't installed, and it's said what it was."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import AgentHostError, BadRequest, EgressError, ManifestError, NotFound, StatementError
from hub.outward import RegistryConfig
from hub.packages.publishers import Publishers
from hub.packages.registry import Claim
from hub.ports import Fetched
from hub.records import HOME
from hub.releases import read_install
from hub.statements import SigningKey, id_of, public_of, shown
from hub.store.documents import FileDocuments, MemoryDocuments
from hub.testing import FakeClock
from tests.unit.packages.shelving import URL
from tests.unit.packages.world import World
from tests.unit.packages.zipping import DATA, a_plugin

API = f"{URL}/registry/v1"
BASE = f"{API}/packages/ann/echo/versions/1.0.0"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path / "packages")
    opened.registry.publish("ann/echo", "1.0.0", a_plugin())
    yield opened
    await opened.scripts.close()


async def refused(world: World, source: str = "ann/echo") -> str:
    """Return why nothing is installed from a source; nothing was unpacked, and no publisher's key is pinned."""
    before = await world.store.packages(HOME)
    pins = await world.registries().publishers.all()
    with pytest.raises(AgentHostError) as refusal:
        await world.fetch(source)
    assert await world.store.packages(HOME) == before
    assert await world.registries().publishers.all() == pins
    assert not list(world.folder.glob("**/plugin.toml")) or before
    newest = (await world.store.installations(HOME, 1))[0]
    assert (newest.state, newest.error) == ("failed", str(refusal.value))
    return str(refusal.value)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


async def test_a_package_comes_with_who_signed_it_where_it_is_from_and_since_when_it_is_used(world: World) -> None:
    package = await world.fetch("ann/echo")

    origin, signer = package.now.origin, world.registry.signer("ann")
    assert origin
    assert (origin.registry, origin.name, origin.key) == (URL, "ann/echo", signer.id)
    assert origin.sha256 == sha256(a_plugin()).hexdigest()
    assert package.now.since == world.clock.now()
    (pinned,) = await world.registries().publishers.all()
    assert (pinned.publisher, pinned.key, pinned.by, pinned.registry) == ("ann", signer.id, "first", URL)


@pytest.mark.parametrize("seed", range(4))
async def test_a_flipped_bit_anywhere_in_zip_statement_index_or_shard_is_refused_and_told(
    world: World, seed: int
) -> None:
    whole = random.Random(seed)
    index = world.registry.index()
    ((_, shard),) = world.registry.shards().items()
    kept = world.registry.packages["ann/echo"]["1.0.0"]
    places = {
        f"{BASE}/download": (kept.archive, "the registry gave other bytes than its index says"),
        f"{BASE}/statement": (kept.statement, "statement"),
        f"{API}/index": (index, "index"),
        f"{API}/index/{sha256(shard).hexdigest()}": (shard, "a part of its index has other bytes"),
    }
    for where, (data, words) in places.items():
        world.egress.answers = {where: flipped(data, whole.randrange(len(data) * 8))}
        if where.endswith("/download"):
            assert words in await refused(world)
        for _ in range(100):
            world.documents = MemoryDocuments()
            world.egress.answers = {where: flipped(data, whole.randrange(len(data) * 8))}
            told = ""
            try:
                archive, claim = await world.registries().fetch("ann/echo")
            except AgentHostError as error:
                told = str(error)
            else:
                # An envelope names its key besides, which nothing hangs on: what's stated is still what was signed.
                assert where.endswith(("/statement", "/index"))
                assert (archive, claim.fault(archive)) == (kept.archive, "")
            assert not told or words in told or "isn't signed by the key" in told
    world.egress.answers, world.documents = {}, MemoryDocuments()
    assert (await world.fetch("ann/echo")).state == "enabled"


async def test_an_index_that_was_rolled_back_is_refused_also_after_a_restart(world: World) -> None:
    old = world.registry.index()
    world.registry.publish("ann/echo", "1.0.1", a_plugin(version="1.0.1"))
    await world.fetch("ann/echo")

    world.registry.frozen = old

    assert "was rolled back" in await refused(world)
    assert "the serial 2, and 3 was seen before" in await refused(world)


async def test_an_index_that_is_over_is_refused_as_of_a_mirror_that_is_frozen(world: World) -> None:
    world.registry.frozen = world.registry.index()
    await world.fetch("ann/echo")

    await world.clock.advance(timedelta(hours=25).total_seconds())

    assert "it's frozen on the way, or this machine's clock is wrong" in await refused(world)
    world.registry.frozen = None
    assert (await world.fetch("ann/echo")).state == "enabled"


async def test_a_registry_with_another_key_is_refused_until_the_config_names_it(world: World) -> None:
    await world.fetch("ann/echo")
    first, world.registry.key = world.registry.key, SigningKey.fresh()

    told = await refused(world)
    assert f"signed by the key {world.registry.key.id}, and the key {first.id} is pinned since" in told
    assert "give the new one under [[registries]]" in told

    world.config = RegistryConfig(url=URL, key=shown(world.registry.key.public))
    assert (await world.fetch("ann/echo")).state == "enabled"
    # From now on that's what is pinned.
    world.config = RegistryConfig(url=URL)
    assert (await world.fetch("ann/echo")).state == "enabled"


async def test_a_key_in_the_config_holds_from_the_first_time_on(world: World) -> None:
    world.config = RegistryConfig(url=URL, key=shown(SigningKey.fresh().public))

    assert "it's somebody else's" in await refused(world)


async def test_a_publisher_with_another_key_is_refused_until_an_admin_says_otherwise(world: World) -> None:
    await world.fetch("ann/echo")
    fresh = world.registry.rotate("ann", stated=False)
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))

    told = await refused(world)
    assert f"`agenthost packages trust ann {fresh.id}`" in told
    assert (await world.store.packages(HOME))[0].now.version == "1.0.0"

    await world.registries().publishers.trust("ann", fresh.id)
    assert (await world.fetch("ann/echo")).now.version == "1.1.0"
    (signer,) = await world.registries().publishers.all()
    assert (signer.key, signer.public, signer.by) == (fresh.id, shown(fresh.public), "admin")


async def test_a_key_that_the_one_before_stated_is_taken_over_several_steps(world: World) -> None:
    await world.fetch("ann/echo")
    world.registry.rotate("ann")
    world.registry.rotate("ann")
    newest = world.registry.rotate("ann")
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))

    assert (await world.fetch("ann/echo")).now.version == "1.1.0"
    (signer,) = await world.registries().publishers.all()
    assert (signer.key, signer.by) == (newest.id, "rotation")


async def test_a_key_stated_by_anybody_else_is_not_taken(world: World) -> None:
    await world.fetch("ann/echo")
    world.registry.signer("eve")
    world.registry.rotate("eve")
    eve, rotation = world.registry.publishers["eve"][-1]
    world.registry.publishers["ann"].append((eve, rotation))
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"), signer=eve)

    assert "the pinned key states no other one" in await refused(world)


async def test_another_package_of_the_same_publisher_needs_the_same_key(world: World) -> None:
    await world.fetch("ann/echo")
    world.registry.publish("ann/sing", "1.0.0", a_plugin("sing"))
    assert (await world.fetch("ann/sing")).state == "enabled"

    world.registry.publish("ann/hum", "1.0.0", a_plugin("hum"), signer=SigningKey.fresh())
    assert "states no other one" in await refused(world, "ann/hum")


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        ({"version": "0.9.0"}, "its statement is about ann/echo 0.9.0"),
        ({"name": "ann/other"}, "its statement is about ann/other 1.0.0"),
        ({"archive": b"other bytes"}, "its publisher stated other bytes"),
        ({"permissions": ["fs:data"]}, "signed that it asks for fs:data, and its manifest asks for nothing"),
    ],
)
async def test_what_its_publisher_states_must_be_so(world: World, stated: dict[str, object], fault: str) -> None:
    world.registry.publish("ann/echo", "1.0.0", a_plugin(), stated=stated)

    with pytest.raises(ManifestError, match=fault):
        await world.fetch("ann/echo")
    assert await world.store.packages(HOME) == ()


async def test_a_statement_by_nobody_or_none_at_all_is_refused(world: World) -> None:
    world.egress.answers = {f"{BASE}/statement": Fetched(url="", status=404, headers={}, body=b"{}")}
    assert "answered 404" in await refused(world)

    world.egress.answers = {f"{BASE}/statement": b'{"payloadType": "x", "payload": "", "signatures": []}'}
    assert "statement" in await refused(world)

    world.egress.answers = {f"{BASE}/statement": b"<html>"}
    assert "is no DSSE envelope" in await refused(world)


async def test_what_was_revoked_cannot_be_had_and_what_was_yanked_only_by_its_version(world: World) -> None:
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))
    world.registry.revoke("ann/echo", "1.1.0", "It stole keys.")

    assert (await world.fetch("ann/echo")).now.version == "1.0.0"
    assert "its registry took 1.1.0 away: It stole keys." in await refused(world, "ann/echo@1.1.0")

    world.registry.yank("ann/echo", "1.0.0", "It forgets.")
    assert "all its versions were taken back" in await refused(world)
    assert (await world.fetch("ann/echo@1.0.0")).now.version == "1.0.0"


async def test_a_quarantined_download_says_why(world: World) -> None:
    body = b'{"status": 451, "detail": "it was quarantined: it is looked at"}'
    world.egress.answers = {f"{BASE}/download": Fetched(url="", status=451, headers={}, body=body)}

    assert "answered 451: it was quarantined: it is looked at" in await refused(world)


async def test_an_update_by_another_publisher_of_the_same_name_is_refused(world: World) -> None:
    await world.fetch("ann/echo")
    world.registry.publish("eve/echo", "9.0.0", a_plugin(version="9.0.0"))

    with pytest.raises(ManifestError, match="ann/echo is installed under that name, and eve/echo isn't it"):
        await world.fetch("eve/echo")
    assert (await world.store.packages(HOME))[0].now.version == "1.0.0"


async def test_a_crash_after_the_fetch_has_the_signature_checked_again(world: World) -> None:
    archive, claim = await world.registries().fetch("ann/echo")

    assert claim.fault(archive) == ""
    assert "other bytes" in claim.fault(archive + b"x")
    assert claim.origin
    for odd in (
        replace(claim, sha256="", public=shown(SigningKey.fresh().public)),
        replace(claim, version="1.0.1"),
        replace(claim, origin=replace(claim.origin, name="eve/echo")),
        replace(claim, statement="{}"),
    ):
        assert odd.fault(archive).endswith("nothing of it was installed")
    assert Claim().fault(archive) == ""


async def test_the_registry_hears_which_hub_fetches_and_a_receipt_says_what_is_used(world: World) -> None:
    package = await world.fetch("ann/echo")
    await world.clock.advance(3600)

    hub, envelope = world.registries().receipt(package, "bob")

    assert world.registry.fetches == [(hub, sha256(a_plugin()).hexdigest())]
    receipt = read_install(envelope, public_of(hub))
    assert receipt.subject[0].name == "ann/echo"
    assert receipt.subject[0].digest == {"sha256": sha256(a_plugin()).hexdigest()}
    assert (receipt.predicate.account, receipt.predicate.version) == ("bob", "1.0.0")
    assert receipt.predicate.time - receipt.predicate.enabled_at == timedelta(hours=1)


async def test_there_is_no_receipt_for_what_is_not_used_or_not_from_a_registry(world: World) -> None:
    await world.fetch("ann/echo")
    async with world.running() as installer:
        uploaded = await installer.install(a_plugin("sing"), [], "uploaded: sing.zip")
        off = await installer.disable("echo")
        again = await installer.enable("echo")
    registries = world.registries()

    for package, account, fault in (
        (uploaded, "bob", "isn't from a registry"),
        (off, "bob", "isn't enabled"),
        (again, "bob/../x", "is no account"),
    ):
        with pytest.raises(BadRequest, match=fault):
            registries.receipt(package, account)
    assert off.now.since is None
    assert again.now.since == world.clock.now()


async def test_what_is_pinned_outlives_a_restart_on_the_disk(tmp_path: Path) -> None:
    world = World(tmp_path / "packages", FileDocuments(tmp_path / "documents"))
    world.registry.publish("ann/echo", "1.0.0", a_plugin())
    await world.fetch("ann/echo")
    world.documents = FileDocuments(tmp_path / "documents")

    world.registry.key = SigningKey.fresh()
    assert "is pinned since" in await refused(world)
    assert [signer.publisher for signer in await world.registries().publishers.all()] == ["ann"]
    await world.scripts.close()


async def test_a_key_is_trusted_by_its_id_or_as_it_is_and_forgotten_again() -> None:
    publishers, key = Publishers(MemoryDocuments(), FakeClock()), SigningKey.fresh()

    assert (await publishers.trust("ann", key.id)).key == key.id
    assert (await publishers.trust("ann", shown(key.public))).public == shown(key.public)
    assert (await publishers.trust("ann", shown(key.public))).key == id_of(key.public)
    with pytest.raises(BadRequest, match="is neither a key's id"):
        await publishers.trust("ann", "hello")
    with pytest.raises(BadRequest, match="is no publisher's name"):
        await publishers.trust("../ann", key.id)

    await publishers.forget("ann")
    with pytest.raises(NotFound):
        await publishers.forget("ann")


@pytest.mark.parametrize(
    ("where", "body", "fault"),
    [
        ("key", b"<html>", "tells no key"),
        ("key", b'{"id": "x", "public": "aGVsbG8="}', "is no public key"),
        ("index", b"<html>", "is no DSSE envelope"),
        ("packages/ann/echo", b"[]", "isn't a registry's"),
        ("packages/ann/echo", b'{"keys": []}', "doesn't tell the key"),
    ],
)
async def test_what_is_no_registrys_answer_is_refused(world: World, where: str, body: bytes, fault: str) -> None:
    world.egress.answers = {f"{API}/{where}": body}

    assert fault in await refused(world)


async def test_a_registry_that_is_away_is_not_passed_over_for_the_next_one(world: World) -> None:
    world.egress.answers = {f"{API}/index": EgressError(f"{API}/index: gave no answer")}

    assert "gave no answer" in await refused(world)


async def test_a_statement_error_is_one_that_is_told(world: World) -> None:
    world.registry.frozen = b"{}"

    with pytest.raises(StatementError, match="index"):
        await world.fetch("ann/echo")


async def test_permissions_that_were_signed_are_those_of_the_manifest(world: World) -> None:
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0", more=DATA), ["fs:data"])

    package = await world.fetch("ann/echo", "fs:data")

    assert (package.state, package.now.grants) == ("enabled", ("fs:data",))
