"""Keys over HTTP: made, shown once, listed without secrets, revoked."""

from typing import Any

import pytest

from hub.ports import Add
from hub.records import HOME, Person, PersonId
from hub.testing import NOON, FakeClock
from tests.unit.web.world import a_world

PHONE = {"name": "phone", "scopes": ["messages:read", "messages:write"], "expires_at": "2099-01-01T00:00:00Z"}


async def test_a_key_is_made_and_works_and_is_shown_once() -> None:
    world = await a_world()
    async with world.client() as client:
        made = (await client.post("/v1/keys", json=PHONE)).json()
        listed = (await client.get("/v1/keys")).json()["items"]
    async with world.client(made["key"]) as client:
        me = (await client.get("/v1/whoami")).json()

    assert (made["name"], made["expires_at"]) == ("phone", "2099-01-01T00:00:00Z")
    assert made["key"].startswith(f"ah_{made['id']}_")
    assert [key["name"] for key in listed] == ["owner", "phone"]
    assert made["key"] not in repr(listed)
    assert me == {
        "person": {"id": "owner", "name": "Owner", "role": "owner"},
        "tenant": "home",
        "scopes": ["messages:read", "messages:write"],
        "timezone": "UTC",
    }


async def test_a_revoked_key_is_out_at_once_and_says_when_in_the_list() -> None:
    world = await a_world()
    async with world.client() as client:
        made = (await client.post("/v1/keys", json=PHONE)).json()
        theirs = {"Authorization": f"Bearer {made['key']}"}
        before = await client.get("/v1/messages", headers=theirs)
        revoked = await client.delete(f"/v1/keys/{made['id']}")
        after = await client.get("/v1/messages", headers=theirs)
        again = await client.delete(f"/v1/keys/{made['id']}")
        listed = (await client.get("/v1/keys")).json()["items"]

    assert [answer.status_code for answer in (before, revoked, after, again)] == [200, 204, 401, 204]
    assert listed[1]["revoked_at"]


async def test_nobody_hands_on_a_right_that_they_lack() -> None:
    world = await a_world()
    maker = await world.key_with("keys:write", "messages:read")
    async with world.client(maker) as client:
        less = await client.post("/v1/keys", json={"name": "less", "scopes": ["messages:read"]})
        more = await client.post("/v1/keys", json={"name": "more", "scopes": ["admin"]})

    assert (less.status_code, more.status_code) == (201, 403)


async def test_only_an_admin_ends_a_key_that_can_do_more() -> None:
    world = await a_world()
    maker = await world.key_with("keys:write")
    admin = await world.people.whose(await world.key_with("admin"))
    assert admin
    async with world.client(maker) as client:
        answer = await client.delete(f"/v1/keys/{admin.id}")

    assert answer.status_code == 403
    assert await world.people.still_good(admin)


async def test_keys_of_others_are_shown_to_admins_only() -> None:
    world = await a_world()
    guest = Person(id=PersonId("guest"), tenant=HOME, name="Guest", created_at=NOON)
    await world.store.commit(Add(guest))
    theirs, secret = await world.people.create_key(HOME, guest.id, "guest", ["keys:write"])
    async with world.client(secret) as client:
        listed = (await client.get("/v1/keys")).json()["items"]
        refused = await client.delete(f"/v1/keys/{(await world.store.keys(HOME))[0].id}")

    assert [key["id"] for key in listed] == [theirs.id]
    assert refused.status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": ""}, "name", "length >= 1"),
        ({"name": " "}, "name", "regex"),
        ({"name": "a\x00"}, "name", "regex"),
        ({"scopes": []}, "scopes", "length >= 1"),
        ({"scopes": ["messages:red"]}, "scopes[0]", "'messages:red' isn't known here"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at", "is past; give a later time"),
        ({"expires_at": "soon"}, "expires_at", "RFC3339"),
        ({"nmae": "x"}, "nmae", "is unknown here"),
    ],
)
async def test_a_bad_key_is_refused_with_field_value_and_way_out(change: Any, field: str, words: str) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/keys", json=PHONE | change)

    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert words in answer.json()["detail"]


async def test_the_owners_key_isnt_revoked_over_http() -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.delete("/v1/keys/owner")

    assert answer.status_code == 400
    assert "delete owner.key" in answer.json()["detail"]


async def test_a_rotated_key_has_a_fresh_secret_and_the_old_one_is_good_for_the_overlap() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    async with world.client() as client:
        made = (await client.post("/v1/keys", json={"name": "bot", "scopes": ["messages:read"]})).json()
        answer = await client.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_hours": 2})
        fresh = answer.json()
        listed = (await client.get("/v1/keys")).json()["items"]

    assert answer.status_code == 200
    assert (fresh["id"], fresh["scopes"]) == (made["id"], ["messages:read"])
    assert fresh["key"] != made["key"]
    assert [key["id"] for key in listed].count(made["id"]) == 1
    assert not any("former" in str(key) for key in listed)
    old, new = made["key"], fresh["key"]
    first = await world.people.whose(old)
    assert first is not None
    assert (first.id, first.scopes) == (made["id"], ("messages:read",))
    assert await world.people.still_good(first)
    await clock.advance(2 * 3600 + 1)
    assert await world.people.whose(old) is None
    assert not await world.people.still_good(first)
    assert await world.people.whose(new) is not None


async def test_a_revoked_key_opens_nothing_by_its_old_secret_either() -> None:
    world = await a_world()
    async with world.client() as client:
        made = (await client.post("/v1/keys", json={"name": "bot", "scopes": ["messages:read"]})).json()
        fresh = (await client.post(f"/v1/keys/{made['id']}/rotate")).json()
        assert await world.people.whose(made["key"]) is not None
        await client.delete(f"/v1/keys/{made['id']}")
        again = await client.post(f"/v1/keys/{made['id']}/rotate")

    assert [await world.people.whose(secret) for secret in (made["key"], fresh["key"])] == [None, None]
    assert again.status_code == 400


async def test_without_an_overlap_the_old_secret_ends_at_once_and_the_owners_key_is_not_rotated() -> None:
    world = await a_world()
    async with world.client() as client:
        made = (await client.post("/v1/keys", json={"name": "bot", "scopes": ["messages:read"]})).json()
        await world.people.whose(made["key"])
        await client.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_hours": 0})
        owners = await client.post("/v1/keys/owner/rotate")
        unknown = await client.post("/v1/keys/nothing/rotate")
        long = await client.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_hours": 721})

    assert await world.people.whose(made["key"]) is None
    assert [answer.status_code for answer in (owners, unknown, long)] == [400, 404, 400]


async def test_nobody_rotates_a_key_that_may_more_than_theirs() -> None:
    world = await a_world()
    weak = await world.key_with("keys:write")
    async with world.client() as client:
        made = (await client.post("/v1/keys", json={"name": "bot", "scopes": ["admin"]})).json()
    async with world.client(weak) as client:
        refused = await client.post(f"/v1/keys/{made['id']}/rotate")

    assert refused.status_code == 403
    assert await world.people.whose(made["key"]) is not None


async def test_a_listing_tells_the_last_day_that_a_key_was_used_on() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    async with world.client() as client:
        made = (await client.post("/v1/keys", json={"name": "bot", "scopes": ["messages:read"]})).json()
        used = {key["id"]: key["last_used"] for key in (await client.get("/v1/keys")).json()["items"]}
        assert (used[made["id"]], used["owner"]) == (None, "2026-11-22")
        await clock.advance(24 * 3600)
        async with world.client(made["key"]) as bot:
            await bot.get("/v1/whoami")
        used = {key["id"]: key["last_used"] for key in (await client.get("/v1/keys")).json()["items"]}

    assert used[made["id"]] == "2026-11-23"
