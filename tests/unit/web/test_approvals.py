"""Calls that wait for leave, over HTTP: listed, decided, and nobody else's business."""

from hub.ports import Add
from hub.records import OWNER, PersonId
from hub.testing import OutwardTool, a_pause, a_person, a_step, a_taint, a_task, a_turn
from tests.unit.web.world import World, a_world


async def asked(world: World, person: PersonId = OWNER, number: int = 1, **fields: object) -> str:
    """Keep a call that waits, and return its id."""
    world.services.leave._toolbox.equip([OutwardTool("send")])
    now = world.services.clock.now()
    task = a_task(state="input-required", person=person, number=number)
    turn = a_turn(task, state="done")
    times = {"created_at": now, "expires_at": now.replace(year=now.year + 1)}
    pause = a_pause(turn, person=person, **(times | fields))
    await world.store.commit(Add(task), Add(turn), Add(pause))
    return pause.id


async def test_a_call_is_listed_with_its_exact_arguments_and_approved_once() -> None:
    world = await a_world()
    id = await asked(world)
    async with world.client() as client:
        listed = (await client.get("/v1/approvals")).json()["items"]
        approved = await client.post(f"/v1/approvals/{id}/approve", headers={"Idempotency-Key": "one"})
        again = await client.post(f"/v1/approvals/{id}/approve", headers={"Idempotency-Key": "one"})
        late = await client.post(f"/v1/approvals/{id}/deny")
        rest = (await client.get("/v1/approvals")).json()["items"]
        one = (await client.get(f"/v1/approvals/{id}")).json()

    assert [(call["id"], call["tool"], call["arguments"]) for call in listed] == [(id, "send", {"to": "ann"})]
    assert (approved.status_code, approved.json()["state"], approved.json()["decided_by"]) == (200, "approved", OWNER)
    assert again.json() == approved.json()
    assert (late.status_code, rest) == (409, [])
    assert (one["state"], one["answer"]) == ("approved", "approved")


async def test_somebody_elses_call_is_not_there_also_for_an_admin() -> None:
    world = await a_world()
    await world.store.commit(Add(a_person(id=PersonId("bob"), role="member")))
    id = await asked(world, PersonId("bob"))
    async with world.client() as client:
        answers = [
            await client.get(f"/v1/approvals/{id}"),
            await client.post(f"/v1/approvals/{id}/approve"),
            await client.post(f"/v1/approvals/{id}/deny"),
            await client.post("/v1/approvals/nothing/deny"),
        ]
        listed = (await client.get("/v1/approvals")).json()["items"]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert listed == []


async def test_the_owner_decides_for_groups() -> None:
    world = await a_world()
    await world.store.commit(Add(a_person(id=PersonId("trip"), role="group")))
    id = await asked(world, PersonId("trip"))
    async with world.client() as client:
        listed = (await client.get("/v1/approvals")).json()["items"]
        denied = (await client.post(f"/v1/approvals/{id}/deny")).json()

    assert [call["id"] for call in listed] == [id]
    assert denied["state"] == "denied"


async def test_a_key_that_may_only_read_decides_nothing() -> None:
    world = await a_world()
    id = await asked(world)
    async with world.client(await world.key_with("tasks:read")) as client:
        assert (await client.get(f"/v1/approvals/{id}")).status_code == 200
        assert (await client.post(f"/v1/approvals/{id}/approve")).status_code == 403


async def test_an_update_of_the_package_makes_it_void_and_that_is_told() -> None:
    world = await a_world()
    id = await asked(world, digest="f" * 64)
    async with world.client() as client:
        answer = await client.post(f"/v1/approvals/{id}/approve")

    assert answer.status_code == 409
    assert "changed meanwhile" in answer.json()["detail"]


async def test_a_receipt_says_what_was_changed_with_whose_leave() -> None:
    world = await a_world()
    task = a_task()
    turn = a_turn(task)
    pause = a_pause(turn, state="done", answer="approved", decided_by=OWNER, decided_at=turn.started_at)
    step = a_step(turn, kind="tool", name="send", effect="keyed", pause=pause.id)
    await world.store.commit(Add(task), Add(turn), Add(pause), Add(step), Add(a_taint(task)))
    async with world.client() as client:
        [shown] = (await client.get("/v1/tasks/1/turns")).json()["items"]
        tainted = (await client.get("/v1/tasks/1")).json()["tainted"]

    [receipt] = shown["steps"]
    assert (receipt["name"], receipt["effect"], receipt["failed"]) == ("send", "keyed", False)
    leave = {"id": pause.id, "kind": "leave", "decision": "approved", "by": "Owner"}
    assert receipt["leave"].items() >= leave.items()
    assert tainted == [{"source": "web_fetch", "detail": "https://example.org"}]
