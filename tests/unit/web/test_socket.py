"""One WebSocket: events out, messages in."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.unit.web.world import a_world


async def test_what_is_said_is_accepted_and_answered_on_the_same_socket() -> None:
    world = await a_world()
    async with world.served() as client, socket(client) as ws:
        hello = await hear(ws)
        await ws.send(json.dumps({"text": "hello", "id": "mine"}))
        heard = [await hear(ws) for _ in range(10)]

    assert hello == {"event": "hello", "data": {"last": 0}}
    (accepted,) = [frame for frame in heard if frame["event"] == "accepted"]
    assert accepted["data"]["ref"] == "mine"
    told = [(frame["event"], frame.get("id")) for frame in heard if frame["event"] not in ("accepted", "delta")]
    assert told == [("message", 1), ("route", 2), ("turn", 3), ("reply", 4), ("turn", 5), ("task", 6)]


async def test_a_frame_that_comes_again_is_the_same_message_over_http_too() -> None:
    world = await a_world()
    async with world.served() as client, socket(client) as ws:
        ids = set()
        for _ in range(2):
            await ws.send(json.dumps({"text": "wait", "id": "mine"}))
            ids.add((await accepted(ws))["id"])
        answer = await client.post("/v1/messages", json={"text": "wait"}, headers={"Idempotency-Key": "mine"})

    assert ids == {answer.json()["id"]}
    assert world.echo.kept == 1


async def test_another_text_under_the_same_id_is_refused() -> None:
    world = await a_world()
    async with world.served() as client, socket(client) as ws:
        await ws.send(json.dumps({"text": "wait", "id": "mine"}))
        await accepted(ws)
        await ws.send(json.dumps({"text": "other", "id": "mine"}))
        error = await until(ws, "error")

    assert (error["data"]["status"], error["ref"]) == (409, "mine")


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ("nonsense", "body"),
        ("{}", "text"),
        ('{"text": 5}', "text"),
        ('{"text": ""}', "text"),
        ('{"text": "a", "task": "nothing"}', "task"),
        ('{"text": "a", "id": "with space"}', "Idempotency-Key"),
        (b"\xff", "body"),
    ],
)
async def test_a_bad_frame_is_answered_and_the_socket_goes_on(frame: str | bytes, field: str) -> None:
    world = await a_world()
    async with world.served() as client, socket(client) as ws:
        await ws.send(frame)
        error = await until(ws, "error")
        await ws.send(json.dumps({"text": "wait"}))
        await accepted(ws)

    assert (error["data"]["status"], error["data"]["field"]) == (400, field)


async def test_a_key_that_only_reads_hears_and_isnt_heard() -> None:
    world = await a_world()
    async with world.served(await world.key_with("messages:read")) as client, socket(client) as ws:
        await ws.send(json.dumps({"text": "hello"}))
        error = await until(ws, "error")

    assert error["data"]["status"] == 403


async def test_what_was_missed_comes_first() -> None:
    world = await a_world()
    async with world.served() as client:
        await client.post("/v1/messages?wait=5", json={"text": "hello"})
        async with socket(client, "?after=4") as ws:
            heard = [await hear(ws) for _ in range(3)]

    assert [frame.get("id") for frame in heard] == [None, 5, 6]


async def test_without_a_key_or_from_another_page_there_is_no_socket() -> None:
    world = await a_world()
    async with world.served("") as client:
        with pytest.raises(InvalidStatus):
            async with socket(client):
                pass
    owner = await world.people.sign_in(world.people.new_code())
    assert owner
    _, session = await world.people.open_session(owner, "Firefox on Linux")
    async with world.served("") as client:
        cookie = {"Cookie": f"agenthost_session={session}"}
        here = str(client.base_url).rstrip("/")
        async with socket(client, headers={**cookie, "Origin": here}) as ws:
            assert (await hear(ws))["event"] == "hello"
        with pytest.raises(InvalidStatus):
            async with socket(client, headers={**cookie, "Origin": "http://evil.example"}):
                pass


async def test_the_socket_ends_when_the_hub_does() -> None:
    world = await a_world()
    async with world.served() as client, socket(client) as ws:
        await hear(ws)
        world.services.closing.set()
        with pytest.raises(ConnectionClosed) as closed:
            await hear(ws)

    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1001


async def test_a_frame_over_one_mebibyte_ends_the_socket() -> None:
    world = await a_world()
    async with world.served() as client, socket(client) as ws:
        await hear(ws)
        await ws.send(json.dumps({"text": "x" * 1_100_000}))
        with pytest.raises(ConnectionClosed):
            await hear(ws)


@asynccontextmanager
async def socket(
    client: httpx.AsyncClient, query: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    """Open a socket to a served hub, as its client."""
    url = f"ws://{client.base_url.host}:{client.base_url.port}/v1/ws{query}"
    own = {"Authorization": client.headers["Authorization"]} if "Authorization" in client.headers else {}
    async with connect(url, additional_headers=headers or own, proxy=None) as ws:
        yield ws


async def hear(ws: ClientConnection) -> Any:
    """Return the next frame."""
    async with asyncio.timeout(10):
        return json.loads(await ws.recv())


async def until(ws: ClientConnection, event: str) -> Any:
    """Return the next frame of a kind."""
    while (frame := await hear(ws))["event"] != event:
        pass
    return frame


async def accepted(ws: ClientConnection) -> Any:
    """Return what the next accepted message is called."""
    return (await until(ws, "accepted"))["data"]
