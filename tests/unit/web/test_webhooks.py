"""Webhooks over HTTP: made, tried, changed, sent again; and nothing of another tenant's."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from hub.errors import EgressError, EgressRefused
from hub.ports import Add, Fetched
from hub.records import HOME, WebhookDelivery, WebhookId
from hub.testing import NOON, FakeClock, FakeEgress, a_webhook_delivery
from tests.unit.web.test_tenants import a_tenant
from tests.unit.web.world import World, a_world

URL = "https://example.org/hook"
NEW = {"url": URL, "events": ["message.answered", "task.state"]}


async def a_hub(**answers: Fetched | EgressError) -> World:
    told: dict[str, Any] = {URL: Fetched(url=URL, status=204, headers={}, body=b""), **answers}
    return await a_world(clock=FakeClock(), egress=FakeEgress(told))


async def made(client: httpx.AsyncClient, **fields: Any) -> Any:
    answer = await client.post("/v1/webhooks", json=NEW | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_webhooks_secret_is_shown_once() -> None:
    world = await a_hub()
    async with world.client() as client:
        fresh = await made(client, description="Our shop", include=["text"], chat="main")
        read = await client.get(f"/v1/webhooks/{fresh['id']}")
        listed = await client.get("/v1/webhooks")

    assert fresh["secret"].startswith("whsec_")
    assert fresh["secret"] not in read.text + listed.text
    assert fresh["secret"] not in repr(await world.store.webhooks(HOME))
    assert read.json() == fresh["webhook"] == listed.json()["items"][0]
    assert read.json()["events"] == ["message.answered", "task.state"]
    assert read.json()["active"]


async def test_a_key_sends_its_webhook_once_and_its_secret_never_again() -> None:
    world = await a_hub()
    async with world.client() as client:
        first = await client.post("/v1/webhooks", json=NEW, headers={"Idempotency-Key": "k"})
        again = await client.post("/v1/webhooks", json=NEW, headers={"Idempotency-Key": "k"})

    assert (first.status_code, again.status_code) == (201, 409)
    assert len(await world.store.webhooks(HOME)) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"url": "ftp://example.org/"},
        {"url": "http://example.org/"},
        {"url": "https://ann:secret@example.org/"},
        {"url": "https:///x-y"},
        {"url": "https://example.org/#x"},
        {"url": "https://[::1"},
        {"url": "https://example.org/" + "x" * 2_000},
        {"events": []},
        {"events": ["turn"]},
        {"include": ["files"]},
        {"task": "none"},
        {"description": "a\nb"},
        {"secret": "mine"},
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_name(bad: dict[str, Any]) -> None:
    world = await a_hub()
    async with world.client() as client:
        answer = await client.post("/v1/webhooks", json=NEW | bad)

    assert answer.status_code == 400
    assert answer.json()["field"].startswith(next(iter(bad)))
    assert await world.store.webhooks(HOME) == ()


async def test_words_are_sent_only_at_the_wish_of_who_may_read_them() -> None:
    world = await a_hub()
    key = await world.key_with("webhooks:write")
    async with world.client(key) as client:
        refused = await client.post("/v1/webhooks", json=NEW | {"include": ["text"]})
        fresh = await made(client)
        changed = await client.patch(f"/v1/webhooks/{fresh['id']}", json={"include": ["text"]})

    assert (refused.status_code, changed.status_code) == (403, 403)
    assert "messages:read" in refused.json()["detail"]


async def test_a_test_is_sent_at_once_and_tells_what_came_of_it() -> None:
    world = await a_hub()
    async with world.client() as client:
        fresh = await made(client)
        good = await client.post(f"/v1/webhooks/{fresh['id']}/test")
        await client.patch(f"/v1/webhooks/{fresh['id']}", json={"url": "https://nobody.example.org/"})
        bad = await client.post(f"/v1/webhooks/{fresh['id']}/test")
        listed = (await client.get(f"/v1/webhooks/{fresh['id']}/deliveries")).json()["items"]

    assert (good.status_code, good.json()["state"], good.json()["status"]) == (200, "delivered", 204)
    assert (bad.status_code, bad.json()["state"], bad.json()["status"]) == (200, "dead", None)
    assert "nobody answers" in bad.json()["error"]
    assert [each["event"] for each in listed] == ["webhook.test"] * 2


async def test_an_address_that_may_not_be_asked_is_refused_when_it_is_given() -> None:
    world = await a_hub()

    class Guarded(FakeEgress):
        async def vet(self, url: str, *, hosts: Any = ()) -> None:
            raise EgressRefused(f"{url}: 169.254.169.254 is at an address that isn't public")

    world = await a_world(clock=FakeClock(), egress=Guarded())
    async with world.client() as client:
        answer = await client.post("/v1/webhooks", json=NEW)

    assert answer.status_code == 400
    assert "isn't public" in answer.json()["detail"]


async def test_a_webhook_is_changed_switched_off_and_on_and_removed() -> None:
    world = await a_hub()
    async with world.client() as client:
        path = f"/v1/webhooks/{(await made(client, chat='main', description='x'))['id']}"
        changed = (await client.patch(path, json={"chat": None, "events": ["notice"]})).json()
        off = (await client.patch(path, json={"active": False})).json()
        on = (await client.patch(path, json={"active": True})).json()
        removed = await client.delete(path)
        gone = await client.get(path)

    assert (changed["chat"], changed["events"], changed["description"]) == (None, ["notice"], "x")
    assert (off["active"], off["off_why"], on["active"], on["off_since"]) == (False, "", True, None)
    assert (removed.status_code, gone.status_code) == (204, 404)


async def test_a_rotated_secret_signs_beside_the_old_one_until_that_ends() -> None:
    world = await a_hub()
    async with world.client() as client:
        fresh = await made(client)
        path = f"/v1/webhooks/{fresh['id']}"
        rotated = (await client.post(f"{path}/secret", json={"keep_hours": 2})).json()
        assert len(await signatures(world, client, path)) == 2
        world_clock(world).put(NOON + timedelta(hours=2))
        assert len(await signatures(world, client, path)) == 1
        await client.post(f"{path}/secret", json={"keep_hours": 0})
        assert len(await signatures(world, client, path)) == 1

    assert rotated["secret"] not in ("", fresh["secret"])
    assert rotated["webhook"]["old_secret_until"] == "2026-11-22T14:00:00Z"


async def test_deliveries_are_listed_newest_first_and_sent_again() -> None:
    world = await a_hub()
    async with world.client() as client:
        hook = WebhookId((await made(client))["id"])
        [kept] = await world.store.webhooks(HOME)
        dead, done, waiting = (
            replace(a_webhook_delivery(kept, seq), state=state, attempts=3, error="x")
            for seq, state in ((1, "dead"), (2, "delivered"), (3, "waiting"))
        )
        await world.store.commit(Add(dead), Add(done), Add(waiting))
        path = f"/v1/webhooks/{hook}/deliveries"
        first = (await client.get(path, params={"limit": 2})).json()
        rest = (await client.get(path, params={"cursor": first["next"]})).json()
        only = (await client.get(path, params={"state": "dead"})).json()["items"]
        replayed = [await client.post(f"{path}/{each.id}/replay") for each in (dead, done, waiting)]
        missing = await client.post(f"{path}/none/replay")
        await client.patch(f"/v1/webhooks/{hook}", json={"active": False})
        off = await client.post(f"{path}/{dead.id}/replay")

    assert [each["id"] for each in (*first["items"], *rest["items"])] == [waiting.id, done.id, dead.id]
    assert rest["next"] is None
    assert [each["id"] for each in only] == [dead.id]
    assert [answer.status_code for answer in (*replayed, missing, off)] == [202, 202, 409, 404, 409]
    assert (replayed[0].json()["state"], replayed[0].json()["attempts"]) == ("waiting", 0)


async def test_all_that_was_given_up_since_a_time_is_sent_again() -> None:
    world = await a_hub()
    async with world.client() as client:
        hook = (await made(client))["id"]
        [kept] = await world.store.webhooks(HOME)
        old = replace(a_webhook_delivery(kept, 1), state="dead", happened_at=NOON - timedelta(hours=2))
        dead = [replace(a_webhook_delivery(kept, seq), state="dead") for seq in range(2, 252)]
        test = replace(a_webhook_delivery(kept, 900), state="dead", event="webhook.test", seq=None)
        await world.store.commit(*map(Add, (old, *dead, test)))
        answer = await client.post(f"/v1/webhooks/{hook}/recover", json={"since": "2026-11-22T12:00:00+01:00"})

    assert (answer.status_code, answer.json()) == (202, {"recovered": 250})
    assert [each.id for each in await world.store.webhook_waiting(kept.id, 999)] == [each.id for each in dead]


async def test_a_webhook_of_another_tenant_is_not_found() -> None:
    world = await a_hub()
    async with world.client() as client:
        hook = (await made(client))["id"]
        [kept] = await world.store.webhooks(HOME)
        delivery: WebhookDelivery = replace(a_webhook_delivery(kept), state="dead")
        await world.store.commit(Add(delivery))
        _, key = await a_tenant(client)
    async with world.client(key) as theirs:
        own = (await made(theirs))["id"]
        answers = [
            await theirs.get(f"/v1/webhooks/{hook}"),
            await theirs.patch(f"/v1/webhooks/{hook}", json={"active": False}),
            await theirs.delete(f"/v1/webhooks/{hook}"),
            await theirs.post(f"/v1/webhooks/{hook}/secret"),
            await theirs.post(f"/v1/webhooks/{hook}/test"),
            await theirs.get(f"/v1/webhooks/{hook}/deliveries"),
            await theirs.post(f"/v1/webhooks/{hook}/deliveries/{delivery.id}/replay"),
            await theirs.post(f"/v1/webhooks/{own}/deliveries/{delivery.id}/replay"),
            await theirs.post(f"/v1/webhooks/{hook}/recover", json={"since": "2026-11-22T12:00:00Z"}),
        ]
        listed = (await theirs.get("/v1/webhooks")).json()["items"]

    assert [answer.status_code for answer in answers] == [404] * 9
    assert [each["id"] for each in listed] == [own]
    assert (await world.store.webhook_delivery(HOME, delivery.id)) == delivery


async def test_fifty_webhooks_are_the_most_of_a_tenant() -> None:
    world = await a_hub()
    async with world.client() as client:
        for _ in range(50):
            await made(client)
        refused = await client.post("/v1/webhooks", json=NEW)

    assert refused.status_code == 429


async def signatures(world: World, client: httpx.AsyncClient, path: str) -> list[str]:
    """Return what a test is signed by."""
    await client.post(f"{path}/test")
    return egress(world).asked[-1][2]["webhook-signature"].split(" ")


def egress(world: World) -> FakeEgress:
    found = world.services.webhooks._egress
    assert isinstance(found, FakeEgress)
    return found


def world_clock(world: World) -> FakeClock:
    assert isinstance(world.services.clock, FakeClock)
    return world.services.clock
