"""Where other systems write, over HTTP."""

import hmac
import json
from hashlib import sha256
from typing import Any

import httpx
import pytest

from hub.errors import StoreUnavailable, TooMany
from hub.ports import Add
from hub.records import HOME, OWNER, Address, PersonId, Role
from hub.testing import a_person
from tests.unit.web.test_tenants import a_tenant
from tests.unit.web.world import World, a_world


async def made(client: httpx.AsyncClient, **fields: Any) -> Any:
    answer = await client.post("/v1/hooks/in", json={"name": "shop", "chat": "shop"} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def said(world: World, person: PersonId = OWNER) -> list[str]:
    found = await world.store.messages_of_chat(HOME, Address(bridge="http", chat=f"{person}/shop"), limit=50)
    return [message.text for message in found if message.role == "user"]


async def test_a_post_without_a_key_is_kept_and_its_repetition_answered_the_same() -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client, source="github", template="{action} {number}")
    body = json.dumps({"action": "opened", "number": 3}).encode()
    mac = hmac.new(fresh["secret"].encode(), body, sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-github-delivery": "d1",
        "x-hub-signature-256": f"sha256={mac}",
        "host": "any.example.org",
    }
    async with world.client("") as outside:
        first = await outside.post(fresh["url"], content=body, headers=headers)
        again = await outside.post(fresh["url"], content=body, headers=headers)
        wrong = await outside.post(fresh["url"], content=body + b" ", headers=headers)
        unknown = await outside.post("/in/in_none", content=body, headers=headers)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert (wrong.status_code, unknown.status_code) == (401, 404)
    assert await said(world) == ["[forwarded from shop]\nopened 3"]


async def test_its_address_and_secret_are_shown_once() -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client, source="gitlab")
        listed = await client.get("/v1/hooks/in")
        read = await client.get(f"/v1/hooks/in/{fresh['id']}")

    token = fresh["url"].removeprefix("/in/")
    for shown in (listed.text, read.text, repr(await world.store.inlets(HOME))):
        assert token not in shown
        assert fresh["secret"] not in shown
    assert read.json() == fresh["hook"] == listed.json()["items"][0]


async def test_a_bearer_secret_of_a_post_is_no_key_of_the_hub() -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client, proof="bearer")
    async with world.client(fresh["secret"]) as outside:
        taken = await outside.post(fresh["url"], json={"text": "x"})
        closed = await outside.get("/v1/messages")
    async with world.client() as owner:
        refused = await owner.post(fresh["url"], json={"text": "x"})

    assert (taken.status_code, closed.status_code, refused.status_code) == (202, 401, 401)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/json", b'{"text": "a"}', "a"),
        ("application/x-www-form-urlencoded", b"text=b+c", "b c"),
        ("text/plain", b"d", "d"),
    ],
)
async def test_json_forms_and_texts_are_taken(content_type: str, body: bytes, words: str) -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client, template="{text}")
    async with world.client("") as outside:
        answer = await outside.post(fresh["url"], content=body, headers={"content-type": content_type})

    assert answer.status_code == 202
    assert await said(world) == [f"[forwarded from shop]\n{words}"]


async def test_what_cannot_be_read_or_is_too_large_is_refused() -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client)
    async with world.client("") as outside:
        odd = await outside.post(fresh["url"], content=b"{", headers={"content-type": "application/json"})
        large = await outside.post(fresh["url"], content=b"x" * (256 * 1024 + 1))

    assert (odd.status_code, large.status_code) == (400, 413)
    assert await said(world) == []


@pytest.mark.parametrize(("fault", "status"), [(StoreUnavailable("full"), 503), (TooMany("many", 3.0), 429)])
async def test_what_is_not_kept_is_not_said_to_be(fault: Exception, status: int) -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client)
    world.echo.failing = fault
    async with world.client("") as outside:
        answer = await outside.post(fresh["url"], json={"text": "x"})

    assert answer.status_code == status
    assert answer.headers["retry-after"]


async def test_more_posts_than_agreed_on_are_put_off() -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client, per_minute=2)
    async with world.client("") as outside:
        answers = [await outside.post(fresh["url"], json={"text": str(number)}) for number in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 31


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"source": "myspace"},
        {"proof": "none"},
        {"template": "{a b}"},
        {"chat": "a b"},
        {"agent": "nobody"},
        {"task": "none"},
        {"per_minute": 0},
        {"secret": "short"},
        {"proof": "standard", "secret": "not-base64!"},
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_name(bad: dict[str, Any]) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/hooks/in", json={"name": "shop"} | bad)

    assert answer.status_code == 400
    assert answer.json()["field"] in bad


async def test_it_is_changed_switched_off_and_removed() -> None:
    world = await a_world()
    async with world.client() as client:
        fresh = await made(client)
        path = f"/v1/hooks/in/{fresh['id']}"
        changed = (await client.patch(path, json={"name": "till", "template": "{a}", "agent": "default"})).json()
        off = (await client.patch(path, json={"active": False})).json()
        shut = await client.post(fresh["url"], json={})
        removed = await client.delete(path)
        gone = await client.get(path)
        templates = (await client.get("/v1/hooks/in/templates")).json()["items"]

    assert (changed["name"], changed["template"], changed["agent"]) == ("till", "{a}", "default")
    assert (off["active"], shut.status_code, removed.status_code, gone.status_code) == (False, 404, 204, 404)
    assert {each["source"] for each in templates} >= {"github", "gitlab", "sentry", "alertmanager", "generic"}


async def test_what_another_tenant_or_person_has_is_not_found() -> None:
    world = await a_world()
    role: Role = "service"
    await world.store.commit(Add(a_person(id=PersonId("bot"), role=role)))
    scopes = ("webhooks:write", "messages:write")
    _, service = await world.people.create_key(HOME, PersonId("bot"), "bot", scopes)
    async with world.client() as client:
        path = f"/v1/hooks/in/{(await made(client))['id']}"
        _, foreign = await a_tenant(client)
    for key in (service, foreign):
        async with world.client(key) as theirs:
            answers = [
                await theirs.get(path),
                await theirs.patch(path, json={"active": False}),
                await theirs.delete(path),
            ]
            own = await made(theirs)
            listed = (await theirs.get("/v1/hooks/in")).json()["items"]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert [each["id"] for each in listed] == [own["id"]]


async def test_who_may_not_write_messages_lets_nobody_write_theirs() -> None:
    world = await a_world()
    async with world.client(await world.key_with("webhooks:write")) as client:
        answer = await client.post("/v1/hooks/in", json={"name": "x"})

    assert answer.status_code == 403
    assert "messages:write" in answer.json()["detail"]
