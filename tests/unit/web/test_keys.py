"""Keys over HTTP: made, shown once, listed without secrets, revoked."""

from typing import Any

import pytest

from hub.ports import Add
from hub.records import HOME, Person, PersonId
from hub.testing import NOON
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
