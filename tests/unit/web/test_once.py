"""A request that comes again under its idempotency key is done once."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from hub.ports import Add, Save
from hub.testing import a_task
from tests.unit.web.world import World, a_world

KEY = {"Idempotency-Key": "k1"}


async def test_a_message_that_comes_again_is_the_same_message() -> None:
    world = await a_world()
    async with world.client() as client:
        first = await client.post("/v1/messages", json={"text": "wait"}, headers=KEY)
        again = await client.post("/v1/messages", json={"text": "wait"}, headers=KEY)
        other = await client.post("/v1/messages", json={"text": "wait"}, headers={"Idempotency-Key": "k2"})

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert other.json()["id"] != first.json()["id"]
    assert world.echo.kept == 2


async def test_a_message_that_comes_again_may_wait_for_its_answer() -> None:
    world = await a_world()
    async with world.client() as client:
        await client.post("/v1/messages", json={"text": "hello"}, headers=KEY)
        again = await client.post("/v1/messages?wait=5", json={"text": "hello"}, headers=KEY)

    assert again.status_code == 200
    assert again.json()["replies"][0]["text"] == "You said: **hello**"
    assert world.echo.kept == 1


@pytest.mark.parametrize("body", [{"text": "b"}, {"text": "a", "chat": "other"}, {"text": "a", "task": "new"}])
async def test_another_body_under_a_used_key_is_refused(body: Any) -> None:
    world = await a_world()
    async with world.client() as client:
        await client.post("/v1/messages", json={"text": "a"}, headers=KEY)
        answer = await client.post("/v1/messages", json=body, headers=KEY)

    assert answer.status_code == 409
    assert "came before with another body; use a fresh key" in answer.json()["detail"]
    assert world.echo.kept == 1


async def test_a_message_comes_again_after_a_crash_and_is_kept_once() -> None:
    world = await a_world()
    async with world.client() as client:
        first = await client.post("/v1/messages", json={"text": "wait"}, headers=KEY)
    fresh = await after_restart(world)
    async with fresh.client() as client:
        again = await client.post("/v1/messages", json={"text": "wait"}, headers=KEY)

    assert again.json()["id"] == first.json()["id"]


async def test_a_refused_message_leaves_its_key_free() -> None:
    world = await a_world()
    async with world.client() as client:
        refused = await client.post("/v1/messages", json={"text": " "}, headers=KEY)
        mended = await client.post("/v1/messages", json={"text": "hello"}, headers=KEY)

    assert (refused.status_code, mended.status_code) == (400, 202)


async def test_a_task_thats_assigned_again_is_the_same_task() -> None:
    world = await a_world()
    async with world.client() as client:
        first = await client.post("/v1/tasks", json={"text": "one"}, headers=KEY)
        again = await client.post("/v1/tasks", json={"text": "one"}, headers=KEY)
        other = await client.post("/v1/tasks", json={"text": "two"}, headers=KEY)
        message = await client.post("/v1/messages", json={"text": "one"}, headers=KEY)

    assert first.json() == again.json()
    assert (other.status_code, message.status_code) == (409, 202)


async def test_an_answer_is_kept_and_given_again() -> None:
    world = await a_world()
    task = a_task()
    await world.store.commit(Add(task))
    async with world.client() as client:
        first = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)
        kept = await world.store.task(task.id)
        assert kept
        await world.store.commit(Save(replace(kept, title="changed since")))
        again = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)
        elsewhere = await client.post(f"/v1/tasks/{task.id}/resume", headers=KEY)

    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-security-policy"]
    assert elsewhere.json()["state"] == "submitted"


async def test_a_refused_request_may_be_repeated_under_its_key() -> None:
    world = await a_world()
    task = a_task()
    async with world.client() as client:
        early = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)
        await world.store.commit(Add(task))
        late = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)

    assert (early.status_code, late.status_code) == (404, 200)


async def test_a_second_request_while_the_first_is_at_work_is_told_to_come_again() -> None:
    world = await a_world()
    task = a_task()
    await world.store.commit(Add(task))
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def slow(task: Any) -> Any:
        begun.set()
        await going_on.wait()
        return task

    world.echo.cancel = slow  # type: ignore[method-assign]
    async with world.client() as client:
        first = asyncio.ensure_future(client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY))
        await begun.wait()
        second = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)
        going_on.set()
        assert (await first).status_code == 200

    assert (second.status_code, second.headers["retry-after"]) == (409, "2")
    assert "still at work" in second.json()["detail"]


async def test_a_request_whose_first_attempt_died_with_the_hub_is_done() -> None:
    world = await a_world()
    task = a_task()
    await world.store.commit(Add(task))

    async def dies(task: Any) -> Any:
        raise asyncio.CancelledError

    async with world.client() as client:
        alive = world.echo.cancel
        world.echo.cancel = dies  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)
        world.echo.cancel = alive  # type: ignore[method-assign]
        again = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)

    assert again.status_code == 200


async def test_an_answer_that_cant_be_kept_is_given_all_the_same() -> None:
    world = await a_world()
    task = a_task()
    await world.store.commit(Add(task))

    async def fills_the_disk(task: Any) -> Any:
        world.store.full = True
        return task

    world.echo.cancel = fills_the_disk  # type: ignore[method-assign]
    async with world.client() as client:
        first = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)
        again = await client.post(f"/v1/tasks/{task.id}/cancel", headers=KEY)

    assert (first.status_code, again.status_code) == (200, 503)


async def test_a_keys_secret_is_never_kept_so_it_isnt_told_again() -> None:
    world = await a_world()
    body = {"name": "phone", "scopes": ["messages:read"]}
    async with world.client() as client:
        first = await client.post("/v1/keys", json=body, headers=KEY)
        again = await client.post("/v1/keys", json=body, headers=KEY)

    assert first.status_code == 201
    assert again.status_code == 409
    assert "shown once" in again.json()["detail"]
    assert len(await world.store.keys(world.owner.tenant)) == 2
    replay = await world.store.replay(world.owner.id, "POST /v1/keys k1")
    assert replay
    assert first.json()["key"] not in repr(replay)


@pytest.mark.parametrize("key", ["", "with space", "x" * 201, "caf\xe9"])
async def test_a_key_that_cant_be_kept_is_refused(key: str) -> None:
    world = await a_world()
    async with world.client() as client:
        for path in ("/v1/messages", "/v1/chat/stop"):
            answer = await client.post(path, json={"text": "a"}, headers={b"Idempotency-Key": key.encode("latin-1")})
            assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


async def after_restart(world: World) -> World:
    """Return a web over the same store, started later."""
    fresh = await a_world(store=world.store)
    fresh.key = world.key
    await fresh.people.ensure_owner(world.key)
    return fresh
