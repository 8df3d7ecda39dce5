"""The server under the web."""

import asyncio
import time

from tests.unit.web.world import a_world


async def test_no_answer_waits_for_the_client_to_acknowledge_half_of_it() -> None:
    world = await a_world()
    async with world.served() as client:
        spans = []
        for _ in range(30):
            begun = time.perf_counter()
            await client.get("/healthz")
            spans.append(time.perf_counter() - begun)

    assert min(spans[5:]) < 0.030, "40 ms is what a delayed acknowledgement takes"


async def test_the_server_stops_at_once_though_somebody_watches_it() -> None:
    world = await a_world()
    loop = asyncio.get_running_loop()
    async with world.served() as client, client.stream("GET", "/v1/events") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: hello"
        begun = loop.time()
        world.services.closing.set()
        async for _ in lines:
            pass

    assert loop.time() - begun < 3
