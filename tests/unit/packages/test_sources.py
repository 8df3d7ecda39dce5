"""Packages that are fetched: from a URL, and from a registry that's held to what it lists."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.errors import AgentHostError, BadRequest, EgressError, ManifestError
from hub.outward import RegistryConfig
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.place import Place
from hub.packages.plugins import Plugins
from hub.packages.registry import Registries
from hub.packages.scripts import Scripts
from hub.packages.sources import Sources
from hub.ports import Fetched
from hub.records import HOME, OWNER, Package
from hub.releases import order
from hub.statements import SigningKey
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock
from tests.unit.egress.outside import outside
from tests.unit.packages.shelving import URL as URL_OF_REGISTRY
from tests.unit.packages.shelving import RegistryEgress, StandIn
from tests.unit.packages.zipping import DATA, a_plugin

BASE = f"{URL_OF_REGISTRY}/registry/v1/packages/ann/echo/versions"
URL = "https://example.org/echo.zip"


class World:
    """An installer that fetches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.clock, self.documents = FakeClock(), MemoryDocuments()
        self.registry = StandIn(clock=self.clock)
        self.egress = RegistryEgress(self.registry)
        self.scripts = Scripts()

    @asynccontextmanager
    async def running(self, registries: tuple[str, ...] = (URL_OF_REGISTRY,)) -> AsyncIterator[Installer]:
        """Open the installer and have it work."""
        installer = self.opened(registries)
        await installer.open()
        running = asyncio.ensure_future(installer.run())
        try:
            yield installer
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await installer.close()

    def opened(self, registries: tuple[str, ...] = ()) -> Installer:
        """Return an installer that doesn't work yet."""
        kinds: list[Kind] = [Plugins(self.scripts, MemoryDocuments()), Agents()]
        configs = [RegistryConfig(url=url) for url in registries]
        sources = Sources(self.egress, Registries(configs, self.egress, self.documents, self.clock))
        return Installer(self.store, self.folder, kinds, self.clock, tools=[], agents=[], sources=sources)

    def publish(self, *versions: str, yanked: tuple[str, ...] = ()) -> None:
        """Have the registry list these versions of ann/echo."""
        for version in versions:
            self.registry.publish("ann/echo", version, a_plugin(version=version))
        for version in yanked:
            self.registry.yank("ann/echo", version, "It was bad.")

    async def fetch(self, source: str) -> Package:
        """Install from a source."""
        async with self.running() as installer:
            requested = await installer.request(source, [], OWNER)
            package = await installer.wait(requested.id, 10)
            assert package
            return package


def fetched(status: int, body: bytes = b"") -> Fetched:
    return Fetched(url="", status=status, headers={}, body=body)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path / "packages")
    yield opened
    await opened.scripts.close()


async def test_a_package_is_installed_from_a_url(world: World) -> None:
    archive = a_plugin()
    world.egress.answers[URL] = archive

    package = await world.fetch(URL)

    assert (package.id, package.state, package.now.source) == ("echo", "enabled", URL)
    (installation,) = await world.store.installations(HOME, 10)
    assert (installation.state, installation.package) == ("enabled", "echo")
    assert installation.digest == sha256(archive).hexdigest()
    assert not (world.folder / ".coming").exists()


async def test_what_cannot_be_fetched_leaves_its_reason(world: World) -> None:
    with pytest.raises(EgressError, match="nobody answers there"):
        await world.fetch(URL)

    (installation,) = await world.store.installations(HOME, 10)
    assert (installation.state, installation.error) == ("failed", f"{URL}: nobody answers there")
    assert not (world.folder / ".coming").exists()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (fetched(404), "answered 404, not with a package"),
        (b"<html>", "archive: doesn't begin as a zip file"),
        (bytes(21 * 1024 * 1024), "has more than 20,971,520 bytes"),
    ],
)
async def test_what_is_no_package_is_refused(world: World, answer: Fetched | bytes, fault: str) -> None:
    world.egress.answers[URL] = answer

    with pytest.raises(AgentHostError, match=fault):
        await world.fetch(URL)
    assert await world.store.packages(HOME) == ()


@pytest.mark.parametrize(
    "source",
    [
        "http://example.org/echo.zip",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "echo",
        "a/b/c",
        "../x",
        "",
        "Ann/Echo",
    ],
)
async def test_what_is_neither_a_url_nor_a_reference_is_refused_at_once(world: World, source: str) -> None:
    async with world.running() as installer:
        with pytest.raises(BadRequest, match="won't do"):
            await installer.request(source, [], OWNER)
    assert (await world.store.installations(HOME, 10), world.egress.asked) == ((), [])


async def test_the_newest_version_is_taken_that_was_not_taken_back(world: World) -> None:
    world.publish("1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "1.11.0", yanked=("1.11.0",))

    assert (await world.fetch("ann/echo")).now.version == "1.10.0"
    assert (await world.fetch("ann/echo@1.11.0")).now.version == "1.11.0"
    assert (await world.fetch("ann/echo@2.0.0-rc.1")).now.version == "2.0.0-rc.1"


async def test_a_registry_on_a_real_server_is_asked_through_the_guard() -> None:
    registry, archive = StandIn(url="https://example.org", clock=SystemClock()), a_plugin()
    registry.publish("ann/echo", "1.0.0", archive)
    async with outside() as net:
        base = "example.org/registry/v1"
        for path in ("key", "index", *(f"index/{sha256(shard).hexdigest()}" for shard in registry.shards().values())):
            answer = registry.answer(f"https://{base}/{path}", {})
            assert answer
            net.says(f"{base}/{path}", answer.body)
        for path in ("packages/ann/echo", "packages/ann/echo/versions/1.0.0/statement"):
            answer = registry.answer(f"https://{base}/{path}", {})
            assert answer
            net.says(f"{base}/{path}", answer.body)
        net.says(
            f"{base}/packages/ann/echo/versions/1.0.0/download", status=302, location="https://other.example.net/1.zip"
        )
        net.says("other.example.net/1.zip", archive)
        configs = [RegistryConfig(url="https://example.org/")]
        registries = Registries(configs, net.egress(), MemoryDocuments(), SystemClock(), SigningKey.fresh())

        fetched, claim = await Sources(net.egress(), registries).fetch("ann/echo")

    assert (fetched, claim.fault(fetched), claim.version) == (archive, "", "1.0.0")
    assert net.certified == [*["example.org"] * 6, "other.example.net"]


async def test_other_bytes_than_the_registry_lists_are_not_installed(world: World) -> None:
    world.publish("1.0.0")
    other = a_plugin(program="def echo() -> str:\n    return 'evil'")
    world.egress.answers |= {f"{BASE}/1.0.0/download": other}

    with pytest.raises(ManifestError, match=r"other bytes than its index says \(SHA-256\)"):
        await world.fetch("ann/echo")
    assert await world.store.packages(HOME) == ()
    (installation,) = await world.store.installations(HOME, 10)
    assert "other bytes" in installation.error


async def test_a_package_of_another_name_or_version_is_not_installed(world: World) -> None:
    for archive, fault in ((a_plugin("sing"), "it was to be echo"), (a_plugin(version="3.0.0"), "is 3.0.0")):
        world.registry.publish("ann/echo", "1.0.0", archive)
        with pytest.raises(ManifestError, match=fault):
            await world.fetch("ann/echo")
    assert await world.store.packages(HOME) == ()


async def test_a_package_whose_versions_were_all_taken_back_is_not_installed_by_its_name(world: World) -> None:
    world.publish("1.0.0", yanked=("1.0.0",))

    with pytest.raises(BadRequest, match="all its versions were taken back"):
        await world.fetch("ann/echo")


async def test_the_next_registry_is_asked_where_the_first_has_none(world: World) -> None:
    other = StandIn(url="https://other.example.org", clock=world.clock)
    world.egress.registries = (other, world.registry)
    world.publish("1.0.0")

    async with world.running((other.url, URL_OF_REGISTRY)) as installer:
        requested = await installer.request("ann/echo", [], OWNER)
        assert await installer.wait(requested.id, 10)
        requested = await installer.request("ann/none", [], OWNER)
        with pytest.raises(BadRequest, match="no registry has it"):
            await installer.wait(requested.id, 10)


async def test_without_a_registry_a_reference_is_refused_in_words(world: World) -> None:
    async with world.running(()) as installer:
        with pytest.raises(BadRequest, match=r"no registry is configured; name one under \[\[registries\]\]"):
            await installer.request("ann/echo", [], OWNER)


async def test_a_version_that_is_not_there_is_told_with_those_that_are(world: World) -> None:
    world.publish("1.0.0", "1.1.0")

    with pytest.raises(BadRequest, match=r"no such version; the newest are 1.0.0, 1.1.0"):
        await world.fetch("ann/echo@3.0.0")


async def test_an_update_is_fetched_from_where_it_came_from(world: World) -> None:
    world.publish("1.0.0")
    await world.fetch("ann/echo@1.0.0")
    world.publish("1.2.0")

    async with world.running() as installer:
        requested = await installer.update("echo", OWNER)
        package = await installer.wait(requested.id, 10)

    assert package
    assert (package.now.version, package.before and package.before.version) == ("1.2.0", "1.0.0")


async def test_an_update_that_asks_for_more_waits_for_a_grant(world: World) -> None:
    world.egress.answers[URL] = a_plugin()
    await world.fetch(URL)
    world.egress.answers[URL] = a_plugin(version="2.0.0", more=DATA)

    async with world.running() as installer:
        requested = await installer.update("echo", OWNER)
        package = await installer.wait(requested.id, 10)
        assert package
        assert (package.now.version, package.next and package.next.version) == ("1.0.0", "2.0.0")
        assert (await installer.installation(requested.id)).state == "installed"
        assert (await installer.grant("echo", ["fs:data"])).now.version == "2.0.0"


async def test_an_update_that_is_another_package_is_refused(world: World) -> None:
    world.egress.answers[URL] = a_plugin()
    await world.fetch(URL)
    world.egress.answers[URL] = a_plugin("sing")

    async with world.running() as installer:
        requested = await installer.update("echo", OWNER)
        with pytest.raises(ManifestError, match="it was to be echo"):
            await installer.wait(requested.id, 10)
    assert [package.id for package in await world.store.packages(HOME)] == ["echo"]


async def test_what_was_uploaded_is_not_fetched_again(world: World) -> None:
    async with world.running() as installer:
        await installer.install(a_plugin(), [], "uploaded: echo.zip")
        with pytest.raises(BadRequest, match="it was uploaded"):
            await installer.update("echo", OWNER)


async def test_who_waits_shorter_than_it_takes_can_look_later_also_after_a_crash(world: World) -> None:
    world.egress.answers[URL] = a_plugin()
    idle = world.opened()
    requested = await idle.request(URL, [], OWNER)
    assert await idle.wait(requested.id, 0.01) is None
    assert (await idle.installation(requested.id)).state == "requested"

    after = world.opened()
    await after.open()
    await after.go_on()

    package = await after.wait(requested.id, 10)
    assert package
    assert package.id == "echo"


async def test_what_kills_the_hub_twice_is_not_tried_a_third_time(world: World) -> None:
    requested = await world.opened().request(URL, [], OWNER)
    Place(world.folder).keep(requested.id, "again", b"")
    after = world.opened()

    await after.go_on()

    failed = await after.installation(requested.id)
    assert (failed.state, failed.error.partition(";")[0]) == ("failed", "the hub died over it twice")


async def test_an_upload_that_is_refused_leaves_its_reason(world: World) -> None:
    async with world.running() as installer:
        with pytest.raises(ManifestError):
            await installer.install(b"hello", [], "uploaded: x.zip")
        (installation,) = await installer.installations()
    assert (installation.state, installation.source) == ("failed", "uploaded: x.zip")
    assert installation.error.startswith("archive: doesn't begin as a zip file")


async def test_only_the_newest_installations_are_remembered(world: World) -> None:
    async with world.running() as installer:
        for _ in range(205):
            with pytest.raises(ManifestError):
                await installer.install(b"hello", [], "uploaded: x.zip")
    async with world.running() as installer:
        assert len(await installer.installations(1000)) == 200


def test_versions_are_ordered_as_semver_has_it() -> None:
    versions = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]

    assert sorted(random.Random(1).sample(versions, 6), key=order) == versions
    assert max(["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"], key=order) == "1.10.0"
