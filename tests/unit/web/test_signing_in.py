"""People sign in as themselves: by a password, an app's code, in the tenant that they mean."""

import pytest
from msgspec.structs import replace

from hub.config import Config, HubConfig
from hub.issuers import SignInConfig
from hub.ports import Save
from hub.records import HOME, OWNER, Quotas
from hub.testing import FakeClock
from tests.unit.web.signing import (
    ANN,
    FIREFOX,
    OTHER,
    PASSWORD,
    by_password,
    code_of,
    signed_in,
    with_app,
    with_password,
    with_token,
)
from tests.unit.web.world import a_world

NEEDED = Config(sign_in=SignInConfig(totp=("owner", "admin")))


async def test_an_address_and_a_password_open_a_session() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        answer = await by_password(client, " Ann@Example.org ", PASSWORD)
        me = (await client.get("/v1/whoami")).json()

    cookies = answer.headers.get_list("set-cookie")
    assert (answer.status_code, answer.json()["next"]) == (200, "done")
    assert me["person"]["id"] == OWNER
    assert all("HttpOnly" in cookie and "SameSite=strict" in cookie for cookie in cookies)
    assert PASSWORD not in answer.text


async def test_the_same_letters_typed_on_another_keyboard_are_the_same_password() -> None:
    world = await a_world()
    await with_password(world, password="Zürich fährt Bahn ﬁx")
    async with world.client("") as client:
        answer = await by_password(client, ANN, "Zu\u0308rich fa\u0308hrt Bahn fix")

    assert answer.json()["next"] == "done"


async def test_over_https_the_cookies_are_bound_to_this_very_host() -> None:
    world = await a_world(Config(hub=HubConfig(url="https://hub.example")))
    await with_password(world)
    async with world.client("") as client:
        answer = await client.post(
            "/v1/sign-in/password", json={"email": ANN, "password": PASSWORD}, headers={"Host": "hub.example"}
        )

    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all(cookie.startswith("__Host-agenthost_") and "Secure" in cookie for cookie in cookies)
    assert all("Path=/;" in cookie and "Domain" not in cookie for cookie in cookies)


async def test_with_an_app_its_code_is_asked_for_and_a_recovery_code_does_once() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, recovery = await with_app(client, clock)
    await clock.advance(60)
    async with world.client("") as client:
        asked = await by_password(client)
        early = await client.get("/v1/whoami")
        resumed = await client.get("/v1/sign-in/step")
        wrong = await client.post("/v1/sign-in/code", json={"code": "000000"})
        right = await client.post("/v1/sign-in/code", json={"code": code_of(secret, clock)})
        me = await client.get("/v1/whoami")
    answers = []
    for _ in range(2):
        async with world.client("") as client:
            await by_password(client)
            answers.append(await client.post("/v1/sign-in/code", json={"code": recovery[0].upper().replace("-", " ")}))

    assert asked.json()["next"] == resumed.json()["next"] == "code"
    assert "agenthost_session" not in " ".join(asked.headers.get_list("set-cookie"))
    assert (early.status_code, wrong.status_code, right.status_code, me.status_code) == (401, 401, 200, 200)
    assert [answer.status_code for answer in answers] == [200, 401]
    assert len(recovery) == 10


async def test_who_needs_an_app_and_has_none_sets_one_up_before_the_first_session() -> None:
    world = await a_world(NEEDED)
    await with_password(world)
    async with world.client("") as client:
        asked = (await by_password(client)).json()
        again = (await client.get("/v1/sign-in/step")).json()
        early = await client.get("/v1/whoami")
        wrong = await client.post("/v1/sign-in/enrol", json={"code": "123456"})
        done = await client.post("/v1/sign-in/enrol", json={"code": code_of(asked["secret"])})
        me = await client.get("/v1/whoami")
        over = await client.post("/v1/sign-in/enrol", json={"code": code_of(asked["secret"], steps=1)})
    async with world.client("") as client:
        later = (await by_password(client)).json()

    assert (asked["next"], again) == ("enrol", asked)
    assert asked["uri"].startswith("otpauth://totp/AgentHost:ann%40example.org?secret=")
    assert asked["qr"].startswith("data:image/svg+xml")
    assert [answer.status_code for answer in (early, wrong, done, me, over)] == [401, 401, 200, 200, 409]
    assert len(done.json()["recovery"]) == 10
    assert later["next"] == "code"


async def test_who_is_in_several_tenants_by_one_password_is_asked_which_and_else_goes_where_it_is_good() -> None:
    world = await a_world()
    tenants = [(await world.services.tenants.create(name, Quotas()))[0] for name in ("Bea & Co", "Cid & Co")]
    await with_password(world)
    await with_password(world, tenant=tenants[0].id)
    await with_password(world, tenant=tenants[1].id, password=OTHER)
    async with world.client("") as client:
        asked = (await by_password(client)).json()
        odd = await client.post("/v1/sign-in/choose", json={"tenant": tenants[1].id})
        chosen = await client.post("/v1/sign-in/choose", json={"tenant": tenants[0].id})
        me = (await client.get("/v1/whoami")).json()
    async with world.client("") as client:
        await signed_in(client, password=OTHER)
        other = (await client.get("/v1/whoami")).json()

    assert asked["next"] == "choose"
    assert {each["name"] for each in asked["tenants"]} == {"Home", "Bea & Co"}
    assert (odd.status_code, chosen.status_code) == (400, 200)
    assert (me["tenant"], other["tenant"]) == (tenants[0].id, tenants[1].id)


async def test_a_step_is_good_for_ten_minutes_and_void_with_another_password() -> None:
    clock = FakeClock()
    world = await a_world(NEEDED, clock=clock)
    await with_password(world)
    async with world.client("") as client:
        secret = (await by_password(client)).json()["secret"]
        await clock.advance(601)
        late = await client.post("/v1/sign-in/enrol", json={"code": code_of(secret, clock)})
        secret = (await by_password(client)).json()["secret"]
        await clock.advance(1)
        await with_password(world, password=OTHER)
        changed = await client.post("/v1/sign-in/enrol", json={"code": code_of(secret, clock)})
        client.cookies.clear()
        without = await client.post("/v1/sign-in/enrol", json={"code": code_of(secret, clock)})

    assert [answer.status_code for answer in (late, changed, without)] == [409] * 3
    assert "begin again" in late.json()["detail"]


@pytest.mark.parametrize("gone", ["suspended", "leaving"])
async def test_of_who_may_not_be_heard_no_password_is_good(gone: str) -> None:
    world = await a_world()
    tenant, _, _ = await world.services.tenants.create("Bea & Co", Quotas())
    person = await with_password(world, tenant=tenant.id)
    if gone == "suspended":
        await world.services.tenants.suspend(tenant.id, suspended=True)
    else:
        await world.store.commit(Save(replace(person, leaving_at=world.services.clock.now())))
    async with world.client("") as client:
        answer = await by_password(client)

    assert (answer.status_code, answer.json()["detail"]) == (401, "e-mail or password is wrong")


async def test_a_session_says_where_it_is_and_each_can_be_ended() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    await with_password(world)
    async with world.client("") as laptop, world.client("") as phone:
        laptop.headers["user-agent"] = FIREFOX
        phone.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604.1"
        await signed_in(laptop)
        await clock.advance(3600)
        await signed_in(phone)
        listed = (await laptop.get("/v1/sessions")).json()["items"]
        other = next(each for each in listed if not each["current"])
        ended = await laptop.delete(f"/v1/sessions/{other['id']}")
        again = await laptop.delete(f"/v1/sessions/{other['id']}")
        out = await phone.get("/v1/whoami")
        still = await laptop.get("/v1/whoami")

    assert {(each["device"], each["current"]) for each in listed} == {
        ("Firefox on Linux", True),
        ("Safari on iPhone", False),
    }
    assert all(each["seen_at"] >= "2026-11-22T13" for each in listed)
    assert [answer.status_code for answer in (ended, again, out, still)] == [204, 404, 401, 200]


async def test_all_other_sessions_end_at_once() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as here, world.client("") as there, world.client("") as elsewhere:
        for client in (here, there, elsewhere):
            await signed_in(client)
        assert (await here.delete("/v1/sessions")).status_code == 204
        out = [(await client.get("/v1/whoami")).status_code for client in (here, there, elsewhere)]

    assert out == [200, 401, 401]


async def test_nobody_sees_or_ends_somebody_elses_sessions() -> None:
    world = await a_world()
    tenant, _, _ = await world.services.tenants.create("Bea & Co", Quotas())
    await with_password(world)
    await with_password(world, email="bea@example.org", tenant=tenant.id)
    async with world.client("") as ann, world.client("") as bea:
        await signed_in(ann)
        await signed_in(bea, "bea@example.org")
        [hers] = (await bea.get("/v1/sessions")).json()["items"]
        ended = await ann.delete(f"/v1/sessions/{hers['id']}")

        assert (ended.status_code, (await bea.get("/v1/whoami")).status_code) == (404, 200)


async def test_another_password_ends_the_other_sessions_and_needs_the_old_one() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as here, world.client("") as there:
        await signed_in(here)
        await signed_in(there)
        wrong = await here.put("/v1/account/password", json={"old": "not this one", "new": OTHER})
        right = await here.put("/v1/account/password", json={"old": PASSWORD, "new": OTHER})
        out = [(await client.get("/v1/whoami")).status_code for client in (here, there)]
    async with world.client("") as client:
        before, after = await by_password(client), await by_password(client, ANN, OTHER)

    assert [answer.status_code for answer in (wrong, right, before, after)] == [403, 204, 401, 200]
    assert out == [200, 401]


async def test_the_owner_sets_a_first_password_from_a_session_that_was_just_opened_by_the_key() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    async with world.client("") as client:
        await client.post("/v1/sign-in", json={"code": world.key})
        await with_token(client)
        none = (await client.get("/v1/account")).json()
        nowhere = await client.put("/v1/account/password", json={"new": PASSWORD})
        easy = await client.put("/v1/account/password", json={"new": "Password2026!", "email": ANN})
        await clock.advance(901)
        late = await client.put("/v1/account/password", json={"new": PASSWORD, "email": ANN})
        await client.post("/v1/sign-in", json={"code": world.key})
        await with_token(client)
        done = await client.put("/v1/account/password", json={"new": PASSWORD, "email": ANN})
        then = (await client.get("/v1/account")).json()
    async with world.client("") as client:
        await signed_in(client)

    assert (none["has_password"], none["email"], none["totp_at"]) == (False, "", None)
    assert [answer.status_code for answer in (nowhere, easy, late, done)] == [400, 400, 403, 204]
    assert "first that are guessed" in easy.json()["detail"]
    assert (then["has_password"], then["email"]) == (True, ANN)


async def test_a_key_changes_nothing_about_who_holds_it() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client() as client:
        answers = [
            await client.get("/v1/account"),
            await client.put("/v1/account/password", json={"old": PASSWORD, "new": OTHER}),
            await client.post("/v1/account/totp"),
            await client.delete("/v1/sessions"),
        ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert "not for a key" in answers[0].json()["detail"]


async def test_an_app_is_taken_off_by_the_password_and_not_where_it_is_needed() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        _, recovery = await with_app(client)
        told = (await client.get("/v1/account")).json()
        renewed = await client.post("/v1/account/recovery", json={"password": PASSWORD})
        wrong = await client.post("/v1/account/totp/end", json={"password": OTHER})
        right = await client.post("/v1/account/totp/end", json={"password": PASSWORD})
        none = await client.post("/v1/account/recovery", json={"password": PASSWORD})
    needing = await a_world(NEEDED)
    await with_password(needing)
    async with needing.client("") as client:
        secret = (await by_password(client)).json()["secret"]
        await client.post("/v1/sign-in/enrol", json={"code": code_of(secret)})
        await with_token(client)
        refused = await client.post("/v1/account/totp/end", json={"password": PASSWORD})

    assert (told["recovery_left"], bool(told["totp_at"])) == (10, True)
    assert not set(renewed.json()["recovery"]) & set(recovery)
    assert [answer.status_code for answer in (wrong, right, none, refused)] == [403, 204, 403, 403]


async def test_where_the_key_of_apps_was_lost_a_recovery_code_lets_in() -> None:
    """A backup brought back without sign-in.key."""
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, recovery = await with_app(client)
    restored = await a_world(store=world.store)
    async with restored.client("") as client:
        assert (await by_password(client)).json()["next"] == "code"
        app = await client.post("/v1/sign-in/code", json={"code": code_of(secret, steps=1)})
        code = await client.post("/v1/sign-in/code", json={"code": recovery[3]})

    assert (app.status_code, code.status_code) == (401, 200)


async def test_fifty_sessions_are_somebodys_most_and_what_is_over_is_cleared_away() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    owner = await world.store.person(HOME, OWNER)
    assert owner
    sessions = world.services.entrance.sessions
    _, first = await sessions.open(owner, "Firefox on Linux")
    for _ in range(50):
        await clock.advance(1)
        await sessions.open(owner, "Firefox on Linux")
    places = await sessions.of(HOME, OWNER)
    await clock.advance(31 * 24 * 3600)
    await sessions.open(owner, "Firefox on Linux")

    assert len(places) == 50
    assert await world.people.whose(first) is None
    assert len(await world.store.keys_of(HOME, OWNER)) == 2
    assert len(await world.store.sessions(HOME, OWNER)) == 1
