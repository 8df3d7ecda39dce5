"""Invitations: a link gives somebody a way in, once."""

import io
import zipfile

from hub.config import Config, HubConfig
from hub.issuers import SignInConfig
from hub.records import HOME, OWNER
from hub.testing import FakeClock
from tests.unit.web.signing import (
    ANN,
    BEA,
    OTHER,
    PASSWORD,
    acceptance,
    by_password,
    code_of,
    invited,
    signed_in,
    with_app,
    with_password,
    with_token,
)
from tests.unit.web.world import World, a_world


async def a_member(world: World) -> str:
    """Let Bea in by an invitation; return her id."""
    async with world.client() as client:
        code = await invited(client)
    async with world.client("") as client:
        assert (await client.post("/v1/invitations/accept", json=acceptance(code))).status_code == 200
        return str((await client.get("/v1/whoami")).json()["person"]["id"])


async def test_who_is_invited_chooses_a_password_and_is_in() -> None:
    world = await a_world()
    async with world.client() as client:
        made = (await client.post("/v1/invitations", json={"role": "operator", "name": "Bea"})).json()
        code = made["url"].partition("#")[2]
    async with world.client("") as client:
        told = (await client.post("/v1/invitations/look", json={"code": code})).json()
        accepted = await client.post("/v1/invitations/accept", json=acceptance(code, name=None))
        me = (await client.get("/v1/whoami")).json()
    async with world.client("") as client:
        await signed_in(client, BEA, OTHER)
    async with world.client() as client:
        [listed] = (await client.get("/v1/invitations")).json()["items"]

    assert made["url"].startswith("http://127.0.0.1:8080/invitation#")
    assert told == {"tenant": "Home", "role": "operator", "email": "", "name": "Bea", "known": False, "oidc": []}
    assert accepted.json()["next"] == "done"
    assert (me["person"]["name"], me["person"]["role"]) == ("Bea", "operator")
    assert (listed["state"], listed["person"], listed["invited_by"]) == ("accepted", me["person"]["id"], OWNER)
    assert code not in str(listed)


async def test_the_link_leads_to_where_people_reach_the_hub() -> None:
    world = await a_world(Config(hub=HubConfig(url="https://hub.example/")))
    async with world.client() as client:
        made = await client.post("/v1/invitations", json={}, headers={"Host": "hub.example"})

    assert made.json()["url"].startswith("https://hub.example/invitation#")


async def test_an_address_that_is_named_in_it_is_the_one() -> None:
    world = await a_world()
    async with world.client() as client:
        code = await invited(client, email=" Bea@Example.org ")
        odd = await client.post("/v1/invitations", json={"email": "nobody"})
    async with world.client("") as client:
        await client.post("/v1/invitations/accept", json=acceptance(code, email="mallory@example.org"))
    async with world.client("") as client:
        other, named = await by_password(client, "mallory@example.org", OTHER), await by_password(client, BEA, OTHER)

    assert (odd.status_code, other.status_code, named.status_code) == (400, 401, 200)


async def test_a_password_or_an_address_that_will_not_do_leaves_the_invitation_open() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client() as client:
        code = await invited(client)
    async with world.client("") as client:
        answers = [
            await client.post("/v1/invitations/accept", json=acceptance(code, **odd))
            for odd in ({"password": "short"}, {"email": ""}, {"email": ANN}, {"name": None}, {"password": "x" * 257})
        ]
        right = await client.post("/v1/invitations/accept", json=acceptance(code))

    assert [answer.status_code for answer in answers] == [400] * 5
    assert [answer.json()["field"] for answer in answers] == ["password", "email", "email", "name", "password"]
    assert right.status_code == 200


async def test_an_invitation_is_over_after_a_week_or_when_it_is_withdrawn() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    async with world.client() as client:
        made = (await client.post("/v1/invitations", json={})).json()
        withdrawn = made["url"].partition("#")[2]
        late = await invited(client)
        answers = [await client.delete(f"/v1/invitations/{made['id']}") for _ in range(2)]
        unknown = await client.delete("/v1/invitations/none")
    await clock.advance(7 * 24 * 3600 + 1)
    async with world.client("") as client:
        refused = [await client.post("/v1/invitations/look", json={"code": code}) for code in (withdrawn, late, "x")]
    async with world.client() as client:
        states = [each["state"] for each in (await client.get("/v1/invitations")).json()["items"]]
        await clock.advance(31 * 24 * 3600)
        forgotten = (await client.get("/v1/invitations")).json()["items"]

    assert [answer.status_code for answer in (*answers, unknown)] == [204, 204, 404]
    assert len({answer.text for answer in refused}) == 1
    assert (refused[0].status_code, states, forgotten) == (404, ["over", "over"], [])


async def test_who_lost_their_way_in_is_given_another_and_their_sessions_and_app_end() -> None:
    world = await a_world()
    bea = await a_member(world)
    async with world.client("") as client:
        await signed_in(client, BEA, OTHER)
        began = (await client.post("/v1/account/totp")).json()
        given = {"setting_up": began["setting_up"], "code": code_of(began["secret"]), "password": OTHER}
        assert (await client.post("/v1/account/totp/confirm", json=given)).status_code == 200
        async with world.client() as owner:
            void, code = await invited(owner, person=bea), await invited(owner, person=bea)
        async with world.client("") as fresh:
            first = await fresh.post("/v1/invitations/accept", json=acceptance(void, password=PASSWORD))
            told = (await fresh.post("/v1/invitations/look", json={"code": code})).json()
            done = await fresh.post("/v1/invitations/accept", json=acceptance(code, password=PASSWORD))
            again = (await fresh.get("/v1/whoami")).json()
        out = await client.get("/v1/whoami")

    assert (first.status_code, done.json()["next"], out.status_code) == (404, "done", 401)
    assert (told["known"], told["email"]) == (True, BEA)
    assert (again["person"]["id"], again["person"]["name"]) == (bea, "Bea")


async def test_an_admin_invites_anybody_but_does_not_take_the_owners_place() -> None:
    world = await a_world()
    async with world.client() as client:
        admins = await invited(client, role="admin", name="Adam")
    async with world.client("") as adam:
        await adam.post("/v1/invitations/accept", json=acceptance(admins, email="adam@example.org", name=None))
        await with_token(adam)
        owners = await adam.post("/v1/invitations", json={"person": OWNER})
        homes = await adam.post("/v1/tenants/home/invitation")
        another = await adam.post("/v1/invitations", json={"role": "admin"})
        owner = await adam.post("/v1/invitations", json={"role": "owner"})

    assert [answer.status_code for answer in (owners, homes, another, owner)] == [403, 403, 201, 400]


async def test_whoever_runs_the_hub_gives_a_tenants_owner_their_way_in() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant = (await client.post("/v1/tenants", json={"name": "Bea & Co"})).json()
        made = await client.post(f"/v1/tenants/{tenant['id']}/invitation")
        none = await client.post("/v1/tenants/none/invitation")
        ours = (await client.get("/v1/invitations")).json()["items"]
    code = made.json()["url"].partition("#")[2]
    async with world.client(tenant["key"]) as theirs:
        listed = (await theirs.get("/v1/invitations")).json()["items"]
        refused = await theirs.post(f"/v1/tenants/{tenant['id']}/invitation")
    async with world.client("") as bea:
        told = (await bea.post("/v1/invitations/look", json={"code": code})).json()
        await bea.post("/v1/invitations/accept", json=acceptance(code))
        me = (await bea.get("/v1/whoami")).json()

    assert (told["known"], told["name"], me["person"]["name"]) == (False, "", acceptance(code)["name"])
    assert (made.status_code, none.status_code, refused.status_code) == (201, 404, 403)
    assert (ours, len(listed)) == ([], 1)
    assert (me["tenant"], me["person"]["role"], me["scopes"]) == (tenant["id"], "owner", ["admin"])


async def test_who_needs_an_app_sets_it_up_right_after_accepting() -> None:
    world = await a_world(Config(sign_in=SignInConfig(totp=("admin",))))
    async with world.client() as client:
        code = await invited(client, role="admin")
    async with world.client("") as client:
        asked = (await client.post("/v1/invitations/accept", json=acceptance(code))).json()
        early = await client.get("/v1/whoami")
        done = await client.post("/v1/sign-in/enrol", json={"code": code_of(asked["secret"])})

    assert (asked["next"], early.status_code, done.json()["next"]) == ("enrol", 401, "done")


async def test_nobody_is_invited_as_a_program_and_two_hundred_are_open_at_most() -> None:
    world = await a_world()
    async with world.client() as client:
        odd = [await client.post("/v1/invitations", json={"role": role}) for role in ("service", "group")]
        for _ in range(200):
            await invited(client)
        more = await client.post("/v1/invitations", json={})

    assert [answer.status_code for answer in (*odd, more)] == [400] * 3


async def test_of_an_erased_person_no_way_in_is_left() -> None:
    world = await a_world()
    bea = await a_member(world)
    async with world.client("") as client:
        await signed_in(client, BEA, OTHER)
        async with world.client() as owner:
            code = await invited(owner, person=bea)
            assert (await owner.delete(f"/v1/people/{bea}")).status_code == 202
        looked = await client.post("/v1/invitations/look", json={"code": code})
        back = await by_password(client, BEA, OTHER)
    [person] = await world.store.leaving()
    await world.services.leaving.finish(person)

    assert (looked.status_code, back.status_code) == (404, 401)
    assert await world.store.login(HOME, person.id) is None
    assert await world.store.sessions(HOME, person.id) == ()
    assert [each.id for each in await world.store.people(HOME)] == [OWNER]
    assert BEA not in str(await world.store.invitations(HOME, limit=9))


async def test_what_is_kept_of_how_one_signs_in_is_in_ones_own_data_without_what_proves_it() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        _, recovery = await with_app(client)
        export = zipfile.ZipFile(io.BytesIO((await client.get("/v1/people/me/export")).content))

    login = await world.store.login(HOME, OWNER)
    assert login
    whole = b"".join(map(export.read, export.namelist()))
    assert ANN.encode() in export.read("sign-in.jsonl")
    for secret in (login.password, login.totp, *login.recovery, *recovery):
        assert secret.encode() not in whole
