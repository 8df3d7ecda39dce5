"""/metrics: behind a key, by route and not by path."""

import re

from tests.unit.web.world import a_world


async def test_metrics_need_a_key_with_their_scope() -> None:
    world = await a_world()
    async with world.client("") as client:
        nobody = await client.get("/metrics")
    async with world.client(await world.key_with("messages:read", "status:read")) as client:
        other = await client.get("/metrics")
    async with world.client(await world.key_with("metrics:read")) as client:
        good = await client.get("/metrics")

    assert (nobody.status_code, other.status_code, good.status_code) == (401, 403, 200)
    assert good.headers["content-type"].startswith("text/plain; version=")


async def test_requests_are_counted_by_route_and_status_whatever_the_path() -> None:
    world = await a_world()
    async with world.client() as client:
        # What's counted is the whole process's: other tests' requests too.
        before = _counted((await client.get("/metrics")).text)
        for number in range(3):
            await client.get(f"/v1/tasks/canary-{number}")
        await client.get("/v1/tasks/canary-3", headers={"Host": "evil.example"})
        await client.get("/nowhere/canary-4")
        read = (await client.get("/metrics")).text

    counted = _counted(read)
    assert counted["404"] - before.get("404", 0) == 3
    assert counted.get("200") == before.get("200")
    assert "canary" not in read


async def test_the_process_tells_its_memory_and_cpu() -> None:
    world = await a_world()
    async with world.client() as client:
        read = (await client.get("/metrics")).text

    assert "process_resident_memory_bytes" in read
    assert "process_cpu_seconds_total" in read


def _counted(read: str) -> dict[str, float]:
    """Return how many requests for a task were answered with each status."""
    line = re.compile(r'agenthost_http_requests_total\{.*path="/v1/tasks/\{id\}",status_code="(\d+)"\} (\S+)')
    return {status: float(count) for status, count in line.findall(read)}
