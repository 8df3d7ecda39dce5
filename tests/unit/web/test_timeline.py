"""What happened to a task, over HTTP: in order, page by page from either end, and whole as a file."""

import csv
import io
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from hub.ports import Add
from hub.records import (
    HOME,
    OWNER,
    Again,
    Ask,
    Correction,
    Done,
    MessageId,
    Pause,
    PauseId,
    Route,
    Task,
    Wait,
    new_id,
)
from hub.testing import NOON, a_message, a_step, a_task, a_transition, a_turn
from tests.unit.web.world import World, a_world

MINUTE = timedelta(minutes=1)


async def a_long_task() -> tuple[World, Task]:
    """Return a task of two turns: it was assigned, called a tool, waited, asked, and was done."""
    world = await a_world()
    task = a_task(number=3, kind="assignment", state="completed", created_at=NOON)
    other = a_task(number=4)
    first = a_turn(task, number=1, state="done", started_at=NOON + MINUTE, ended_at=NOON + 2 * MINUTE, ms=60_000.0,
                   tokens_in=90, tokens_out=10,
                   verdict=Wait(until=NOON + 9 * MINUTE, why="the shop is closed"))  # fmt: skip
    second = a_turn(task, number=2, state="done", started_at=NOON + 5 * MINUTE, ended_at=NOON + 6 * MINUTE,
                    ms=60_000.0, verdict=Done(summary="Bought."))  # fmt: skip
    leave = Pause(id=PauseId(new_id()), tenant=HOME, person=OWNER, task=task.id, turn=first.id, kind="leave",
                  tool="buy", arguments="{}", key="k", why="it can't be undone", state="done", answer="approved",
                  created_at=NOON + 1.2 * MINUTE, expires_at=NOON + 9 * MINUTE, decided_at=NOON + 1.4 * MINUTE,
                  decided_by=OWNER)  # fmt: skip
    call = a_step(first, number=1, kind="tool", name="buy", request='{"what":"milk"}', result="=1+1", effect="once",
                  pause=leave.id, ms=400.0, ended_at=NOON + 1.5 * MINUTE)  # fmt: skip
    check = a_step(second, number=1, kind="check", name="file", result="it's there", ended_at=NOON + 5.5 * MINUTE)
    said = a_message("Buy milk", task=task.id, created_at=NOON)
    moved = Correction(id=new_id(), tenant=HOME, message=MessageId("m"), wrong=other.id, right=task.id,
                       route=Route(rule="model", task=other.id, new=False, probability=1.0),
                       created_at=NOON + 7 * MINUTE)  # fmt: skip
    moves = (
        a_transition(task, after="submitted", at=NOON),
        a_transition(task, before="submitted", after="working", by="schedule", why="turn 1 begins", at=NOON + MINUTE),
        a_transition(task, before="working", after="input-required", by="hub", why="which one?", at=NOON + 3 * MINUTE),
        a_transition(task, before="input-required", after="working", by="person", why="said", at=NOON + 5 * MINUTE),
        a_transition(task, before="working", after="completed", by="supervisor", why="Bought.", at=NOON + 6 * MINUTE),
    )
    records = (task, other, said, first, second, leave, call, check, moved, *moves)
    await world.store.commit(*(Add(record) for record in records))
    return world, task


async def read(world: World, query: str) -> Any:
    async with world.client() as client:
        answer = await client.get(f"/v1/tasks/3/timeline?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


EVERYTHING = [
    *("founded: submitted", "said on fake", "submitted → working", "turn 1: done", "leave for buy: approved", "buy"),
    *("Wait", "until a time", "working → input-required", "input-required → working", "turn 2: done", "file"),
    *("working → completed", "Done", "a message came from task 4"),
]


async def test_everything_is_told_in_its_order_from_either_end() -> None:
    world, _ = await a_long_task()

    oldest = await read(world, "order=oldest")
    newest = await read(world, "")

    assert [item["what"] for item in oldest["items"]] == EVERYTHING
    assert [item["what"] for item in newest["items"]] == EVERYTHING[::-1]
    assert newest["next"] is None
    by = {item["what"]: item for item in oldest["items"]}
    assert (by["buy"]["effect"], by["buy"]["leave"], by["buy"]["ms"]) == ("once", "approved by Owner", 400.0)
    assert (by["until a time"]["ms"], by["Wait"]["detail"]) == (180_000.0, "the shop is closed")
    assert by["submitted → working"]["kind"] == "run"
    assert by["leave for buy: approved"]["ms"] == pytest.approx(12_000)


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 2, 4, 7])
async def test_pages_joined_are_the_whole(order: str, limit: int) -> None:
    world, _ = await a_long_task()
    found, cursor = [], ""
    while True:
        page = await read(world, f"order={order}&limit={limit}{cursor}")
        found += [item["what"] for item in page["items"]]
        assert len(page["items"]) <= limit
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert found == (EVERYTHING if order == "oldest" else EVERYTHING[::-1])


async def test_only_what_is_wanted_is_told() -> None:
    world, _ = await a_long_task()
    found = await read(world, "kind=call&kind=verdict&order=oldest")
    assert [item["what"] for item in found["items"]] == ["buy", "Wait", "Done"]


async def test_totals_say_how_long_it_was_at_work_and_how_long_it_waited() -> None:
    world, _ = await a_long_task()
    assert (await read(world, ""))["totals"] == {
        "turns": 2,
        "tokens": 100 + 2 * 0,
        "minutes_at_work": 2.0,
        "minutes_waiting": 4.0,
        "minutes_for_person": 2.0,
        "money": 0.0,
    }


async def test_it_can_be_taken_away_whole_as_json_lines_and_as_csv_that_runs_nothing() -> None:
    world, _ = await a_long_task()
    async with world.client() as client:
        lines = await client.get("/v1/tasks/3/timeline?format=jsonl")
        table = await client.get("/v1/tasks/3/timeline?format=csv")

    assert [msgspec.json.decode(line)["what"] for line in lines.text.splitlines()] == EVERYTHING
    assert lines.headers["content-disposition"] == 'attachment; filename="task-3.jsonl"'
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["what"] for row in rows] == EVERYTHING
    assert rows[5]["detail"] == "'=1+1"
    assert table.headers["content-type"].startswith("text/csv")


async def test_a_cursor_that_is_none_is_refused_and_so_is_anothers_task() -> None:
    world, _ = await a_long_task()
    async with world.client() as client:
        wrong = await client.get("/v1/tasks/3/timeline?cursor=nonsense")
        kind = await client.get("/v1/tasks/3/timeline?kind=everything")
        none = await client.get("/v1/tasks/77/timeline")

    assert (wrong.status_code, wrong.json()["field"]) == (400, "cursor")
    assert kind.status_code == 400
    assert none.status_code == 404


async def test_a_wait_that_goes_on_says_so_and_a_long_history_is_read_piece_by_piece() -> None:
    world = await a_world()
    task = a_task(number=3, state="input-required")
    turns = [
        a_turn(task, number=number, started_at=NOON + number * MINUTE, ended_at=NOON + number * MINUTE,
               verdict=Again(after=1.0, why="more") if number < 250 else Ask(question="Which?"))
        for number in range(1, 251)
    ]  # fmt: skip
    said = [a_message(f"{number}", task=task.id, created_at=NOON + number * MINUTE) for number in range(250)]
    await world.store.commit(Add(task), *map(Add, turns), *map(Add, said))

    newest = await read(world, "limit=2")
    oldest = await read(world, "limit=200&order=oldest&kind=turn")
    rest = await read(world, f"limit=200&order=oldest&kind=turn&cursor={oldest['next']}")

    assert (newest["items"][0]["what"], newest["items"][0]["detail"]) == ("for its person", "it still waits")
    assert [item["turn"] for item in oldest["items"] + rest["items"]] == list(range(1, 251))
