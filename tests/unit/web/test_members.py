"""People over HTTP: made, given roles, spoken for; and nobody gets more than they may give."""

import asyncio

from hub.ports import Add
from hub.records import HOME, OWNER, MessageId, Person, PersonId, Role
from hub.testing import NOON
from tests.unit.web.test_tenants import a_tenant
from tests.unit.web.world import World, a_world


async def a_key_of(world: World, role: Role, *scopes: str) -> str:
    """Return a key of somebody who has a role."""
    person = Person(id=PersonId(f"the-{role}"), tenant=HOME, name=role.title(), role=role, created_at=NOON)
    await world.store.commit(Add(person))
    return (await world.people.create_key(HOME, person.id, "test", scopes))[1]


async def test_people_are_made_renamed_and_found_by_what_others_call_them() -> None:
    world = await a_world()
    async with world.client() as client:
        made = await client.post("/v1/people", json={"name": "Bea", "external": "customer-42"})
        again = await client.post("/v1/people", json={"name": "Bob", "external": "customer-42"})
        renamed = await client.patch(f"/v1/people/{made.json()['id']}", json={"name": "Beatrice", "role": "operator"})
        found = (await client.get("/v1/people", params={"external": "customer-42"})).json()["items"]
        nobody = (await client.get("/v1/people", params={"external": "customer-43"})).json()["items"]

    assert (made.status_code, made.json()["role"], made.json()["external"]) == (201, "member", "customer-42")
    assert (again.status_code, again.json()["field"]) == (400, "external")
    assert (renamed.json()["name"], renamed.json()["role"]) == ("Beatrice", "operator")
    assert [person["name"] for person in found] == ["Beatrice"]
    assert nobody == []


async def test_only_an_admin_gives_roles_and_nobody_makes_an_owner() -> None:
    world = await a_world()
    key = await a_key_of(world, "service", "people:write", "messages:write")
    admin = await a_key_of(world, "admin", "admin")
    async with world.client(key) as client:
        member = (await client.post("/v1/people", json={"name": "Bea"})).json()["id"]
        by_service = [
            *[
                await client.post("/v1/people", json={"name": "x", "role": role})
                for role in ("admin", "operator", "service")
            ],
            await client.patch(f"/v1/people/{member}", json={"role": "admin"}),
            await client.patch("/v1/people/the-admin", json={"name": "Mine", "role": "member"}),
            await client.patch("/v1/people/owner", json={"name": "Mine"}),
        ]
    async with world.client(admin) as client:
        owners = [
            await client.post("/v1/people", json={"name": "x", "role": "owner"}),
            await client.patch(f"/v1/people/{member}", json={"role": "owner"}),
            await client.patch("/v1/people/owner", json={"role": "member"}),
        ]
        made = [await client.post("/v1/people", json={"name": "x", "role": role}) for role in ("admin", "operator")]

    assert [answer.status_code for answer in by_service] == [403] * 6
    assert [answer.status_code for answer in owners] == [400] * 3
    assert [answer.status_code for answer in made] == [201] * 2


async def test_keys_are_bound_by_a_lower_role_at_once() -> None:
    world = await a_world()
    key = await a_key_of(world, "admin", "admin")
    async with world.client(key) as client:
        before = await client.get("/v1/pairings")
        async with world.client() as owner:
            await owner.patch("/v1/people/the-admin", json={"role": "member"})
        after = await client.get("/v1/pairings")

    assert (before.status_code, after.status_code) == (200, 403)


async def test_a_tenant_is_handed_on_by_its_owner_alone_and_the_hubs_own_by_nobody() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant, key = await a_tenant(client)
        home = await client.post("/v1/people/owner/owner")
    async with world.client(key) as client:
        heir = (await client.post("/v1/people", json={"name": "Heir"})).json()["id"]
        admin = (await client.post("/v1/people", json={"name": "Admin", "role": "admin"})).json()["id"]
        service = (await client.post("/v1/people", json={"name": "Bot", "role": "service"})).json()["id"]
        admins = await client.post("/v1/keys", json={"name": "a", "scopes": ["admin"], "person": admin})
        async with world.client(admins.json()["key"]) as other:
            refused = await other.post(f"/v1/people/{admin}/owner")
        bot = await client.post(f"/v1/people/{service}/owner")
        handed = await client.post(f"/v1/people/{heir}/owner")
        once_more = await client.post(f"/v1/people/{heir}/owner")

    assert (home.status_code, refused.status_code, bot.status_code) == (400, 403, 400)
    assert (handed.status_code, handed.json()["role"]) == (200, "owner")
    assert once_more.status_code == 403
    roles = {person.id: person.role for person in await world.store.people(tenant)}
    assert (roles[OWNER], roles[PersonId(heir)]) == ("admin", "owner")


async def test_only_an_admin_makes_keys_for_others() -> None:
    world = await a_world()
    weak = await world.key_with("keys:write", "people:write")
    async with world.client() as client:
        bea = (await client.post("/v1/people", json={"name": "Bea"})).json()["id"]
        made = await client.post("/v1/keys", json={"name": "hers", "scopes": ["keys:write"], "person": bea})
        beyond = await client.post("/v1/keys", json={"name": "hers", "scopes": ["admin"], "person": bea})
    async with world.client(weak) as client:
        refused = await client.post("/v1/keys", json={"name": "hers", "scopes": ["keys:write"], "person": bea})

    assert (made.status_code, made.json()["person"]) == (201, bea)
    assert (beyond.status_code, refused.status_code) == (400, 403)


async def test_an_end_user_is_made_when_they_first_speak_and_once_however_many_come_at_once() -> None:
    world = await a_world()
    key = await a_key_of(world, "service", "people:write", "messages:write", "messages:read")
    said = {"text": "hello", "on_behalf_of": {"external": "customer-42", "name": "Bea"}}
    async with world.client(key) as client:
        answers = await asyncio.gather(*(client.post("/v1/messages", json=said) for _ in range(20)))
        await client.post("/v1/messages", json={**said, "on_behalf_of": {"external": "customer-43"}})
        mine = await client.get(f"/v1/messages/{answers[0].json()['id']}")
        bad = await client.post("/v1/messages", json={**said, "on_behalf_of": {"external": "", "name": "x"}})
    other = (await world.people.create_key(HOME, PersonId("the-service"), "other", ["messages:read"]))[1]
    async with world.client(other) as client:
        not_mine = await client.get(f"/v1/messages/{answers[0].json()['id']}")

    assert {answer.status_code for answer in answers} == {202}
    people = {person.external: person for person in await world.store.people(HOME) if person.external}
    assert [(person.name, person.role) for person in people.values()] == [("Bea", "member"), ("customer-43", "member")]
    messages = [await world.store.message(MessageId(answer.json()["id"])) for answer in answers]
    assert {message.person for message in messages if message} == {people["customer-42"].id}
    assert (mine.status_code, not_mine.status_code, bad.status_code) == (200, 404, 400)


async def test_a_key_that_speaks_for_others_speaks_for_nobody_who_may_more() -> None:
    """Commands are obeyed by who says them: a service key would let people in as the owner."""
    world = await a_world()
    key = await a_key_of(world, "service", "people:write", "messages:write")
    admin = Person(id=PersonId("adm"), tenant=HOME, name="Adm", role="admin", external="boss", created_at=NOON)
    await world.store.commit(Add(admin))
    async with world.client(key) as client:
        refused = [
            await client.post("/v1/messages", json={"text": "/approve ABCD2345", "on_behalf_of": whom})
            for whom in (OWNER, "adm", {"external": "boss"})
        ]
    async with world.client() as client:
        by_admin = await client.post("/v1/messages", json={"text": "hello", "on_behalf_of": "adm"})

    assert [answer.status_code for answer in refused] == [403] * 3
    assert by_admin.status_code == 202


async def test_who_is_locked_out_is_heard_nowhere_and_keeps_what_they_have() -> None:
    world = await a_world()
    async with world.client() as client:
        bea = (await client.post("/v1/people", json={"name": "Bea", "external": "customer-42"})).json()["id"]
        key = (await world.people.create_key(HOME, bea, "test", ("messages:read", "messages:write")))[1]
        named = {"text": "Hello", "on_behalf_of": {"external": "customer-42"}}
        async with world.client(key) as theirs:
            before = await theirs.get("/v1/whoami")
            shut = await client.post(f"/v1/people/{bea}/suspend")
            again = await client.post(f"/v1/people/{bea}/suspend")
            meanwhile = [await theirs.get("/v1/whoami"), await client.post("/v1/messages", json=named)]
            let_in = await client.post(f"/v1/people/{bea}/resume")
            after = [await theirs.get("/v1/whoami"), await client.post("/v1/messages", json=named)]
    deeds = [deed.detail for deed in await world.store.deeds(HOME, limit=50) if deed.action == "person.changed"]

    assert (before.status_code, [answer.status_code for answer in meanwhile]) == (200, [401, 403])
    assert (shut.json()["suspended_at"], again.json()["suspended_at"]) == (shut.json()["suspended_at"],) * 2
    assert (let_in.json()["suspended_at"], [answer.status_code for answer in after]) == (None, [200, 202])
    assert sorted(deeds) == ["member", "suspended"]


async def test_nobody_locks_out_the_owner_or_themselves_and_only_an_admin_other_than_members() -> None:
    world = await a_world()
    service, admin = await a_key_of(world, "service", "people:write"), await a_key_of(world, "admin", "admin")
    await a_key_of(world, "operator", "chats:operate")
    async with world.client(service) as client:
        by_service = [await client.post(f"/v1/people/the-{who}/suspend") for who in ("operator", "admin")]
    async with world.client(admin) as client:
        by_admin = [await client.post(f"/v1/people/{who}/suspend") for who in ("owner", "me", "nobody", "the-operator")]

    assert [answer.status_code for answer in by_service] == [403, 403]
    assert [answer.status_code for answer in by_admin] == [400, 400, 404, 200]
