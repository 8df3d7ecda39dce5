"""/v1/registries, /v1/publishers and receipts: what's elsewhere, whom it's from, and what's proved of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import msgspec
import pytest

from hub.errors import EgressError
from hub.packages.market import Market
from hub.records import OWNER
from hub.releases import read_install
from hub.statements import SigningKey, public_of
from tests.unit.packages.shelving import URL, StandIn
from tests.unit.packages.world import World
from tests.unit.packages.zipping import DATA, a_plugin
from tests.unit.web.world import World as Web
from tests.unit.web.world import a_world

API = f"{URL}/registry/v1"


@dataclass
class Shop:
    """A hub's web over an installer that asks a registry."""

    world: World
    web: Web

    async def get(self, path: str, **query: str) -> httpx.Response:
        async with self.web.client() as client:
            return await client.get(path, params=query)

    async def post(self, path: str, body: object) -> httpx.Response:
        async with self.web.client() as client:
            return await client.post(path, json=body)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    world = World(tmp_path / "packages")
    world.registry.publish("ann/echo", "1.0.0", a_plugin())
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0", more=DATA), ["fs:data"])
    async with world.running() as installer:
        assert installer.registries
        web = await a_world(clock=world.clock, store=world.store)
        market = Market(installer.registries, world.clock)
        yield Shop(world, replace(web, services=replace(web.services, packages=installer, market=market)))
    await world.scripts.close()


async def test_the_registries_of_the_config_are_listed_with_their_serials_and_faults(shop: Shop) -> None:
    (place,) = (await shop.get("/v1/registries")).json()["items"]
    assert (place["url"], place["reachable"], place["serial"], place["fault"]) == (URL, True, 3, "")

    shop.world.registry.key = SigningKey.fresh()
    (place,) = (await shop.get("/v1/registries")).json()["items"]
    assert (place["reachable"], place["serial"]) == (True, None)
    assert "it's somebody else's" in place["fault"]

    shop.world.egress.answers = {f"{API}/index": EgressError("gave no answer")}
    (place,) = (await shop.get("/v1/registries")).json()["items"]
    assert (place["reachable"], place["fault"]) == (False, "gave no answer")


async def test_packages_are_found_and_what_is_here_is_told(shop: Shop) -> None:
    found = (await shop.get("/v1/registries/search", q="echo")).json()

    (one,) = found["items"]
    assert (one["registry"], one["publisher"], one["name"], one["latest"]) == (URL, "ann", "echo", "1.1.0")
    assert (one["rating"], one["installed"], found["next"], found["faults"]) == ({"mean": 4.25, "n": 4}, "", None, [])

    async with shop.web.client() as client:
        await client.post("/v1/packages", json={"source": "ann/echo@1.0.0"})
    assert (await shop.get("/v1/registries/search", q="echo")).json()["items"][0]["installed"] == "1.0.0"


async def test_a_search_goes_on_by_the_registrys_own_cursor(shop: Shop) -> None:
    first = f"{API}/search?q=e&sort=relevance"
    summary = {"publisher": "ann", "name": "echo", "kind": "plugin"}
    shop.world.egress.answers = {
        first: msgspec.json.encode({"items": [summary], "next": "c1"}),
        f"{API}/search?q=e&sort=relevance&cursor=c1": msgspec.json.encode({"items": [], "next": None}),
    }
    found = (await shop.get("/v1/registries/search", q="e")).json()
    assert (found["next"], len(found["items"])) == ("c1", 1)

    assert (await shop.get("/v1/registries/search", q="e", cursor="c1")).status_code == 400
    later = (await shop.get("/v1/registries/search", q="e", cursor="c1", registry=URL)).json()
    assert (later["next"], later["items"]) == (None, [])


async def test_a_registry_that_does_not_answer_or_talks_nonsense_is_told_beside_what_others_found(shop: Shop) -> None:
    for answer in (EgressError("gave no answer"), b"<html>", b'{"items": [{"publisher": 1}]}', b"[" * 100_000):
        shop.world.egress.answers = {f"{API}/search?q=x&sort=relevance": answer}
        found = (await shop.get("/v1/registries/search", q="x")).json()
        assert found["items"] == []
        assert len(found["faults"]) == 1


async def test_the_same_is_asked_once_a_minute(shop: Shop) -> None:
    asked = shop.world.egress.asked
    await shop.get("/v1/registries/search", q="echo")
    count = len(asked)
    await shop.get("/v1/registries/search", q="echo")
    assert len(asked) == count

    await shop.world.clock.advance(61)
    await shop.get("/v1/registries/search", q="echo")
    assert len(asked) == count + 1


async def test_a_package_is_shown_with_what_it_asks_for_its_signature_and_its_versions(shop: Shop) -> None:
    offer = (await shop.get("/v1/registries/packages/ann/echo")).json()

    assert (offer["signer"], offer["doubt"], offer["what"][:5]) == ("new", "", "Tools")
    assert offer["key"] == shop.world.registry.signer("ann").id
    (asks,) = offer["permissions"]
    assert (asks["id"], asks["granted"]) == ("fs:data", False)
    assert asks["meaning"].startswith("Keep small documents")
    assert [(each["version"], each["added"]) for each in offer["versions"]] == [("1.1.0", ["fs:data"]), ("1.0.0", [])]
    assert [(each["account"], each["stars"]) for each in offer["opinions"]] == [("bob", 4)]


async def test_a_strangers_readme_brings_no_script(shop: Shop) -> None:
    offer = (await shop.get("/v1/registries/packages/ann/echo")).json()

    assert "<h1>Hi</h1>" in offer["readme_html"]
    assert "<script" not in offer["readme_html"]


async def test_whose_key_it_is_is_told_before_anything_is_installed(shop: Shop) -> None:
    async def signer() -> tuple[str, str]:
        await shop.world.clock.advance(61)
        offer = (await shop.get("/v1/registries/packages/ann/echo")).json()
        return offer["signer"], offer["doubt"]

    async with shop.web.client() as client:
        await client.post("/v1/packages", json={"source": "ann/echo"})
    assert await signer() == ("pinned", "")

    shop.world.registry.rotate("ann")
    shop.world.registry.publish("ann/echo", "1.2.0", a_plugin(version="1.2.0"))
    assert await signer() == ("rotated", "")

    shop.world.registry.rotate("ann", stated=False)
    shop.world.registry.publish("ann/echo", "1.3.0", a_plugin(version="1.3.0"))
    found, doubt = await signer()
    assert found == "refused"
    assert "agenthost packages trust ann" in doubt

    shop.world.registry.frozen = b"{}"
    assert (await signer())[0] == "unknown"


async def test_what_is_nowhere_or_misspelled_is_told(shop: Shop) -> None:
    assert (await shop.get("/v1/registries/packages/ann/none")).status_code == 404
    assert (await shop.get("/v1/registries/packages/ann/..")).status_code in {400, 404}
    assert (await shop.get("/v1/registries/packages/Ann/echo")).status_code == 400
    odd = await shop.get("/v1/registries/packages/ann/echo", registry="https://evil.example.org")
    assert (odd.status_code, "isn't under [[registries]]" in odd.json()["detail"]) == (400, True)


async def test_a_key_is_trusted_listed_and_forgotten(shop: Shop) -> None:
    key = SigningKey.fresh()
    async with shop.web.client() as client:
        trusted = await client.put("/v1/publishers/ann/key", json={"key": key.id})
        assert (trusted.status_code, trusted.json()["by"]) == (200, "admin")
        assert [each["key"] for each in (await client.get("/v1/publishers")).json()["items"]] == [key.id]
        assert (await client.put("/v1/publishers/ann/key", json={"key": "x"})).status_code == 400
        refused = await client.post("/v1/packages", json={"source": "ann/echo"})
        assert (refused.status_code, "is signed by the key" in refused.json()["detail"]) == (422, True)
        assert (await client.delete("/v1/publishers/ann/key")).status_code == 204
        assert (await client.delete("/v1/publishers/ann/key")).status_code == 404


async def test_a_receipt_is_given_for_what_is_used(shop: Shop) -> None:
    async with shop.web.client() as client:
        await client.post("/v1/packages", json={"source": "ann/echo@1.0.0"})
    receipt = (await shop.post("/v1/packages/echo/receipt", {"account": "bob"})).json()

    stated = read_install(msgspec.json.encode(receipt["receipt"]), public_of(receipt["hub"]))
    assert (stated.predicate.account, stated.subject[0].name) == ("bob", "ann/echo")
    assert (receipt["registry"], receipt["name"], receipt["version"]) == (URL, "ann/echo", "1.0.0")
    assert (await shop.post("/v1/packages/none/receipt", {"account": "bob"})).status_code == 404
    assert (await shop.post("/v1/packages/echo/receipt", {"account": "../x"})).status_code == 400


async def test_a_look_tells_what_was_taken_back_and_what_is_newer(shop: Shop) -> None:
    async with shop.web.client() as client:
        await client.post("/v1/packages", json={"source": "ann/echo@1.0.0"})
        assert (await client.get("/v1/packages/echo")).json()["standing"] is None
        shop.world.registry.revoke("ann/echo", "1.0.0", "It stole keys.")
        (package,) = (await client.post("/v1/packages/check")).json()["items"]

    assert (package["state"], package["standing"]["revoked"]) == ("disabled", "It stole keys.")
    assert package["standing"]["newer"]["version"] == "1.1.0"
    assert package["now"]["origin"]["name"] == "ann/echo"


async def test_only_an_admin_sees_any_of_it(shop: Shop) -> None:
    key = await shop.web.key_with("messages:read")
    async with shop.web.client(key) as client:
        for path in ("registries", "registries/search", "registries/packages/ann/echo", "publishers"):
            assert (await client.get(f"/v1/{path}")).status_code == 403
        assert (await client.post("/v1/packages/echo/receipt", json={"account": "bob"})).status_code == 403
        assert (await client.put("/v1/publishers/ann/key", json={"key": "x"})).status_code == 403


async def test_several_registries_are_asked_side_by_side(shop: Shop) -> None:
    other = StandIn(url="https://other.example.org", clock=shop.world.clock)
    other.publish("bob/echo", "2.0.0", a_plugin(version="2.0.0"))
    shop.world.egress.registries = (shop.world.registry, other)
    registries = shop.world.registries()
    registries.configs = (*registries.configs, type(shop.world.config)(url=other.url))
    market = Market(registries, shop.world.clock)

    found, _, faults = await market.search("echo")
    offers = await asyncio.gather(market.package("ann", "echo"), market.package("bob", "echo"))

    assert [(url, summary.publisher) for url, summary in found] == [(URL, "ann"), (other.url, "bob")]
    assert (faults, [offer.registry for offer in offers]) == ({}, [URL, other.url])


async def test_a_hub_without_packages_has_no_registries(tmp_path: Path) -> None:
    web = await a_world()
    async with web.client() as client:
        for path in ("registries", "registries/search", "publishers"):
            assert (await client.get(f"/v1/{path}")).status_code == 404


async def test_what_came_by_a_hand_has_no_receipt(shop: Shop) -> None:
    assert shop.web.services.packages
    await shop.web.services.packages.install(a_plugin(), [], "uploaded: echo.zip", OWNER)

    answer = await shop.post("/v1/packages/echo/receipt", {"account": "bob"})
    assert (answer.status_code, "isn't from a registry" in answer.json()["detail"]) == (400, True)
