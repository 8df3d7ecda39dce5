"""Whatever goes wrong is told as application/problem+json, in words."""

import logging
from typing import Any

import pytest

from hub.config import Config
from hub.errors import Conflict, StoreUnavailable, TooLarge, TooMany
from tests.unit.web.world import a_world


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "no such page or endpoint"),
        ("GET", "/v1/messages/nothing", 404, "there's no 'nothing'; GET /v1/messages lists them"),
        ("GET", "/v1/tasks/%00", 404, "there's no"),
        ("GET", "/v1/tasks/%ff", 404, "there's no"),
        ("PATCH", "/v1/messages", 405, "other methods"),
        ("GET", "/v1/messages?limit=0", 400, "limit: must be int >= 1"),
        ("GET", "/v1/messages?limit=many", 400, "limit: must be int, it is str"),
        ("GET", "/v1/messages?chat=a/b", 400, "chat: must be str matching regex"),
        ("GET", "/v1/tasks?state=done", 400, "state: 'done' isn't known here"),
        ("GET", "/v1/events?after=-1", 400, "after: must be int >= 0"),
    ],
)
async def test_a_bad_request_is_told_in_words(method: str, path: str, status: int, words: str) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.request(method, path)

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert words in problem["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is missing; send JSON"),
        (b"{", "isn't JSON in UTF-8"),
        (b'{"text": "\xff"}', "isn't JSON in UTF-8"),
        (b'{"text": "\\ud800"}', "isn't JSON in UTF-8"),
        (b"[]", "must be object"),
        (b'"text"', "must be object"),
        (b"null", "must be object"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
async def test_a_body_that_isnt_the_json_we_want_is_told(body: bytes, words: str) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/messages", content=body)

    assert (answer.status_code, answer.json()["field"]) == (400, "body"), answer.text
    assert words in answer.json()["detail"]


async def test_a_body_over_one_mebibyte_is_refused_before_its_read() -> None:
    world = await a_world()
    async with world.client() as client:
        announced = await client.post("/v1/messages", content=b"x" * (1024 * 1024 + 1))
        streamed = await client.post("/v1/messages", content=endless(1024 * 1024 + 1))

    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert announced.json()["detail"] == "body: larger than 1 MiB; send less in one go"


@pytest.mark.parametrize(
    ("error", "status", "retry", "words"),
    [
        (StoreUnavailable("the disk is full"), 503, "6", "not kept: the disk is full; send it again"),
        (TooMany("200 of your messages wait", 9.2), 429, "10", "200 of your messages wait"),
        (TooLarge("text: 300,000 bytes"), 413, None, "text: 300,000 bytes"),
        (Conflict("revision"), 409, None, "look at it again"),
    ],
)
async def test_what_the_flow_raises_has_a_status_of_its_own(
    error: Exception, status: int, retry: str | None, words: str
) -> None:
    world = await a_world()

    world.echo.failing = error
    async with world.client() as client:
        answer = await client.post("/v1/messages", json={"text": "hi"})

    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry)
    assert words in answer.json()["detail"]


async def test_a_full_disk_is_told_under_an_idempotency_key_too() -> None:
    world = await a_world()
    world.store.full = True
    async with world.client() as client:
        answer = await client.post("/v1/messages", json={"text": "hi"}, headers={"Idempotency-Key": "k"})
        world.store.full = False
        again = await client.post("/v1/messages", json={"text": "hi"}, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, again.status_code) == (503, 202)


async def test_a_fault_of_ours_shows_an_id_that_stands_in_the_log_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = await a_world(Config())

    world.echo.failing = RuntimeError("inside")
    async with world.client() as client:
        with caplog.at_level(logging.ERROR):
            answer = await client.post("/v1/messages", json={"text": "the secret text"})

    assert answer.status_code == 500
    (record,) = [record for record in caplog.records if record.name == "hub.web.problems"]
    id = record.getMessage().rpartition(" ")[2]
    assert id in answer.json()["detail"]
    assert "inside" not in answer.text
    assert "the secret text" not in caplog.text


async def endless(size: int) -> Any:
    """Send so many bytes without saying beforehand how many."""
    while size > 0:
        yield b"x" * 65536
        size -= 65536
