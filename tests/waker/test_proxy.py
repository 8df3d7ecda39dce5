"""What a hub that's up is asked goes on to it as it comes, and its answers come back as they're made."""

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
