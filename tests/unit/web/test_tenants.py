"""Tenants over HTTP: made, limited, suspended; each a wall."""

import httpx
import pytest

from hub.records import TenantId
from tests.unit.web.world import World, a_world


async def a_tenant(client: httpx.AsyncClient, **fields: object) -> tuple[TenantId, str]:
    made = await client.post("/v1/tenants", json={"name": "Bea & Co", **fields})
    assert made.status_code == 201, made.text
    return TenantId(made.json()["id"]), made.json()["key"]


async def test_a_tenants_owner_may_everything_within_it_and_nothing_of_the_hub() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant, key = await a_tenant(client)
    async with world.client(key) as theirs:
        who = (await theirs.get("/v1/whoami")).json()
        made = await theirs.post("/v1/keys", json={"name": "bot", "scopes": ["messages:write"]})
        refused = [await theirs.get(path) for path in ("/v1/tenants", "/v1/packages", "/v1/status", "/metrics")]
        installed = await theirs.post("/v1/packages", json={"source": "x"})

    assert (who["tenant"], who["person"]["role"], who["scopes"]) == (tenant, "owner", ["admin"])
    assert made.status_code == 201
    assert [answer.status_code for answer in (*refused, installed)] == [403] * 5
    assert "whole hub" in refused[0].json()["detail"]


async def test_what_one_tenant_has_the_other_cannot_find() -> None:
    world = await a_world()
    async with world.client() as client:
        _, key = await a_tenant(client)
        ours = (await client.post("/v1/messages?wait=5", json={"text": "secret of ours"})).json()
        our_keys = (await client.get("/v1/keys")).json()["items"]
    async with world.client(key) as theirs:
        said = (await theirs.post("/v1/messages?wait=5", json={"text": "hello"})).json()
        found = [
            await theirs.get(f"/v1/messages/{ours['id']}"),
            await theirs.get(f"/v1/tasks/{ours['task']['id']}"),
            await theirs.delete(f"/v1/keys/{our_keys[0]['id']}"),
        ]
        listed = await theirs.get("/v1/messages")
        people = (await theirs.get("/v1/people")).json()["items"]

    assert said["state"] == "answered"
    assert [answer.status_code for answer in found] == [404] * 3
    assert "secret" not in listed.text
    assert [person["name"] for person in people] == ["Bea & Co"]


async def test_no_key_of_a_suspended_tenant_is_good_until_it_is_resumed() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant, key = await a_tenant(client)
        async with world.client(key) as theirs:
            before = await theirs.get("/v1/whoami")
            suspended = await client.post(f"/v1/tenants/{tenant}/suspend")
            meanwhile = await theirs.get("/v1/whoami")
            await client.post(f"/v1/tenants/{tenant}/resume")
            after = await theirs.get("/v1/whoami")

    assert suspended.json()["suspended_at"]
    assert [answer.status_code for answer in (before, meanwhile, after)] == [200, 401, 200]


async def test_the_hubs_own_tenant_stays() -> None:
    world = await a_world()
    async with world.client() as client:
        refused = await client.post("/v1/tenants/home/suspend")
        unknown = await client.post("/v1/tenants/nobody/suspend")

    assert (refused.status_code, unknown.status_code) == (400, 404)


async def test_quotas_and_agents_are_kept_and_changed() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant, _ = await a_tenant(client, quotas={"messages": 5, "money": 1.5}, agents=["default"])
        named = (await client.patch(f"/v1/tenants/{tenant}", json={"name": "Cid"})).json()
        freed = (await client.patch(f"/v1/tenants/{tenant}", json={"quotas": {"tokens": 7}, "agents": []})).json()
        unknown = await client.patch(f"/v1/tenants/{tenant}", json={"agents": ["cook"]})
        listed = (await client.get("/v1/tenants?limit=1")).json()
        rest = (await client.get(f"/v1/tenants?cursor={listed['next']}")).json()

    assert (named["name"], named["quotas"]["messages"], named["agents"]) == ("Cid", 5, ["default"])
    assert (freed["quotas"]["messages"], freed["quotas"]["tokens"], freed["agents"]) == (None, 7, [])
    assert (unknown.status_code, unknown.json()["field"]) == (400, "agent")
    assert {each["id"] for each in listed["items"] + rest["items"]} == {"home", tenant}


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "quotas": {"messages": -1}}, {"name": "x", "a": 1}])
async def test_a_tenant_that_makes_no_sense_is_refused(body: dict[str, object]) -> None:
    world = await a_world()
    async with world.client() as client:
        refused = await client.post("/v1/tenants", json=body)

    assert refused.status_code == 400


async def wish(world: World, key: str, agent: str | None = None) -> httpx.Response:
    async with world.client(key) as client:
        return await client.post("/v1/messages", json={"text": "hello"} | ({"agent": agent} if agent else {}))


async def test_a_key_for_some_agents_gets_no_other_and_hands_on_no_more() -> None:
    world = await a_world()
    async with world.client() as client:
        narrow = {"name": "bot", "scopes": ["messages:write", "messages:read", "keys:write"], "agents": ["default"]}
        key = (await client.post("/v1/keys", json=narrow)).json()["key"]
        unknown = await client.post("/v1/keys", json={**narrow, "agents": ["cook"]})
    async with world.client(key) as theirs:
        made = (await theirs.post("/v1/keys", json={"name": "bot", "scopes": ["messages:read"]})).json()
        listed = (await theirs.get("/v1/keys")).json()["items"]
        agents = (await theirs.get("/v1/agents")).json()["items"]

    assert unknown.json()["field"] == "agent"
    assert next(each for each in listed if each["id"] == made["id"])["agents"] == ["default"]
    assert [agent["name"] for agent in agents] == ["default"]
    assert (await wish(world, key, "default")).status_code == 202
    assert (await wish(world, key, "cook")).status_code == 400


async def test_an_erased_tenant_is_suspended_at_once_and_then_gone_with_all_that_it_had() -> None:
    world = await a_world()
    async with world.client() as client:
        tenant, key = await a_tenant(client)
        async with world.client(key) as theirs:
            said = (await theirs.post("/v1/messages?wait=5", json={"text": "hello"})).json()
            gone = await client.delete(f"/v1/tenants/{tenant}")
            refused = await theirs.get("/v1/whoami")
        resumed = await client.post(f"/v1/tenants/{tenant}/resume")
        again = await client.delete(f"/v1/tenants/{tenant}")
        [leaving] = await world.store.leaving_tenants()
        await world.services.business.clearing.finish(leaving)
        after = await client.get(f"/v1/tenants/{tenant}")
        ours = await client.get("/v1/whoami")
        home = await client.delete("/v1/tenants/home")
        unknown = await client.delete("/v1/tenants/nobody")

    assert gone.status_code == 202
    assert gone.json()["leaving_at"]
    assert gone.json()["suspended_at"]
    assert again.json() == gone.json()
    assert (refused.status_code, resumed.status_code) == (401, 400)
    assert (after.status_code, ours.status_code, home.status_code, unknown.status_code) == (404, 200, 400, 404)
    assert await world.store.message(said["id"]) is None
    assert await world.store.people(tenant) == ()
    assert await world.store.keys(tenant) == ()
