"""A browser signs in by a code and out again."""

from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest

from hub.config import Config, HubConfig
from hub.testing import FakeClock
from hub.web.sessions import sign_in_url
from tests.unit.web.world import a_world


async def test_a_code_becomes_a_session_that_no_script_and_no_other_site_can_use() -> None:
    world = await a_world()
    async with world.client("") as client:
        answer = await client.post("/v1/sign-in", json={"code": world.people.new_code()})
        me = await client.get("/v1/whoami")

    cookie = SimpleCookie(answer.headers["set-cookie"])["agenthost_session"]
    assert (answer.status_code, answer.content) == (204, b"")
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "strict", "/", "")
    assert cookie["max-age"] == str(30 * 24 * 3600)
    assert me.json()["person"] == {"id": "owner", "name": "Owner", "role": "owner"}


async def test_over_https_the_cookie_stays_there() -> None:
    world = await a_world(Config(hub=HubConfig(url="https://hub.example")))
    async with world.client("") as client:
        answer = await client.post("/v1/sign-in", json={"code": world.people.new_code()})

    assert SimpleCookie(answer.headers["set-cookie"])["__Host-agenthost_session"]["secure"]


async def test_who_signs_out_is_out_and_so_is_a_copy_of_the_cookie() -> None:
    world = await a_world()
    async with world.client("") as client:
        await client.post("/v1/sign-in", json={"code": world.people.new_code()})
        await client.get("/v1/whoami")
        copy = {"Cookie": f"agenthost_session={client.cookies['agenthost_session']}"}
        answer = await client.post("/v1/sign-out", headers={"x-csrftoken": client.cookies["csrftoken"]})
        client.cookies.clear()
        after = await client.get("/v1/whoami", headers=copy)

    assert (answer.status_code, after.status_code) == (204, 401)
    assert 'agenthost_session=""' in answer.headers["set-cookie"] or "Max-Age=0" in answer.headers["set-cookie"]


async def test_signing_out_with_a_bearer_key_keeps_the_key() -> None:
    world = await a_world()
    async with world.client() as client:
        assert (await client.post("/v1/sign-out")).status_code == 204
        assert (await client.get("/v1/whoami")).status_code == 200


async def test_a_wrong_code_is_told_with_the_way_out() -> None:
    world = await a_world()
    async with world.client("") as client:
        answer = await client.post("/v1/sign-in", json={"code": "made up"})

    assert answer.status_code == 401
    assert "take a fresh link from: agenthost status --link" in answer.json()["detail"]


async def test_guessing_codes_is_slowed_down() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    async with world.client("") as client:
        for _ in range(20):
            assert (await client.post("/v1/sign-in", json={"code": "made up"})).status_code == 401
        await clock.advance(10)
        refused = await client.post("/v1/sign-in", json={"code": world.people.new_code()})
        await clock.advance(51)
        later = await client.post("/v1/sign-in", json={"code": world.people.new_code()})

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "50")
    assert later.status_code == 204


async def test_the_owner_makes_a_link_that_signs_in() -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/sign-in/links")
    url = urlsplit(answer.json()["url"])
    async with world.client("") as client:
        signed_in = await client.post("/v1/sign-in", json={"code": url.fragment})

    assert answer.status_code == 201
    assert (url.netloc, url.path) == ("127.0.0.1:8080", "/sign-in")
    assert signed_in.status_code == 204


@pytest.mark.parametrize(
    ("hub", "base"),
    [
        (HubConfig(), "http://127.0.0.1:8080"),
        (HubConfig(host="0.0.0.0", port=9), "http://127.0.0.1:9"),
        (HubConfig(host="::", port=9), "http://[::1]:9"),
        (HubConfig(host="::1", port=9), "http://[::1]:9"),
        (HubConfig(url="https://hub.example/"), "https://hub.example"),
    ],
)
async def test_the_link_leads_to_where_people_reach_the_hub(hub: HubConfig, base: str) -> None:
    world = await a_world(Config(hub=hub))

    assert sign_in_url(world.services, "code") == f"{base}/sign-in#code"
