"""How often a key, a person and a tenant may ask over HTTP, and how that's told."""

import re

from hub.config import Config, LimitsConfig
from hub.errors import OverQuota
from hub.ports import Add
from hub.records import HOME, Person, PersonId
from hub.testing import NOON
from tests.unit.web.test_tenants import a_tenant
from tests.unit.web.world import World, a_world

FEW = Config(limits=LimitsConfig(requests_per_key=3, requests_per_person=4, requests_per_tenant=5))
BEA = PersonId("bea")


async def statuses(world: World, key: str, many: int) -> list[int]:
    async with world.client(key) as client:
        return [(await client.get("/v1/whoami")).status_code for _ in range(many)]


async def test_a_key_may_so_many_requests_a_minute_and_is_told_how_it_stands() -> None:
    world = await a_world(FEW)
    key = await world.key_with("messages:read")
    async with world.client(key) as client:
        answers = [await client.get("/v1/whoami") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    first, last = answers[0], answers[-1]
    assert first.headers["RateLimit-Policy"] == '"key";q=3;w=60, "person";q=4;w=60'
    assert re.fullmatch(r'"person";r=3;t=\d+, "key";r=2;t=\d+', first.headers["RateLimit"])
    assert int(last.headers["Retry-After"]) in range(1, 62)
    assert '"key";r=0;' in last.headers["RateLimit"]
    assert last.json()["title"] == "Too Many Requests"
    assert "this key may make 3 a minute" in last.json()["detail"]


async def test_a_person_has_one_pace_for_all_their_keys_and_others_have_theirs() -> None:
    world = await a_world(FEW)
    await world.store.commit(Add(Person(id=BEA, tenant=HOME, name="Bea", role="member", created_at=NOON)))
    _, beas = await world.people.create_key(HOME, BEA, "hers", ["messages:read"])
    one, two = await world.key_with("messages:read"), await world.key_with("messages:read")

    assert await statuses(world, one, 3) == [200] * 3
    assert await statuses(world, two, 2) == [200, 429]
    assert await statuses(world, beas, 3) == [200] * 3


async def test_a_tenant_has_one_pace_for_all_its_keys_and_who_runs_the_hub_has_none() -> None:
    world = await a_world(Config(limits=LimitsConfig(requests_per_key=99, requests_per_person=99)))
    async with world.client() as client:
        _, key = await a_tenant(client, quotas={"requests": 2})
        _, free = await a_tenant(client)
        refused = await statuses(world, key, 3)
        ours = [(await client.get("/v1/whoami")).status_code for _ in range(200)]

    assert refused == [200, 200, 429]
    assert await statuses(world, free, 3) == [200] * 3
    assert set(ours) == {200}


async def test_a_key_may_have_a_pace_of_its_own_and_nobody_gives_more_than_the_config_but_an_admin() -> None:
    world = await a_world(FEW)
    mine = await world.key_with("messages:read", "keys:write")
    async with world.client() as client:
        slow = await client.post("/v1/keys", json={"name": "slow", "scopes": ["messages:read"], "requests": 1})
        quick = await client.post("/v1/keys", json={"name": "quick", "scopes": ["messages:read"], "requests": 50})
    async with world.client(mine) as client:
        more = await client.post("/v1/keys", json={"name": "more", "scopes": ["messages:read"], "requests": 4})

    assert await statuses(world, slow.json()["key"], 2) == [200, 429]
    assert await statuses(world, quick.json()["key"], 9) == [200] * 9
    assert (more.status_code, more.json()["field"]) == (400, "requests")


async def test_a_quota_that_is_spent_is_told_by_name_with_when_it_is_free_again() -> None:
    world = await a_world()
    over = OverQuota("all gone", quota="messages", limit=5, again_at=NOON, after=90.0)
    world.echo.failing = over
    async with world.client() as client:
        answer = await client.post("/v1/messages", json={"text": "hello"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "90")
    problem = answer.json()
    assert (problem["quota"], problem["limit"], problem["again_at"]) == ("messages", 5, "2026-11-22T12:00:00Z")
