"""What strangers try by a request's own headers: to be led elsewhere, or to have others be, and get nowhere with."""

from hashlib import sha256

import httpx
import pytest

from hub.config import Config, HubConfig
from tests.unit.web.signing import PASSWORD, session_of, signed_in, with_app, with_password
from tests.unit.web.world import HERE, World, a_world

EVIL = "evil.example"
LYING = {
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-Proto": "javascript",
    "X-Forwarded-Prefix": f"//{EVIL}",
    "X-Host": EVIL,
    "X-Original-Host": EVIL,
    "Forwarded": f"host={EVIL};proto=http",
    "X-Original-URL": "/v1/status",
    "X-Rewrite-URL": "/v1/status",
    "X-HTTP-Method-Override": "DELETE",
    "X-Original-Method": "DELETE",
    "True-Client-IP": "127.0.0.1",
}
PLACES = ("/", "/sign-in", "/tasks", "/schema/openapi.json", "/.well-known/agent-card.json", "/healthz", "/nothing")


@pytest.fixture
async def world() -> World:
    return await a_world()


@pytest.mark.parametrize(
    "host", [EVIL, f"127.0.0.1.{EVIL}", f"127.0.0.1@{EVIL}", f"{EVIL}#127.0.0.1", f"{EVIL}:80", ""]
)
async def test_host_header_attack_whoever_is_called_otherwise_answers_nobody(world: World, host: str) -> None:
    async with world.client("") as client:
        for path in PLACES[:-1]:  # what isn't there isn't there for anybody
            answer = await client.get(path, headers={"Host": host})

            assert answer.status_code == 400, path
            assert EVIL not in answer.headers.get("location", "")
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", LYING)
async def test_cache_poisoning_no_header_that_a_cache_overlooks_changes_an_answer(world: World, header: str) -> None:
    async with world.client("") as client:
        for path in PLACES:
            plain, lied = await client.get(path), await client.get(path, headers={header: LYING[header]})

            assert (lied.status_code, lied.content) == (plain.status_code, plain.content), path
            assert {**lied.headers} == {**plain.headers}
            assert EVIL not in lied.text


async def test_cache_poisoning_what_is_not_there_is_not_kept_for_good(world: World) -> None:
    """Else a page that's loaded while the hub changes its files stays broken in every cache."""
    async with world.client("") as client:
        page = await client.get("/")
        there = page.text.partition('href="/static/')[2].partition('"')[0]
        kept, gone = await client.get(f"/static/{there}"), await client.get("/static/000000000000/site.css")
        missing = await client.get(f"/static/{there.partition('/')[0]}/nothing.css")

    assert "immutable" in kept.headers["cache-control"]
    assert [answer.status_code for answer in (gone, missing)] == [404, 404]
    assert "immutable" not in gone.headers.get("cache-control", "") + missing.headers.get("cache-control", "")


@pytest.mark.parametrize(
    "path",
    ["/v1/whoami/x.css", "/v1/messages;x.css", "/v1/whoami%2fx.js", "/v1/whoami/..%2fx.css", "/v1/whoami%00.css"],
)
async def test_cache_deception_what_is_somebodys_own_has_no_second_address_that_looks_like_a_file(
    world: World, path: str
) -> None:
    async with world.client() as client:
        answer = await client.get(path)

    assert answer.status_code in {400, 404}
    assert answer.headers["cache-control"] == "no-store"


async def test_cache_deception_what_is_somebodys_own_is_kept_by_no_cache(world: World) -> None:
    async with world.client() as client:
        for path in ("/v1/whoami", "/v1/messages", "/v1/tasks", "/v1/keys", "/v1/people/me/export", "/v1/nothing"):
            assert (await client.get(path)).headers["cache-control"] == "no-store", path


@pytest.mark.parametrize("host", ["198.51.100.7", "[2001:db8::1]:80"])
async def test_host_header_attack_links_that_are_handed_on_are_as_the_config_says(host: str) -> None:
    """An address in digits may be the hub's; where its own is configured, no other stands in what it hands on."""
    world = await a_world(Config(hub=HubConfig(url="https://hub.example")))
    async with world.client() as client:
        told = [
            await client.post("/v1/sign-in/links", headers={"Host": host}),
            await client.post("/v1/invitations", json={}, headers={"Host": host}),
            await client.post("/v1/hooks/in", json={"name": "builds"}, headers={"Host": host}),
            await client.get("/.well-known/agent-card.json", headers={"Host": host}),
        ]

    for answer in told:
        assert answer.status_code in {200, 201}, answer.text
        assert host not in answer.text
    assert all("https://hub.example/" in answer.text for answer in told)


async def test_request_smuggling_by_path_the_way_round_a_scope_leads_nowhere(world: World) -> None:
    """Paths that two parsers read differently are no other address of what needs a key."""
    async with world.client("") as client:
        for path in (
            "//v1/keys", "/v1//keys", "/./v1/keys", "/healthz/../v1/keys", "/static/../v1/keys", "/%76%31/keys",
            "/v1/keys/", "/V1/keys", "/v1/keys%20", "/v1/keys;a=b", "/sign-in/..;/v1/keys", "/v1/keys?x=/healthz",
        ):  # fmt: skip
            request = client.build_request("GET", f"{HERE}/x")
            request.url = httpx.URL(HERE).copy_with(raw_path=path.encode())
            answer = await client.send(request)

            assert answer.status_code in {400, 401, 404}, (path, answer.text)


# --- session fixation, beside what test_sign_in_attacks.py has


async def test_session_fixation_by_two_cookies_of_one_name_signing_in_replaces_what_is_used(world: World) -> None:
    """Another program on this host can plant a cookie beside ours; what somebody then signs in by is fresh."""
    await with_password(world)
    async with world.client("") as attacker:
        await signed_in(attacker)
        planted = session_of(attacker)
    async with world.client("") as victim:
        both = {"Cookie": f"agenthost_session={planted}; agenthost_session=other"}
        answer = await victim.post("/v1/sign-in", json={"code": world.people.new_code()}, headers=both)
        given = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]

    assert answer.status_code == 204
    assert given not in {"", planted, "other"}


async def test_session_fixation_a_session_in_an_address_or_a_body_is_none(world: World) -> None:
    await with_password(world)
    async with world.client("") as ann:
        await signed_in(ann)
        session = session_of(ann)
    async with world.client("") as nobody:
        answers = [
            await nobody.get(f"/v1/whoami?agenthost_session={session}&access_token={session}&key={session}"),
            await nobody.get("/v1/whoami", headers={"X-Api-Key": session, "X-Auth-Token": session}),
            await nobody.get("/v1/whoami", headers={"Cookie": f"AGENTHOST_SESSION={session}; session={session}"}),
            await nobody.request("GET", "/v1/whoami", content=f"agenthost_session={session}"),
        ]

    assert [answer.status_code for answer in answers] == [401] * 4


async def test_login_csrf_a_code_for_somebody_else_changes_nothing_unless_it_is_asked_for(world: World) -> None:
    await with_password(world)
    async with world.client() as owner:
        made = (await owner.post("/v1/tenants", json={"name": "Mallory"})).json()
    code = world.people.new_code(made["id"])
    async with world.client("") as ann:
        await signed_in(ann)
        before, who = session_of(ann), (await ann.get("/v1/whoami")).json()
        refused = await ann.post("/v1/sign-in", json={"code": code})
        assert (refused.status_code, session_of(ann)) == (409, before)
        assert (await ann.get("/v1/whoami")).json() == who

        own = await ann.post("/v1/sign-in", json={"code": world.people.new_code()})
        meant = await ann.post("/v1/sign-in", json={"code": code, "instead": True})

        assert (own.status_code, meant.status_code) == (204, 204)
        assert (await ann.get("/v1/whoami")).json() != who


async def test_a_password_cannot_be_guessed_from_what_an_idempotency_key_leaves_behind(world: World) -> None:
    """A body's plain SHA-256 in the database would do away with all that the slow hash is for."""
    await with_password(world)
    async with world.client("") as ann:
        await signed_in(ann)
        await with_app(ann)
        given = {"password": PASSWORD}
        answer = await ann.post("/v1/account/totp/end", json=given, headers={"Idempotency-Key": "k"})
        key = await world.people.whose(session_of(ann))
        body = ann.build_request("POST", "/", json=given).content
    assert answer.status_code < 300, answer.text
    assert key

    kept = await world.store.replay(key.id, "POST /v1/account/totp/end k")
    assert kept
    assert kept.fingerprint != sha256(body).hexdigest()
