"""Whichever of several hubs is asked: messages, events, stops and the list of hubs are the same on all."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.harness import KEY
from tests.hubs.fleet import Fleet

pytestmark = pytest.mark.faults

HEAD = {"Authorization": f"Bearer {KEY}"}
TASKS = 6


async def posted(client: httpx.AsyncClient, path: str, body: Any = None) -> Any:
    answer = await client.post(path, json=body if body is not None else {}, headers=HEAD)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def got(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path, headers=HEAD)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_task_is_stopped_from_a_hub_that_does_not_take_its_turn(tmp_path: Path, empty_database: str) -> None:
    """The hub that takes the turn cuts it off: nothing is answered after a cancel."""
    async with Fleet(tmp_path, empty_database, hubs=2, chats=1, latency=6.0) as fleet:
        places = await fleet.start()
        async with (
            httpx.AsyncClient(base_url=places[0], timeout=60) as one,
            httpx.AsyncClient(base_url=places[1], timeout=60) as other,
        ):
            said = [
                await posted(each, "/v1/messages", {"text": f"Number {number}?", "task": "new"})
                for number, each in enumerate([one, other] * (TASKS // 2))
            ]
            async with asyncio.timeout(40):
                while len({turn["task"] for turn in await working(fleet)}) < TASKS:
                    await asyncio.sleep(0.05)
            tasks = [(await got(other, f"/v1/messages/{message['id']}"))["task"]["id"] for message in said]
            await asyncio.gather(*(posted(one, f"/v1/tasks/{task}/cancel") for task in tasks))
            assert await working(fleet) == []
            assert {(await got(other, f"/v1/tasks/{task}"))["state"] for task in tasks} == {"canceled"}
            replies = [(await got(other, f"/v1/messages/{message['id']}"))["replies"] for message in said]
            assert replies == [[]] * TASKS


async def test_each_hub_lists_all_and_says_which_has_what(tmp_path: Path, empty_database: str) -> None:
    async with Fleet(tmp_path, empty_database, hubs=2, chats=1) as fleet:
        for place in await fleet.start():
            async with httpx.AsyncClient(base_url=place, timeout=60) as client, asyncio.timeout(30):
                while True:
                    hubs = (await got(client, "/v1/status"))["hubs"]
                    leases = sorted(lease for hub in hubs for lease in hub["leases"])
                    if leases == ["bridge:journal", "duties"]:
                        break
                    await asyncio.sleep(0.1)
            assert sorted(hub["name"] for hub in hubs) == ["hub0", "hub1"]
            assert {hub["state"] for hub in hubs} == {"alive"}


async def test_a_message_to_one_hub_is_answered_while_its_caller_waits_whoever_takes_the_turn(
    tmp_path: Path, empty_database: str
) -> None:
    """The other hub's reply is heard of, not polled for: `?wait` returns with it, and each hub's stream has it once."""
    async with Fleet(tmp_path, empty_database, hubs=2, chats=1, latency=0.2) as fleet:
        places = await fleet.start()
        async with httpx.AsyncClient(base_url=places[0], timeout=60) as one:
            for number in range(8):
                answer = await posted(
                    one, "/v1/messages?wait=20", {"text": f"And m0x{number + 1}?", "task": "new", "chat": f"c{number}"}
                )
                assert [reply["text"] for reply in answer["replies"]] == [f"Answer to m0x{number + 1}"]


async def working(fleet: Fleet) -> list[dict[str, str]]:
    rows = await fleet.rows("SELECT task FROM turns WHERE state = 'working'")
    return [{"task": task} for (task,) in rows]
