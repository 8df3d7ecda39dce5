"""What a hub that's up is asked goes on to it as it comes, and its answers come back as they're made."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.waker.fronted import EVENTS, KNOWN, bearing, fronted, served


async def test_events_come_one_by_one_and_not_at_the_end(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front, served(front.front) as url, httpx.AsyncClient(base_url=url) as client:
        await front.be("ready")
        at = list[float]()
        async with client.stream("GET", "/events", headers={"Accept": "text/event-stream"}) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    at.append(time.monotonic())
        assert len(at) == EVENTS
        # The hub takes a fiftieth of a second between two of them.
        assert at[-1] - at[0] >= (EVENTS - 2) * 0.02


async def test_an_upload_of_unknown_length_arrives_whole(tmp_path: Path) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(50):
            yield bytes([number]) * 40_000

    whole = b"".join([part async for part in parts()])
    async with fronted(tmp_path) as front, served(front.front) as url, httpx.AsyncClient(base_url=url) as client:
        await front.be("ready")
        answer = await client.put("/v1/things", content=parts(), headers=bearing(KNOWN))
        assert answer.json()["sha256"] == hashlib.sha256(whole).hexdigest()
        assert "agenthost-wake" not in answer.headers


async def test_another_system_that_writes_by_an_address_of_the_hubs_wakes_it_and_nobody_by_another(
    tmp_path: Path,
) -> None:
    async with fronted(tmp_path) as front:
        await front.sleeper.spool.meet("hub", [("inlet", hashlib.sha256(b"in_known").hexdigest())])
        for method, path in (
            ("POST", "/in/in_other"),
            ("GET", "/in/in_known"),
            ("POST", "/in/"),
            ("POST", "/in_known"),
        ):
            assert (await front.http.request(method, path, content=b"{}")).status_code == 401
        wanted = [front.wanted]

        posted = asyncio.ensure_future(front.http.post("/in/in_known", content=b"{}"))
        while not wanted[-1]:
            await asyncio.sleep(0)
            wanted.append(front.wanted)
        await front.be("ready")
        answer = await posted

    assert not wanted[0]
    assert answer.json()["path"] == "/in/in_known"
