"""What other pages in somebody's browser try, and get nowhere with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from hub.config import Config, HubConfig
from hub.errors import BadRequest
from hub.web.shield import check_host
from tests.unit.web.world import HERE, World, a_world

SESSION = "agenthost_session"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "192.168.1.7:80", "localhost."]
)
def test_a_host_in_digits_or_localhost_is_ours(host: str) -> None:
    check_host(host, None)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "localhost.evil.example", "a b", ":1"],
)
def test_any_other_host_is_refused_for_it_may_be_rebound(host: str) -> None:
    with pytest.raises(BadRequest, match=r"Host: .* isn't a name of this hub; set hub\.url"):
        check_host(host, "hub.example")


async def test_the_configured_name_is_ours() -> None:
    world = await a_world(Config(hub=HubConfig(url="https://hub.example")))
    async with world.client() as client:
        ours = await client.get("/v1/whoami", headers={"Host": "hub.example"})
        other = await client.get("/v1/whoami", headers={"Host": "evil.example"})

    assert (ours.status_code, other.status_code) == (200, 400)
    assert other.json()["field"] == "Host"


async def test_a_session_needs_its_token_to_change_anything() -> None:
    world = await a_world()
    async with signed_in(world) as client:
        await client.get("/")
        token = client.cookies["csrftoken"]
        without = await client.post("/v1/messages", json={"text": "hi"})
        wrong = await client.post("/v1/messages", json={"text": "hi"}, headers={"x-csrftoken": "0" * 128})
        right = await client.post("/v1/messages", json={"text": "hi"}, headers={"x-csrftoken": token})

    assert (without.status_code, wrong.status_code, right.status_code) == (403, 403, 202)
    assert "CSRF" in without.json()["detail"]


async def test_a_token_is_good_after_a_restart_of_the_hub() -> None:
    world = await a_world()
    async with signed_in(world) as client:
        await client.get("/v1/whoami")
        jar = client.cookies
    again = await a_world(store=world.store)
    async with again.client("") as client:
        client.cookies = jar
        answer = await client.post("/v1/chat/stop", headers={"x-csrftoken": jar["csrftoken"]})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_can_do_nothing_with_a_session(headers: dict[str, str]) -> None:
    world = await a_world()
    async with signed_in(world) as client:
        await client.get("/")
        token = {"x-csrftoken": client.cookies["csrftoken"]}
        answer = await client.post("/v1/messages", json={"text": "hi"}, headers=token | headers)
        signing_in = await client.post("/v1/sign-in", json={"code": "x"}, headers=headers)

    assert (answer.status_code, signing_in.status_code) == (403, 403)
    assert "only" in answer.json()["detail"]
    assert world.echo.kept == 0


async def test_our_own_page_may() -> None:
    world = await a_world()
    async with signed_in(world) as client:
        await client.get("/")
        headers = {"x-csrftoken": client.cookies["csrftoken"], "Origin": HERE, "Sec-Fetch-Site": "same-origin"}
        answer = await client.post("/v1/messages", json={"text": "hi"}, headers=headers)

    assert answer.status_code == 202


async def test_a_bearer_key_needs_no_token_and_no_origin() -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/messages", json={"text": "hi"}, headers={"Origin": "http://app.example"})

    assert answer.status_code == 202


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/whoami", "/nothing", "/v1/tasks/nothing", "/static/site.css"])
async def test_every_answer_has_the_security_headers(path: str) -> None:
    world = await a_world()
    async with world.client("") as client:
        answer = await client.get(path)

    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if path.startswith("/v1"):
        assert answer.headers["cache-control"] == "no-store"


@asynccontextmanager
async def signed_in(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client with a session, as a browser has it."""
    async with world.client("") as client:
        answer = await client.post("/v1/sign-in", json={"code": world.people.new_code()})
        assert answer.status_code == 204, answer.text
        yield client
