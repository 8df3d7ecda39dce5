"""Chats in other sites' pages: who may show them, who may write, and what they see."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from msgspec.structs import replace

from bridges.http.convert import address
from hub.config import Config
from hub.flow.embeds import origins
from hub.guests import claims_of, proven
from hub.ports import Add, Save
from hub.records import HOME, OWNER, Embed, EmbedId, MessageId, Person, PersonId
from hub.sections import WakerSection
from hub.testing import NOON, an_embed, hello
from hub.web.passes import Pass, read, signed
from tests.unit.web.world import HERE, World, a_world

SHOP = "https://shop.example"
EVIL = "https://evil.example"


@dataclass
class Shop:
    """A hub with a chat in a shop's pages, and somebody's pass for it."""

    world: World
    embed: Embed
    token: str

    @property
    def path(self) -> str:
        return f"/embed/{self.embed.id}"

    def browser(self, token: str | None = None, origin: str = SHOP, **headers: str) -> httpx.AsyncClient:
        """A browser with the shop's page open, or another's; "" is no pass."""
        client = self.world.client("")
        token = self.token if token is None else token
        client.headers.update({"Origin": origin, "Sec-Fetch-Site": "cross-site", **headers})
        if token:
            client.headers["Authorization"] = f"Bearer {token}"
        return client

    async def admit(self, external: str) -> str:
        async with self.world.client() as client:
            made = await client.post(f"/v1/embeds/{self.embed.id}/passes", json={"external": external})
        return str(made.json()["token"])


@pytest.fixture
async def shop() -> Shop:
    world = await a_world()
    async with world.client() as client:
        made = await client.post("/v1/embeds", json={"name": "Shop", "origins": [SHOP], "greeting": "Hello!"})
    embed = await world.store.embed(EmbedId(made.json()["id"]))
    assert embed
    shop = Shop(world, embed, "")
    shop.token = await shop.admit("customer-1")
    return shop


async def change(shop: Shop, **fields: Any) -> None:
    async with shop.world.client() as client:
        changed = await client.patch(f"/v1/embeds/{shop.embed.id}", json=fields)
    assert changed.status_code == 200, changed.text


async def said(shop: Shop, token: str | None = None) -> list[str]:
    async with shop.browser(token) as browser:
        return [each["html"] for each in (await browser.get(f"{shop.path}/messages")).json()["items"]]


async def test_a_guest_writes_and_reads_the_answer_and_sees_nothing_else(shop: Shop) -> None:
    async with shop.browser() as browser:
        accepted = await browser.post(f"{shop.path}/messages", json={"text": "Is it in stock?"})
        while not await shop.world.store.replies(MessageId(accepted.json()["id"])):
            await asyncio.sleep(0)
        listed = (await browser.get(f"{shop.path}/messages")).json()["items"]

    assert accepted.status_code == 202
    assert [each["role"] for each in listed] == ["user", "agent"]
    assert set(listed[0]) == {"id", "role", "state", "html", "choices", "answers", "created_at", "human"}


async def test_what_is_said_comes_as_a_stream_and_what_is_said_elsewhere_does_not(shop: Shop) -> None:
    person = await shop.world.services.embeds.person(shop.embed, "customer-1", "")
    headers = {"Authorization": f"Bearer {shop.token}", "Origin": SHOP}
    async with shop.world.served("") as client, client.stream("GET", f"{shop.path}/events", headers=headers) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: hello"
        elsewhere = hello("elsewhere", tenant=HOME, sender=person.id, address=address(person.id, "main"))
        await shop.world.echo.keep(elsewhere)
        await client.post(f"{shop.path}/messages", json={"text": "here"}, headers=headers)
        seen = ""
        while not ('"role":"agent"' in seen and "here" in seen):
            seen += await anext(lines)

    assert "elsewhere" not in seen
    assert '"task"' not in seen


@pytest.mark.parametrize("waker", ["", "w" * 32])
async def test_a_pass_proves_itself_to_the_hubs_waker_if_it_has_one(waker: str) -> None:
    world = await a_world(config=Config(waker=WakerSection(token=waker)))
    async with world.client() as client:
        embed = (await client.post("/v1/embeds", json={"name": "Shop", "origins": [SHOP], "visitors": True})).json()[
            "id"
        ]
        named = (await client.post(f"/v1/embeds/{embed}/passes", json={"external": "ann"})).json()["token"]
    async with world.client("") as client:
        visitors = (await client.post(f"/embed/{embed}/visits", headers={"Origin": SHOP})).json()["token"]
    for token in (named, visitors):
        claims = claims_of(token)
        assert claims is not None
        assert proven(claims, waker) is bool(waker)
        assert not proven(claims, "x" * 32)
        assert bool(claims.wake) is bool(waker)


async def test_each_guest_has_a_chat_of_their_own(shop: Shop) -> None:
    async with shop.browser() as browser:
        await browser.post(f"{shop.path}/messages", json={"text": "mine"})
    other = await shop.admit("customer-2")

    assert "mine" in "".join(await said(shop))
    assert await said(shop, other) == []
    assert "mine" in "".join(await said(shop, await shop.admit("customer-1")))


async def test_a_guest_is_a_member_whom_the_tenant_calls_by_that_name(shop: Shop) -> None:
    await said(shop)
    person = await shop.world.store.person_by_external(HOME, "customer-1")

    assert person is not None
    assert person.role == "member"


async def test_nobody_writes_from_a_page_as_one_who_runs_the_place(shop: Shop) -> None:
    owner = await shop.world.store.person(HOME, OWNER)
    assert owner
    await shop.world.store.commit(Save(replace(owner, external="boss")))
    async with shop.browser(await shop.admit("boss")) as browser:
        refused = await browser.get(f"{shop.path}/messages")

    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["settings", "messages"])
async def test_other_pages_can_neither_ask_nor_read(shop: Shop, path: str) -> None:
    async with shop.browser(origin=EVIL) as browser:
        refused = await browser.get(f"{shop.path}/{path}")
        asked = await browser.options(f"{shop.path}/{path}", headers={"Access-Control-Request-Method": "GET"})

    assert (refused.status_code, asked.status_code) == (403, 403)
    assert not [name for answer in (refused, asked) for name in answer.headers if name.startswith("access-control")]


async def test_a_page_of_the_chat_may_ask_beforehand_and_read(shop: Shop) -> None:
    wishes = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with shop.browser("") as browser:
        asked = await browser.options(f"{shop.path}/messages", headers=wishes)
        settings = await browser.get(f"{shop.path}/settings")

    assert asked.status_code == 204
    assert "authorization" in asked.headers["access-control-allow-headers"]
    for answer in (asked, settings):
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in answer.headers
    assert settings.json() == {"title": "Shop", "greeting": "Hello!", "colour": "", "ink": "", "visitors": False}
    assert settings.headers["vary"] == "Origin"


async def test_the_api_itself_stays_closed_to_other_pages(shop: Shop) -> None:
    async with shop.browser() as browser:
        answer = await browser.get("/v1/messages")

    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers


def forged(shop: Shop, **claims: object) -> str:
    key = b"x" * 32
    return jwt.encode({"iss": "agenthost", "aud": shop.embed.id, "sub": "c", "exp": 4e9, **claims}, key, "HS256")


async def test_a_token_that_is_not_ours_opens_nothing(shop: Shop) -> None:
    good = read(shop.token, shop.embed.id, shop.world.services.secret, NOON)
    secret = shop.world.services.secret
    unsigned = jwt.encode({"iss": "agenthost", "aud": shop.embed.id, "sub": "c", "exp": 4e9}, "", "none")
    elsewhere = signed(replace(good, embed=EmbedId("other")), secret)
    over = signed(replace(good, expires_at=NOON - timedelta(days=400)), secret)
    for token in (forged(shop), unsigned, elsewhere, over, shop.world.key, "", "x.y.z", shop.token[:-2] + "xx"):
        async with shop.browser(token) as browser:
            assert (await browser.get(f"{shop.path}/messages")).status_code == 401, token


async def test_a_pass_is_for_members_of_the_api_alone_no_key(shop: Shop) -> None:
    async with shop.world.client(shop.token) as client:
        assert (await client.get("/v1/messages")).status_code == 401


async def test_visitors_write_only_where_they_may(shop: Shop) -> None:
    async with shop.browser("") as browser:
        closed = await browser.post(f"{shop.path}/visits")
        await change(shop, visitors=True)
        token = (await browser.post(f"{shop.path}/visits")).json()["token"]
    assert closed.status_code == 403
    assert len(await shop.world.store.people(HOME)) == 1  # nobody is kept who has only looked
    assert await said(shop, token) == []
    names = [person.name for person in await shop.world.store.people(HOME) if person.id != OWNER]
    assert [re.fullmatch("Visitor [0-9A-F]{4}", name) is not None for name in names] == [True]

    await change(shop, visitors=False)
    async with shop.browser(token) as browser:
        assert (await browser.get(f"{shop.path}/messages")).status_code == 401


async def test_visits_are_counted(shop: Shop) -> None:
    await change(shop, visitors=True)
    async with shop.browser("") as browser:
        answers = [await browser.post(f"{shop.path}/visits") for _ in range(25)]

    assert {answer.status_code for answer in answers} == {201, 429}


async def test_no_pass_is_made_for_a_visitors_name(shop: Shop) -> None:
    async with shop.world.client() as client:
        refused = await client.post(f"/v1/embeds/{shop.embed.id}/passes", json={"external": "visitor-1"})

    assert (refused.status_code, refused.json()["field"]) == (400, "external")


async def test_a_chat_that_is_removed_is_gone_at_once(shop: Shop) -> None:
    async with shop.world.client() as client:
        assert (await client.delete(f"/v1/embeds/{shop.embed.id}")).status_code == 204
    async with shop.browser(origin=HERE) as browser:
        assert (await browser.get(f"{shop.path}/messages")).status_code == 404
        assert (await browser.get(f"{shop.path}/widget.js")).status_code == 404


async def test_another_tenants_chat_is_not_found(shop: Shop) -> None:
    async with shop.world.client() as client:
        key = (await client.post("/v1/tenants", json={"name": "Bea"})).json()["key"]
    async with shop.world.client(key) as theirs:
        answers = [
            await theirs.get(f"/v1/embeds/{shop.embed.id}"),
            await theirs.patch(f"/v1/embeds/{shop.embed.id}", json={"name": "x"}),
            await theirs.delete(f"/v1/embeds/{shop.embed.id}"),
            await theirs.post(f"/v1/embeds/{shop.embed.id}/passes", json={"external": "c"}),
        ]
        listed = (await theirs.get("/v1/embeds")).json()["items"]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert listed == []


async def test_no_guest_writes_for_a_tenant_that_is_suspended() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant = (await client.post("/v1/tenants", json={"name": "Bea"})).json()["id"]
        embed = an_embed(tenant=tenant)
        await world.store.commit(Add(embed))
        shop = Shop(world, embed, "")
        before = (await client.get(f"{shop.path}/settings")).status_code
        await client.post(f"/v1/tenants/{tenant}/suspend")
        after = (await client.get(f"{shop.path}/settings")).status_code

    assert (before, after) == (200, 404)


async def test_a_guest_answers_only_questions_of_their_chat(shop: Shop) -> None:
    async with shop.world.client() as client:
        other = (await client.post("/v1/messages", json={"text": "hello"})).json()["id"]
    async with shop.browser() as browser:
        refused = await browser.post(f"{shop.path}/messages/{other}/choice", json={"choice": "new"})

    assert refused.status_code == 404


async def test_an_unknown_agent_is_refused(shop: Shop) -> None:
    async with shop.world.client() as client:
        refused = await client.post("/v1/embeds", json={"name": "Shop", "origins": [SHOP], "agent": "cook"})

    assert (refused.status_code, refused.json()["field"]) == (400, "agent")


GOOD: Mapping[str, str] = {
    "https://Shop.Example/": "https://shop.example",
    "https://shop.example:443": "https://shop.example",
    "http://127.0.0.1:8081": "http://127.0.0.1:8081",
    "http://[::1]:81": "http://[::1]:81",
}


@pytest.mark.parametrize("named", GOOD)
def test_an_origin_is_kept_as_browsers_say_it(named: str) -> None:
    assert origins([named, named]) == (GOOD[named],)


BAD = ["", "*", "null", "shop.example", "ftp://shop.example", "https://shop.example/path", "https://a@shop.example"]


@pytest.mark.parametrize(
    "named", [*BAD, "https://shop.example:x", "https://", "https://shop.example\n", "https://ü.de"]
)
async def test_what_is_no_origin_is_refused(shop: Shop, named: str) -> None:
    async with shop.world.client() as client:
        refused = await client.post("/v1/embeds", json={"name": "Shop", "origins": [named]})

    assert (refused.status_code, refused.json()["field"]) == (400, "origins")


def test_a_pass_comes_back_as_it_was_signed() -> None:
    made = Pass(embed=EmbedId("e"), external="customer 1", name="Ann", expires_at=NOON)
    assert read(signed(made, b"s"), EmbedId("e"), b"s", NOON - timedelta(seconds=1)) == made


async def test_who_leaves_writes_no_more(shop: Shop) -> None:
    await shop.world.store.commit(
        Add(Person(id=PersonId("p"), tenant=HOME, name="p", created_at=NOON, external="gone", leaving_at=NOON))
    )
    async with shop.browser(await shop.admit("gone")) as browser:
        assert (await browser.post(f"{shop.path}/messages", json={"text": "x"})).status_code == 403
