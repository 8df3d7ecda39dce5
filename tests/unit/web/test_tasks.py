"""Tasks over HTTP: assigned, listed, stopped, looked into."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from hub.ports import Add
from hub.records import HOME, OWNER, Done, Person, PersonId, TaskId, TaskState
from hub.testing import NOON, MemoryWorkspaces, a_step, a_task, a_turn
from tests.unit.web.world import World, a_world

SUBTASKS: tuple[tuple[int, TaskState], ...] = ((2, "completed"), (3, "working"))


async def test_a_task_is_assigned_with_limits_and_a_time() -> None:
    world = await a_world()
    body = {"text": "Water the plants", "due_at": "2030-05-01T07:00:00+02:00", "limits": {"turns": 3}}
    async with world.client() as client:
        answer = await client.post("/v1/tasks", json=body)

    assert answer.status_code == 201
    task = answer.json()
    assert (task["number"], task["kind"], task["state"]) == (1, "assignment", "submitted")
    assert datetime.fromisoformat(task["due_at"]) == datetime(2030, 5, 1, 5, tzinfo=UTC)
    assert task["limits"] == {"turns": 3, "tokens": 100_000, "minutes": 120.0, "money": 0.0}
    assert task["origin"] == {"bridge": "http", "chat": "main"}


async def test_a_task_is_assigned_with_what_it_is_checked_for_and_shows_it() -> None:
    world = await a_world()
    checks = [
        {"type": "file", "path": "report.md", "contains": "Bonn"},
        {"type": "url", "url": "https://example.org/", "status": 200},
        {"type": "command", "command": ["python3", "test.py"]},
        {"type": "tool", "tool": "clock", "arguments": "{}", "contains": "Monday"},
    ]
    async with world.client() as client:
        task = (await client.post("/v1/tasks", json={"text": "Report", "checks": checks})).json()
        shown = (await client.get(f"/v1/tasks/{task['id']}")).json()

    assert task["checks"] == shown["checks"] == [checks[0], {"type": "url", "url": "https://example.org/"}, *checks[2:]]
    assert shown["proposed"] == []


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "text", "is missing"),
        ({"text": ""}, "text", "empty"),
        ({"text": "a", "due_at": "2030-05-01T07:00:00"}, "due_at", "timezone"),
        ({"text": "a", "due_at": "tomorrow"}, "due_at", "RFC3339"),
        ({"text": "a", "due_at": "2030-05-01T07:00:00Z", "schedule": "0 7 * * *"}, "schedule", "send one of them"),
        ({"text": "a", "limits": {"turns": 0}}, "limits.turns", ">= 1"),
        ({"text": "a", "limits": {"turns": 10**30}}, "limits.turns", "must be int"),
        ({"text": "a", "limits": {"turn": 1}}, "limits.turn", "is unknown here"),
        ({"text": "a", "agent": "nobody"}, "agent", "installed: default"),
        ({"text": "a", "checks": [{"type": "wish"}]}, "checks[0].type", "wish"),
        ({"text": "a", "checks": [{"type": "file"}]}, "checks[0].path", "is missing"),
        ({"text": "a", "checks": [{"type": "file", "path": "a"}] * 11}, "checks", "10"),
    ],
)
async def test_a_bad_assignment_is_refused_with_field_value_and_way_out(body: Any, field: str, words: str) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/tasks", json=body)

    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
    assert words in answer.json()["detail"]


async def test_tasks_are_listed_newest_first_page_by_page_and_by_state() -> None:
    world = await a_world()
    for number in range(1, 6):
        await world.store.commit(Add(a_task(number=number, state="working" if number % 2 else "completed")))
    async with world.client() as client:
        first = (await client.get("/v1/tasks?limit=3")).json()
        rest = (await client.get(f"/v1/tasks?limit=3&cursor={first['next']}")).json()
        working = (await client.get("/v1/tasks?state=working")).json()
        both = (await client.get("/v1/tasks?state=working&state=completed")).json()
        wrong = await client.get("/v1/tasks?state=done")

    assert [task["number"] for task in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None
    assert [task["number"] for task in working["items"]] == [5, 3, 1]
    assert len(both["items"]) == 5
    assert (wrong.status_code, wrong.json()["field"]) == (400, "state")


async def test_a_task_shows_its_turns_with_their_steps_and_verdicts() -> None:
    world, id = await a_task_with_turns()
    async with world.client() as client:
        newest = (await client.get(f"/v1/tasks/{id}/turns?limit=1")).json()
        older = (await client.get(f"/v1/tasks/{id}/turns?cursor={newest['next']}")).json()

    (turn,) = newest["items"]
    assert (turn["number"], turn["verdict"]) == (2, {"type": "done", "summary": "Watered.", "why": ""})
    assert [step["kind"] for step in turn["steps"]] == ["answer"]
    assert [turn["number"] for turn in older["items"]] == [1]


async def test_a_task_shows_its_messages() -> None:
    world = await a_world()
    async with world.client() as client:
        await client.post("/v1/messages?wait=5", json={"text": "hello"})
        page = (await client.get("/v1/tasks/1/messages")).json()

    assert [message["text"] for message in page["items"]] == ["hello", "You said: **hello**"]


@pytest.mark.parametrize(
    ("verb", "state"), [("cancel", "canceled"), ("resume", "submitted"), ("stop", "input-required")]
)
async def test_a_task_is_canceled_resumed_or_stopped(verb: str, state: str) -> None:
    world = await a_world()
    task = a_task()
    await world.store.commit(Add(task))
    async with world.client() as client:
        answer = await client.post(f"/v1/tasks/{task.id}/{verb}")

    assert (answer.status_code, answer.json()["state"]) == (200, state)


@pytest.mark.parametrize("path", ["", "/messages", "/turns"])
async def test_nobody_sees_anothers_task(path: str) -> None:
    world = await a_world()
    guest = Person(id=PersonId("guest"), tenant=HOME, name="Guest", created_at=NOON)
    task = a_task()
    await world.store.commit(Add(guest), Add(task))
    _, theirs = await world.people.create_key(HOME, guest.id, "guest", ["tasks:read"])
    async with world.client(theirs) as client:
        answer = await client.get(f"/v1/tasks/{task.id}{path}")

    assert (task.person, answer.status_code) == (OWNER, 404)
    assert "there's no" in answer.json()["detail"]


async def test_a_number_is_the_callers_own() -> None:
    world = await a_world()
    async with world.client() as client:
        assert (await client.get("/v1/tasks/1")).status_code == 404
        await client.post("/v1/tasks", json={"text": "one"})
        assert (await client.get("/v1/tasks/1")).json()["title"] == "one"


async def a_task_with_turns() -> tuple[World, TaskId]:
    world = await a_world()
    task = a_task()
    first = a_turn(task, number=1, state="done")
    second = a_turn(task, number=2, state="done", verdict=Done(summary="Watered."))
    await world.store.commit(Add(task), Add(first), Add(second), Add(a_step(second)))
    return world, task.id


async def test_a_plan_is_written_and_read_and_a_bad_one_is_refused() -> None:
    world = await a_world()
    await world.store.commit(Add(a_task(number=1, kind="assignment")), Add(a_task(number=2)))
    points = [{"text": "Find a train", "state": "done"}, {"text": "Book it"}]
    async with world.client() as client:
        put = await client.put("/v1/tasks/1/plan", json={"points": points})
        read = (await client.get("/v1/tasks/1")).json()
        long = await client.put("/v1/tasks/1/plan", json={"points": [{"text": "x" * 161}]})
        many = await client.put("/v1/tasks/1/plan", json={"points": [{"text": "x"}] * 41})
        talk = await client.put("/v1/tasks/2/plan", json={"points": points})
        none = await client.put("/v1/tasks/9/plan", json={"points": points})
        gone = await client.put("/v1/tasks/1/plan", json={"points": []})

    assert put.json()["plan"] == read["plan"] == [points[0], {"text": "Book it", "state": "open"}]
    assert (long.status_code, long.json()["field"]) == (400, "points[0].text")
    assert (many.status_code, many.json()["field"]) == (400, "points")
    assert (talk.status_code, none.status_code) == (400, 404)
    assert gone.json()["plan"] == []


async def test_subtasks_are_listed_beneath_their_task_and_not_beside_it() -> None:
    world = await a_world()
    parent = a_task(number=1, kind="assignment")
    tom, ada = (a_task(number=n, kind="assignment", parent=parent.id, depth=1, state=s) for n, s in SUBTASKS)
    await world.store.commit(Add(parent), Add(tom), Add(ada), Add(a_task(number=4)))
    async with world.client() as client:
        every = (await client.get("/v1/tasks")).json()["items"]
        below = (await client.get("/v1/tasks?parent=1")).json()["items"]
        some = (await client.get(f"/v1/tasks?parent={parent.id}&limit=1")).json()
        rest = (await client.get(f"/v1/tasks?parent=1&limit=1&cursor={some['next']}")).json()
        done = (await client.get("/v1/tasks?parent=1&state=completed")).json()["items"]
        split = (await client.get("/v1/tasks?parent=any&state=working")).json()["items"]
        none = await client.get("/v1/tasks?parent=9")

    assert [task["number"] for task in every] == [4, 1]
    assert [(task["number"], task["parent"], task["depth"]) for task in below] == [(3, parent.id, 1), (2, parent.id, 1)]
    assert [task["number"] for task in (*some["items"], *rest["items"])] == [3, 2]
    assert rest["next"] is None
    assert [task["number"] for task in done] == [2]
    assert [task["number"] for task in split] == [3]
    assert none.status_code == 404


async def test_what_a_task_made_is_listed_and_saved_and_nothing_in_it_runs() -> None:
    workspaces = MemoryWorkspaces()
    world = await a_world(workspaces=workspaces)
    mine, theirs = a_task(number=1, kind="assignment"), a_task(number=1, person=PersonId("bea"))
    await world.store.commit(Add(mine), Add(theirs))
    await workspaces.write(HOME, mine.id, "page.html", b"<script>alert(1)</script>")
    await workspaces.write(HOME, theirs.id, "secret.txt", b"hush")
    digest = sha256(b"<script>alert(1)</script>").hexdigest()
    async with world.client(await world.key_with("tasks:read")) as client:
        [listed] = (await client.get("/v1/tasks/1/artefacts")).json()["items"]
        page = await client.get(f"/v1/tasks/1/artefacts/{digest}")
        none = await client.get(f"/v1/tasks/1/artefacts/{sha256(b'hush').hexdigest()}")
        foreign = await client.get(f"/v1/tasks/{theirs.id}/artefacts")

    assert (listed["name"], listed["size"], listed["sha256"], listed["turn"]) == ("page.html", 25, digest, None)
    assert page.content == b"<script>alert(1)</script>"
    assert page.headers["content-type"].startswith("application/octet-stream")
    assert page.headers["content-disposition"].startswith("attachment; ")
    assert page.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (none.status_code, foreign.status_code) == (404, 404)
