"""What was taken, over HTTP: to whom it's told, how it's grouped, and as a spreadsheet reads it."""

import csv
import io

from hub.ports import Add, Count
from hub.records import HOME, OWNER, Person, PersonId, Taken, TenantId
from hub.records.usage import KEPT, total
from hub.testing import NOON, FakeClock, a_taken
from tests.unit.web.test_tenants import a_tenant
from tests.unit.web.world import World, a_world

BEA = PersonId("bea")
DAYS = {"from": "2026-11-22", "to": "2026-11-23"}


async def a_used_world() -> World:
    world = await a_world(clock=FakeClock())
    await world.store.commit(Add(Person(id=BEA, tenant=HOME, name="Bea", role="member", created_at=NOON)))
    rows = [
        a_taken(key="k1", agent="default", turns=1, tokens_in=10, tokens_out=5, money=250_000),
        a_taken(day="2026-11-23", messages=2),
        a_taken(person=BEA, agent="=cmd()", messages=4, bytes=100),
        a_taken(tenant=TenantId("others"), messages=64),
    ]
    await world.store.commit(*(Count(each) for row in rows for each in (row, total(row))))
    return world


async def test_usage_is_told_by_day_person_key_and_agent() -> None:
    world = await a_used_world()
    async with world.client() as client:
        found = (await client.get("/v1/usage", params=DAYS)).json()
        grouped = {
            by: [
                (row[by], row["messages"])
                for row in (await client.get("/v1/usage", params={**DAYS, "by": by})).json()["items"]
            ]
            for by in ("person", "key", "agent")
        }
        beas = (await client.get("/v1/usage", params={**DAYS, "person": BEA})).json()

    assert (found["from"], found["to"], found["next"]) == ("2026-11-22", "2026-11-23", None)
    assert [(row["day"], row["messages"], row["money"]) for row in found["items"]] == [
        ("2026-11-22", 5, 0.25),
        ("2026-11-23", 2, 0.0),
    ]
    assert found["total"] == {
        "messages": 7,
        "turns": 1,
        "tokens_in": 10,
        "tokens_out": 5,
        "money": 0.25,
        "bytes": 100,
    }
    assert grouped == {
        "person": [(BEA, 4), (OWNER, 3)],
        "key": [("", 6), ("k1", 1), ("owner", 0)],
        "agent": [("", 2), ("=cmd()", 4), ("default", 1)],
    }
    assert (beas["total"]["messages"], len(beas["items"])) == (4, 1)


async def test_without_days_it_is_this_month_and_pages_go_on() -> None:
    world = await a_used_world()
    async with world.client() as client:
        month = (await client.get("/v1/usage")).json()
        first = (await client.get("/v1/usage", params={**DAYS, "by": "person", "limit": 1})).json()
        second = (
            await client.get("/v1/usage", params={**DAYS, "by": "person", "limit": 1, "cursor": first["next"]})
        ).json()

    assert (month["from"], month["to"], month["total"]["messages"]) == ("2026-11-01", "2026-11-22", 5)
    assert [row["person"] for page in (first, second) for row in page["items"]] == [BEA, OWNER]
    assert second["next"] is None


async def test_a_spreadsheet_gets_csv_and_no_formula() -> None:
    world = await a_used_world()
    async with world.client() as client:
        by_agent = await client.get("/v1/usage", params={**DAYS, "by": "agent", "format": "csv"})
        by_day = await client.get("/v1/usage", params=DAYS, headers={"Accept": "text/csv"})

    assert by_agent.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(by_day.text)))[:2] == [
        ["day", "messages", "turns", "tokens_in", "tokens_out", "money", "bytes"],
        ["2026-11-22", "5", "1", "10", "5", "0.25", "100"],
    ]
    assert "'=cmd()" in by_agent.text


async def test_who_may_not_read_usage_sees_their_own() -> None:
    world = await a_used_world()
    _, secret = await world.people.create_key(HOME, BEA, "test", ["messages:read"])
    async with world.client(secret) as client:
        own = (await client.get("/v1/usage", params={**DAYS, "by": "person"})).json()
        me = await client.get("/v1/usage", params={**DAYS, "person": "me"})
        others = await client.get("/v1/usage", params={**DAYS, "person": OWNER})

    assert ([row["person"] for row in own["items"]], own["total"]["messages"]) == ([BEA], 4)
    assert me.json()["total"]["messages"] == 4
    assert others.status_code == 403


async def test_who_runs_the_hub_reads_a_tenants_and_no_tenant_anothers() -> None:
    world = await a_used_world()
    async with world.client() as client:
        tenant, key = await a_tenant(client)
        row = a_taken(tenant=tenant, messages=8)
        await world.store.commit(Count(row), Count(total(row)))
        found = (await client.get(f"/v1/tenants/{tenant}/usage", params=DAYS)).json()
        as_csv = await client.get(f"/v1/tenants/{tenant}/usage", params={**DAYS, "format": "csv", "by": "person"})
        unknown = await client.get("/v1/tenants/nobody/usage")
    async with world.client(key) as theirs:
        own = (await theirs.get("/v1/usage", params=DAYS)).json()
        refused = await theirs.get(f"/v1/tenants/{tenant}/usage")

    assert (found["total"]["messages"], own["total"]["messages"]) == (8, 8)
    assert f"{OWNER},8," in as_csv.text
    assert (unknown.status_code, refused.status_code) == (404, 403)


async def test_days_the_wrong_way_round_or_too_many_are_refused() -> None:
    world = await a_used_world()
    async with world.client() as client:
        wrong = await client.get("/v1/usage", params={"from": "2026-11-23", "to": "2026-11-22"})
        long = await client.get("/v1/usage", params={"from": "2020-01-01", "to": "2026-11-22"})
        none = await client.get("/v1/usage", params={"from": "yesterday"})

    assert [answer.status_code for answer in (wrong, long, none)] == [400] * 3
    assert "400 days" in long.json()["detail"]


async def test_persons_and_keys_are_named_as_their_tenant_calls_them_and_to_no_other() -> None:
    world = await a_used_world()
    key, _ = await world.people.create_key(HOME, OWNER, "the shop", ["messages:read"])
    row = a_taken(key=key.id, messages=1)
    await world.store.commit(Count(row), Count(total(row)))
    async with world.client() as client:
        people = (await client.get("/v1/usage", params={**DAYS, "by": "person"})).json()["items"]
        keys = (await client.get("/v1/usage", params={**DAYS, "by": "key"})).json()["items"]
        outside = (await client.get(f"/v1/tenants/{HOME}/usage", params={**DAYS, "by": "person"})).json()["items"]

    assert {row["person"]: row["name"] for row in people} == {BEA: "Bea", OWNER: "Owner"}
    assert {row["key"]: row.get("name") for row in keys if row["key"] in (key.id, "k1")} == {
        key.id: "the shop",
        "k1": None,
    }
    assert [row.get("name") for row in outside] == [None, None]


async def test_the_ones_that_took_most_come_first_if_that_is_asked_for() -> None:
    world = await a_used_world()
    async with world.client() as client:
        most = {
            what: (await client.get("/v1/usage", params={**DAYS, "by": "person", "most": what, "limit": 1})).json()
            for what in ("messages", "tokens", "money", "bytes")
        }
        refused = await client.get("/v1/usage", params={**DAYS, "by": "person", "most": "money", "cursor": "a"})

    assert {what: found["items"][0]["person"] for what, found in most.items()} == {
        "messages": BEA,
        "tokens": OWNER,
        "money": OWNER,
        "bytes": BEA,
    }
    assert {found["next"] for found in most.values()} == {None}
    assert (refused.status_code, refused.json()["field"]) == (400, "cursor")


async def test_quotas_say_how_they_stand_and_when_they_begin_anew() -> None:
    world = await a_used_world()
    async with world.client() as client:
        quotas = {"messages": 10, "money": 2.5, "storage_mb": 4}
        tenant, key = await a_tenant(client, quotas=quotas)
        taken = a_taken(tenant=tenant, messages=7, tokens_in=5, tokens_out=2, money=1_500_000)
        earlier = a_taken(tenant=tenant, day="2026-11-03", messages=50, money=500_000)
        kept = Taken(tenant=tenant, day=KEPT, bytes=1024 * 1024)
        await world.store.commit(*(Count(total(row)) for row in (taken, earlier)), Count(kept))
        outside = (await client.get(f"/v1/tenants/{tenant}/quotas")).json()
        unknown = await client.get("/v1/tenants/nobody/quotas")
    async with world.client(key) as theirs:
        own = (await theirs.get("/v1/quotas")).json()
        refused = await theirs.get(f"/v1/tenants/{tenant}/quotas")
    async with world.client(await world.key_with("messages:read")) as lesser:
        closed = await lesser.get("/v1/quotas")

    assert own == outside
    assert [tuple(item.values()) for item in own["items"]] == [
        ("messages", 10.0, 7.0, "2026-11-23T00:00:00Z"),
        ("tokens", None, 7.0, "2026-11-23T00:00:00Z"),
        ("money", 2.5, 2.0, "2026-12-01T00:00:00Z"),
        ("storage_mb", 4.0, 1.0, None),
    ]
    assert (unknown.status_code, refused.status_code, closed.status_code) == (404, 403, 403)
