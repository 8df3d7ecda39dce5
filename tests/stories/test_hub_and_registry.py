"""A hub's packages and a real registry, over a real connection: installed, rated, taken back, taken away."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest

from hub.clock import SystemClock
from hub.egress.guard import GuardedEgress
from hub.errors import AgentHostError, ManifestError
from hub.outward import RegistryConfig, at
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.market import Market
from hub.packages.plugins import Plugins
from hub.packages.registry import Registries
from hub.packages.scripts import Scripts
from hub.packages.sources import Sources
from hub.records import OWNER, Package
from hub.registry.parts import at_work, opened
from hub.releases import Rotation
from hub.shelves import ShelfConfig
from hub.statements import SigningKey, shown
from hub.store.documents import FileDocuments, MemoryDocuments
from hub.store.memory import MemoryStore
from hub.web.server import Server
from tests.apps import registry_over
from tests.unit.packages.zipping import DATA, a_plugin
from tests.unit.registry.authoring import V1, Author, an_author
from tests.unit.registry.conftest import signed_up

SETTINGS = ShelfConfig(admins=("keeper",), listed_after_days=0, rate_after_hours=0, rate_after_days=0)


@dataclass
class Town:
    """A registry that serves, and a hub that installs from it."""

    http: httpx.AsyncClient
    installer: Installer
    registries: Registries
    market: Market
    ann: Author

    async def install(self, source: str, *grants: str) -> Package:
        requested = await self.installer.request(source, grants, OWNER)
        package = await self.installer.wait(requested.id, 20)
        assert package
        return package

    async def publish(self, archive: bytes) -> None:
        """Publish as ann, and wait until it's in the index."""
        answer = await self.ann.publish(archive)
        assert answer.status_code == 201, answer.text
        version = answer.json()["version"]
        await self.listed(lambda versions: any(each.version == version for each in versions))

    async def listed(self, good: Callable[..., bool]) -> None:
        """Wait until the index says so of ann/echo."""

        async def look() -> bool:
            found = await self.registries.indexes.package(self.registries.configs[0], "ann/echo")
            return found is not None and good(found.versions)

        await until(look)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await look():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """Serve a registry on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with opened(SETTINGS, folder, url, SystemClock(), memory=64) as parts, at_work(parts):
            server = Server(registry_over(parts), closing=asyncio.Event())
            async with asyncio.TaskGroup() as group:
                served = group.create_task(server.serve(sockets=[listening]))
                while not server.started:
                    await asyncio.sleep(0.01)
                try:
                    yield url
                finally:
                    server.should_exit = True
                    await served


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with serving(tmp_path / "registry") as url:
        config, scripts, clock = RegistryConfig(url=url), Scripts(), SystemClock()
        egress = GuardedEgress((at(config),))
        documents = FileDocuments(tmp_path / "documents")
        registries = Registries([config], egress, documents, clock, SigningKey.fresh())
        kinds: list[Kind] = [Plugins(scripts, MemoryDocuments()), Agents()]
        installer = Installer(
            MemoryStore(), tmp_path / "packages", kinds, clock, tools=[], agents=[], sources=Sources(egress, registries)
        )
        await installer.open()
        running = asyncio.ensure_future(installer.run())
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            yield Town(http, installer, registries, Market(registries, clock), await an_author(http, "ann"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await installer.close()
        await scripts.close()


async def test_what_is_published_is_found_installed_rated_taken_back_and_taken_away(town: Town) -> None:
    await town.publish(a_plugin())
    found, _, faults = await town.market.search("echo")
    assert ([f"{each.publisher}/{each.name}" for _, each in found], faults) == (["ann/echo"], {})
    offer = await town.market.package("ann", "echo")
    assert (offer.signer, offer.doubt, offer.whole.latest) == ("new", "", "1.0.0")

    package = await town.install("ann/echo")
    assert package.state == "enabled"
    assert package.now.origin
    assert package.now.origin.key == town.ann.key.id

    bob = await signed_up(town.http, "bob")
    hub, receipt = town.registries.receipt(package, "bob")
    body = {"stars": 5, "text": "Good.", "version": "1.0.0", "hub": hub, "receipt": msgspec.json.decode(receipt)}
    rated = await town.http.put(f"{V1}/packages/ann/echo/rating", json=body, headers=bob)
    assert rated.status_code == 200, rated.text
    told = (await town.http.get(f"{V1}/packages/ann/echo")).json()
    assert (told["rating"]["n"], told["installs"]) == (1, 1)

    await town.ann.post("/packages/ann/echo/versions/1.0.0/yank", reason="Too loud.")
    await town.listed(lambda versions: bool(versions[0].yanked))
    (standing,) = await town.installer.lookout.look()
    assert standing.yanked == "Too loud."

    keeper = await signed_up(town.http, "keeper")
    revoked = await town.http.post(
        f"{V1}/packages/ann/echo/versions/1.0.0/revoke", json={"reason": "It steals."}, headers=keeper
    )
    assert revoked.is_success, revoked.text
    await town.listed(lambda versions: bool(versions[0].revoked))
    (standing,) = await town.installer.lookout.look()
    assert standing.revoked == "It steals."
    assert (await town.installer.package("echo")).state == "disabled"
    with pytest.raises(ManifestError, match="took it away"):
        await town.installer.enable("echo")
    with pytest.raises(AgentHostError, match="all its versions were taken back"):
        await town.install("ann/echo")


async def test_an_update_that_asks_for_more_waits_and_a_rotated_key_is_followed(town: Town) -> None:
    await town.publish(a_plugin())
    await town.install("ann/echo")
    old, town.ann.key = town.ann.key, SigningKey.fresh()
    await rotate(town.ann, old)
    await town.publish(a_plugin(version="1.1.0", more=DATA))

    package = await town.install("ann/echo")

    assert (package.now.version, package.next and package.next.version) == ("1.0.0", "1.1.0")
    (signer,) = await town.registries.publishers.all()
    assert (signer.key, signer.by) == (town.ann.key.id, "rotation")


async def rotate(author: Author, old: SigningKey) -> None:
    """Have an author's new key take the old one's place, stated by that."""
    rotation = old.seal(Rotation.of(author.publisher, old, author.key.public, SystemClock().now()))
    answer = await author.post(
        f"/publishers/{author.publisher}/keys", public=shown(author.key.public), rotation=msgspec.json.decode(rotation)
    )
    assert answer.is_success, answer.text
