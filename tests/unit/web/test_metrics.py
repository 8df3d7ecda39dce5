"""/metrics: behind a key, by route and not by path."""

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
        for number in range(3):
            await client.get(f"/v1/tasks/canary-{number}")
        await client.get("/v1/tasks/canary-3", headers={"Host": "evil.example"})
        await client.get("/nowhere/canary-4")
        read = (await client.get("/metrics")).text

    lines = [line for line in read.splitlines() if line.startswith("agenthost_http_requests_total{")]
    assert [line for line in lines if 'path="/v1/tasks/{id}"' in line and 'status_code="404"' in line]
    assert not [line for line in lines if 'path="/v1/tasks/{id}"' in line and 'status_code="200"' in line]
    assert "canary" not in read


async def test_the_process_tells_its_memory_and_cpu() -> None:
    world = await a_world()
    async with world.client() as client:
        read = (await client.get("/metrics")).text

    assert "process_resident_memory_bytes" in read
    assert "process_cpu_seconds_total" in read
