"""Signing in by an identity provider: who's linked gets in, and nobody else, whatever a provider or a browser says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from hub.clock import SystemClock
from hub.config import Config
from hub.flow.passports import Provider
from hub.issuers import OidcConfig, SignInConfig
from hub.oidc import Oidc
from hub.ports import Clock
from hub.records import HOME, OWNER, Quotas
from tests.unit.issuer import CLIENT, SECRET, Issuer
from tests.unit.web.signing import ANN, BEA, acceptance, invited, signed_in, with_password, with_token
from tests.unit.web.world import World, a_world

NOBODY, AGAIN, NO, AWAY = (
    f"/sign-in#!{word}" for word in ("nobody-here", "begin-again", "provider-said-no", "provider-away")
)


@asynccontextmanager
async def a_provider(clock: Clock | None = None, **options: Any) -> AsyncIterator[tuple[World, Issuer]]:
    """Give a hub's web with an identity provider, and that."""
    clock = clock or SystemClock()
    async with Issuer(clock=clock).served() as issuer:
        given = {"name": "work", "title": "Work", "issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET}
        config = OidcConfig(**{**given, **options})
        provider = Provider(config=config, voucher=Oidc(config, clock))
        sign_in = SignInConfig(oidc=(config,))
        yield await a_world(Config(sign_in=sign_in), clock, providers={config.name: provider}), issuer


async def begun(client: httpx.AsyncClient, **body: Any) -> str:
    """Begin to sign in; return where the browser is sent."""
    answer = await client.post("/v1/sign-in/oidc/work", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def there_and_back(client: httpx.AsyncClient, issuer: Issuer, **body: Any) -> str:
    """Sign in by the provider; return where the browser ends."""
    return await came_back(client, issuer.authorize(await begun(client, **body)))


async def came_back(client: httpx.AsyncClient, url: str) -> str:
    answer = await client.get(url)
    assert answer.status_code == 303
    return str(answer.headers["location"])


async def linked(world: World, issuer: Issuer) -> None:
    """Have Ann linked, the owner, from her account's page."""
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        answer = await client.post("/v1/account/oidc/work")
        assert await came_back(client, issuer.authorize(answer.json()["url"])) == "/account#!linked"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_who_linked_an_account_signs_in_by_it(algorithm: str) -> None:
    async with a_provider() as (world, issuer):
        issuer.algorithm = algorithm
        await linked(world, issuer)
        async with world.client("") as client:
            where = await there_and_back(client, issuer)
            me = (await client.get("/v1/whoami")).json()
            await with_token(client)
            account = (await client.get("/v1/account")).json()

    assert (where, me["person"]["id"]) == ("/", OWNER)
    assert [(each["provider"], each["title"], each["email"]) for each in account["linked"]] == [("work", "Work", ANN)]
    assert issuer.asked.count("configuration") == issuer.asked.count("jwks") == 1, "they're remembered for a while"


async def test_a_browser_is_sent_with_a_challenge_a_nonce_and_a_state_and_none_of_it_is_in_our_pages() -> None:
    async with a_provider() as (world, _), world.client("") as client:
        answer = await client.post("/v1/sign-in/oidc/work", json={})
        ways = (await client.get("/v1/sign-in")).json()
        unknown = await client.post("/v1/sign-in/oidc/play", json={})

    url = httpx.URL(answer.json()["url"])
    cookie = answer.headers["set-cookie"]
    assert url.params["code_challenge_method"] == "S256"
    assert len(url.params["state"]) == len(url.params["nonce"]) == len(url.params["code_challenge"]) == 43
    assert url.params["redirect_uri"] == "http://127.0.0.1:8080/sign-in/oidc/work"
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert url.params["state"] not in cookie
    assert SECRET not in answer.text + str(url)
    assert ways == {"oidc": [{"name": "work", "title": "Work"}]}
    assert unknown.status_code == 404


async def test_account_takeover_by_an_address_is_impossible_whoever_is_not_linked_is_nobody() -> None:
    async with a_provider() as (world, issuer):
        await with_password(world)
        for verified in (True, False):
            issuer.user["email_verified"] = verified
            async with world.client("") as client:
                assert await there_and_back(client, issuer) == NOBODY
                assert (await client.get("/v1/whoami")).status_code == 401

        assert await world.store.passports(HOME, OWNER) == ()


@pytest.mark.parametrize(("verified", "where"), [(True, "/"), (False, NOBODY), ("false", NOBODY), (None, NOBODY)])
async def test_an_address_makes_somebody_somebody_only_if_it_is_verified_and_the_config_says_so(
    verified: object, where: str
) -> None:
    async with a_provider(link_by_email=True) as (world, issuer):
        await with_password(world)
        issuer.user["email_verified"] = verified
        async with world.client("") as client:
            assert await there_and_back(client, issuer) == where


async def test_who_is_invited_accepts_by_the_provider() -> None:
    async with a_provider() as (world, issuer):
        issuer.user |= {"sub": "bea-2", "email": BEA, "name": "Bea"}
        async with world.client() as owner:
            code = await invited(owner, role="operator")
        async with world.client("") as client:
            told = (await client.post("/v1/invitations/look", json={"code": code})).json()
            where = await there_and_back(client, issuer, invitation=code)
            me = (await client.get("/v1/whoami")).json()
            used = await client.post("/v1/invitations/accept", json=acceptance(code))
        async with world.client("") as client:
            again = await there_and_back(client, issuer)

    assert told["oidc"] == [{"name": "work", "title": "Work"}]
    assert (where, again, used.status_code) == ("/", "/", 404)
    assert (me["person"]["name"], me["person"]["role"]) == ("Bea", "operator")


async def test_with_create_whoever_is_vouched_for_becomes_a_member_and_with_domains_only_who_has_one() -> None:
    async with a_provider(create=True, allowed_domains=("Example.org",)) as (world, issuer):
        places = []
        for sub, email, verified in (
            ("1", "cid@example.org", True),
            ("1", "cid@example.org", True),
            ("2", "dan@example.org", False),
            ("3", "eve@example.org.evil.example", True),
            ("4", "eve@evil.example", True),
            ("5", "", True),
        ):
            issuer.user = {"sub": sub, "email": email, "email_verified": verified}
            async with world.client("") as client:
                places.append(await there_and_back(client, issuer))
        people = await world.store.people(HOME)

    assert places == ["/", "/", NOBODY, NOBODY, NOBODY, NOBODY]
    assert [(person.name, person.role) for person in people] == [("Owner", "owner"), ("cid@example.org", "member")]


async def test_a_provider_vouches_for_people_of_its_tenant_alone() -> None:
    async with a_provider() as (world, issuer):
        tenant, key, secret = await world.services.tenants.create("Bea & Co", Quotas())
        await linked(world, issuer)
        await with_password(world, tenant=tenant.id, email=BEA)
        async with world.client(secret) as theirs:
            code = await invited(theirs)
        async with world.client("") as client:
            refused = await client.post("/v1/sign-in/oidc/work", json={"invitation": code})
            await signed_in(client, BEA)
            link = await client.post("/v1/account/oidc/work")
            account = (await client.get("/v1/account")).json()
            foreign = await client.delete("/v1/account/oidc", params={"issuer": issuer.url, "subject": "ann-1"})

    assert [answer.status_code for answer in (refused, link, foreign)] == [404] * 3
    assert account["providers"] == []
    assert key


@pytest.mark.parametrize(
    ("lie", "claims"), [("other key", {}), ("none", {}), ("", {"nonce": "another"}), ("", {"aud": "another-client"})]
)
async def test_whoever_the_provider_does_not_vouch_for_is_not_signed_in(lie: str, claims: dict[str, Any]) -> None:
    """All else that an ID token may be is tried in tests/unit/test_oidc.py."""
    async with a_provider() as (world, issuer):
        await linked(world, issuer)
        issuer.lie, issuer.claims = lie, claims
        async with world.client("") as client:
            assert await there_and_back(client, issuer) == NO
            assert (await client.get("/v1/whoami")).status_code == 401


async def test_a_code_that_was_used_is_not_taken_again() -> None:
    async with a_provider() as (world, issuer):
        await linked(world, issuer)
        async with world.client("") as client:
            url = await begun(client)
            way = client.cookies["agenthost_way"]
            back = issuer.authorize(url)
            assert await came_back(client, back) == "/"
            again = await came_back(client, back)
        async with world.client("") as thief:
            thief.cookies.set("agenthost_way", way)
            stolen = await came_back(thief, back)
            assert (await thief.get("/v1/whoami")).status_code == 401

    assert (again, stolen) == (AGAIN, NO)


async def test_a_code_of_somebody_elses_browser_signs_nobody_in() -> None:
    """Login CSRF by a link with the attacker's own code, and a stolen code in the attacker's browser."""
    async with a_provider() as (world, issuer):
        await linked(world, issuer)
        async with world.client("") as victim, world.client("") as attacker:
            theirs = issuer.authorize(await begun(attacker))
            without = await came_back(victim, theirs)
            victims = issuer.authorize(await begun(victim))
            planted = await came_back(victim, theirs)
            stolen = await came_back(attacker, victims)
            states = [(await each.get("/v1/whoami")).status_code for each in (victim, attacker)]

    assert (without, planted, stolen, states) == (AGAIN, AGAIN, AGAIN, [401, 401])


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        ({"iss": "https://evil.example"}, NO),
        ({"iss": ""}, NO),
        ({"state": "another"}, AGAIN),
        ({"state": "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")}, AGAIN),
        ({"code": "made-up"}, NO),
        ({"code": ""}, NO),
        ({"error": "access_denied"}, NO),
    ],
    ids=str,
)
async def test_an_answer_that_was_changed_on_the_way_signs_nobody_in(answer: dict[str, str], where: str) -> None:
    async with a_provider() as (world, issuer):
        await linked(world, issuer)
        issuer.answer = answer
        async with world.client("") as client:
            assert await there_and_back(client, issuer) == where


@pytest.mark.parametrize(
    "query",
    [
        "next=https://evil.example",
        "redirect=//evil.example",
        "url=https://evil.example&state=x&code=y",
        "error=x%0d%0aY",
    ],
)
async def test_open_redirect_nobody_is_sent_elsewhere_from_the_way_back(query: str) -> None:
    async with a_provider() as (world, issuer), world.client("") as client:
        places = [await came_back(client, f"/sign-in/oidc/{name}?{query}") for name in ("work", "play", "%2F%2Fevil")]
        url = await begun(client)
        places.append(await came_back(client, f"{issuer.authorize(url)}&next=https://evil.example"))

    assert all(place.startswith("/sign-in#!") for place in places)
    assert "evil" not in "".join(places)


async def test_open_redirect_the_way_back_is_the_hubs_own_whatever_host_is_asked() -> None:
    async with a_provider() as (world, _), world.client("") as client:
        answer = await client.post("/v1/sign-in/oidc/work", json={}, headers={"Host": "evil.example"})

    assert answer.status_code == 400


async def test_an_account_is_one_persons_and_ones_last_way_in_stays() -> None:
    async with a_provider() as (world, issuer):
        await linked(world, issuer)
        async with world.client() as owner:
            code = await invited(owner)
        async with world.client("") as bea:
            taken = await there_and_back(bea, issuer, invitation=code)
            issuer.user = {"sub": "bea-2", "email": BEA, "name": "Bea"}
            await there_and_back(bea, issuer, invitation=code)
            await with_token(bea)
            issuer.user["sub"] = "ann-1"
            link = await bea.post("/v1/account/oidc/work")
            other = await came_back(bea, issuer.authorize(link.json()["url"]))
            last = await bea.delete("/v1/account/oidc", params={"issuer": issuer.url, "subject": "bea-2"})
            hers = await bea.delete("/v1/account/oidc", params={"issuer": issuer.url, "subject": "ann-1"})
        async with world.client("") as ann:
            await signed_in(ann)
            gone = await ann.delete("/v1/account/oidc", params={"issuer": issuer.url, "subject": "ann-1"})
            back = await there_and_back(ann, issuer)

    assert (taken, other, back) == (AGAIN, AGAIN, NOBODY)
    assert [answer.status_code for answer in (last, hers, gone)] == [403, 404, 204]


async def test_who_signed_out_meanwhile_is_not_linked() -> None:
    async with a_provider() as (world, issuer):
        await with_password(world)
        async with world.client("") as client:
            await signed_in(client)
            back = issuer.authorize((await client.post("/v1/account/oidc/work")).json()["url"])
            await client.post("/v1/sign-out")
            assert await came_back(client, back) == AGAIN

        assert await world.store.passports(HOME, OWNER) == ()


async def test_a_session_from_before_ends_when_one_comes_back() -> None:
    async with a_provider() as (world, issuer):
        await linked(world, issuer)
        async with world.client("") as client, world.client("") as thief:
            await there_and_back(client, issuer)
            thief.cookies.set("agenthost_session", client.cookies["agenthost_session"])
            back = issuer.authorize(await begun(client))
            # A browser doesn't bring it along from another site.
            del client.cookies["agenthost_session"]
            assert await came_back(client, back) == "/"

            assert [(await each.get("/v1/whoami")).status_code for each in (client, thief)] == [200, 401]
