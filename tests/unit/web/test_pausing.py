"""/v1/pause is for whoever runs the hub, and is told by the status."""

from hub.ports import Add
from hub.records import OWNER, TenantId
from hub.testing import a_person, a_tenant
from tests.unit.web.world import a_world


async def test_everything_is_paused_and_goes_on() -> None:
    world = await a_world()
    async with world.client() as owner:
        assert (await owner.get("/v1/pause")).json()["paused"] is False
        paused = (await owner.put("/v1/pause", json={"why": "a fire"})).json()
        assert (paused["paused"], paused["by"], paused["why"]) == (True, "owner", "a fire")
        assert (await owner.get("/v1/pause")).json() == paused
        assert (await owner.delete("/v1/pause")).json()["paused"] is False
        told = (await owner.get("/v1/audit")).json()["items"]
        assert [each["action"] for each in told[:2]] == ["hub.resumed", "hub.paused"]


async def test_nobody_else_may() -> None:
    world = await a_world()
    other = TenantId("other")
    await world.store.commit(Add(a_tenant(id=other)), Add(a_person(tenant=other)))
    _, theirs = await world.people.create_key(other, OWNER, "k", ["admin"])
    for key in (theirs, await world.key_with("messages:write", "status:read")):
        async with world.client(key) as client:
            assert (await client.put("/v1/pause", json={})).status_code == 403
            assert (await client.delete("/v1/pause")).status_code == 403
