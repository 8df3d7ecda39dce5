"""Idempotency keys in a registry: the same POST again gets the same answer and does nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import post
from litestar.params import JSONBody
from sqlalchemy import select

from hub.errors import AlreadyUsed, BadRequest, TooMany
from hub.registry import replays
from hub.registry.parts import Parts
from hub.registry.replays import Answer, Replays
from hub.registry.tables import replays as table
from hub.registry.web import app
from hub.registry.web.auth import Asker
from hub.testing import FakeClock
from hub.web.problems import Busy
from tests.unit.registry.conftest import ON_SQLITE, PASSWORD, Client, signed_up

V1 = "/registry/v1"


class Mark:
    """An endpoint that counts what it does, and waits if it's told to."""

    def __init__(self) -> None:
        self.done = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.begun = asyncio.Event()


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Mark:
    found = Mark()

    @post("/marks")
    async def add(data: JSONBody[dict[str, int]], caller: Asker) -> dict[str, int]:
        """Count."""
        found.begun.set()
        await found.go_on.wait()
        if data.get("bad"):
            raise BadRequest("bad", "is bad")
        found.done += 1
        return {"done": found.done}

    monkeypatch.setattr(app, "API", (*app.API, add))
    return found


@pytest.fixture
async def asked(mark: Mark, parts: Parts) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app.build(parts))  # type: ignore[arg-type]  # it's an ASGI application
    async with AsyncClient(transport=transport, base_url="http://registry.test") as found:
        yield found


async def test_the_same_request_again_is_answered_alike_and_done_once(asked: AsyncClient, mark: Mark) -> None:
    ann = {**await signed_up(asked, "ann"), "Idempotency-Key": "k1"}

    first = await asked.post(f"{V1}/marks", json={"a": 1}, headers=ann)
    again = await asked.post(f"{V1}/marks", json={"a": 1}, headers=ann)
    other_body = await asked.post(f"{V1}/marks", json={"a": 2}, headers=ann)
    other_key = await asked.post(f"{V1}/marks", json={"a": 1}, headers={**ann, "Idempotency-Key": "k2"})

    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (201, {"done": 1})
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert other_body.status_code == 409
    assert other_key.json() == {"done": 2}


@ON_SQLITE
async def test_a_thousand_repetitions_differ_in_nothing(asked: AsyncClient, mark: Mark, clock: FakeClock) -> None:
    ann = await signed_up(asked, "ann")

    for number in range(200):
        headers = {**ann, "Idempotency-Key": f"key-{number}"}
        first = await asked.post(f"{V1}/marks", json={"a": number}, headers=headers)
        for _ in range(5):
            again = await asked.post(f"{V1}/marks", json={"a": number}, headers=headers)
            assert (again.status_code, again.content) == (first.status_code, first.content)
        await clock.advance(10)
    assert mark.done == 200


async def test_a_key_of_one_account_is_not_anothers(asked: AsyncClient, mark: Mark) -> None:
    for name in ("ann", "bob"):
        headers = {**await signed_up(asked, name), "Idempotency-Key": "k1"}
        await asked.post(f"{V1}/marks", json={}, headers=headers)

    assert mark.done == 2


async def test_while_the_first_is_at_work_the_second_is_told_to_come_again(asked: AsyncClient, mark: Mark) -> None:
    ann = {**await signed_up(asked, "ann"), "Idempotency-Key": "k1"}
    mark.go_on.clear()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(asked.post(f"{V1}/marks", json={}, headers=ann))
        await mark.begun.wait()
        second = await asked.post(f"{V1}/marks", json={}, headers=ann)
        mark.go_on.set()

    assert (second.status_code, second.headers["retry-after"]) == (409, "2")
    assert first.result().status_code == 201
    assert mark.done == 1


async def test_after_a_refusal_the_same_key_may_try_again(asked: AsyncClient, mark: Mark, parts: Parts) -> None:
    ann = {**await signed_up(asked, "ann"), "Idempotency-Key": "k1"}

    refused = await asked.post(f"{V1}/marks", json={"bad": 1}, headers=ann)
    good = await asked.post(f"{V1}/marks", json={}, headers=ann)

    assert [refused.status_code, good.status_code] == [400, 201]


@pytest.mark.parametrize("path", ["accounts", "session", "tokens"])
async def test_an_answer_with_a_secret_is_kept_nowhere(client: Client, parts: Parts, path: str) -> None:
    ann = await signed_up(client, "ann")
    bodies = {
        "accounts": {"name": "bob", "password": PASSWORD},
        "session": {"name": "ann", "password": PASSWORD},
        "tokens": {"name": "ci", "scopes": ["rate"]},
    }
    headers = {"Idempotency-Key": "k1", **(ann if path == "tokens" else {})}

    first = await client.post(f"{V1}/{path}", json=bodies[path], headers=headers)
    client.cookies.clear()
    again = await client.post(f"{V1}/{path}", json=bodies[path], headers=headers)

    assert first.is_success
    assert again.status_code == 409
    assert "shown once" in again.json()["detail"]
    rows = await parts.shelf.read(lambda each: each.execute(select(table)).all())
    assert [row.body for row in rows] == [""]


async def test_a_key_that_cannot_be_kept_is_refused(client: Client) -> None:
    answer = await client.post(f"{V1}/session", json={}, headers={"Idempotency-Key": "two words"})

    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_a_request_that_died_with_its_process_is_done_again(parts: Parts, clock: FakeClock) -> None:
    assert await parts.replays.claim("ann", "POST /x k", "1") is None
    with pytest.raises(Busy):
        await parts.replays.claim("ann", "POST /x k", "1")
    await clock.advance(1)

    restarted = Replays(parts.shelf, clock)
    if parts.shelf.is_shared:
        # It may be another process's, which is at work still.
        with pytest.raises(Busy):
            await restarted.claim("ann", "POST /x k", "1")
    else:
        assert await restarted.claim("ann", "POST /x k", "1") is None

    await clock.advance(timedelta(minutes=5).total_seconds())
    assert await restarted.claim("ann", "POST /x k", "1") is None
    await restarted.keep("ann", "POST /x k", Answer(status=201, body="{}"))
    assert await restarted.claim("ann", "POST /x k", "1") == Answer(status=201, body="{}")


async def test_answers_are_forgotten_after_a_day_and_nobody_keeps_too_many(
    parts: Parts, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MANY", 3)
    for number in range(3):
        assert await parts.replays.claim("ann", f"k{number}", "1") is None
    with pytest.raises(TooMany):
        await parts.replays.claim("ann", "k3", "1")
    with pytest.raises(AlreadyUsed):
        await parts.replays.claim("ann", "k0", "2")

    await clock.advance(timedelta(hours=25).total_seconds())
    assert await parts.replays.claim("ann", "k0", "2") is None
