"""A task with several things in it is done by a plan that its person reads, and may change."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hub.flow.errands import FlowErrands
from hub.manifests import Agent
from hub.records import HOME, OWNER, Again, Ask, Point, Task
from hub.testing import FakeTool, MemoryWorkspaces, ScriptedLLM
from hub.tools.planning import Plan
from tests.stories.day import CHAT, Day

GOAL = "Find a train to Bonn and then book a hotel"
NO, YES = (0.1, 0.85, 0.05), (0.9, 0.05, 0.05)


class Office:
    """A day with an agent that plans."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def day(self, llm: ScriptedLLM) -> Day:
        errands = FlowErrands()
        agent = Agent(name="default", version="1.0.0", description="Helps.", prompt="You help.", tools=("plan", "book"))
        tools = (Plan(errands), FakeTool("book", result="Booked."))
        return await self._stack.enter_async_context(Day(llm, errands=errands, agents={"default": agent}, tools=tools))


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        yield Office(stack)


async def assign(day: Day, text: str = GOAL, **wishes: Any) -> Task:
    task, _ = await day.hub.tasks.assign(
        tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=f"api:{text}", **wishes
    )
    await day.quiet()
    return await day.task(task.number)


async def later(day: Day, seconds: float = 700) -> Task:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()
    return await day.task(1)


def plan_of(task: Task) -> list[tuple[str, str]]:
    return [(point.text, point.state) for point in task.plan]


async def test_a_plan_is_made_first_worked_on_point_by_point_and_ticked_off(office: Office) -> None:
    llm = ScriptedLLM(
        "Her name is Rosa.",
        "Slow and steady.",
        decisions=lambda _, options: "none" if "none" in options else YES,
        fills=[
            {"points": ["Name the boat", "Think up a motto"]},
            {"done": [1]},
            {"done": [2]},
        ],
    )
    day = await office.day(llm)
    task = await assign(day, "First name my boat and then think up a motto")
    assert plan_of(task) == [("Name the boat", "done"), ("Think up a motto", "open")]
    assert task.verdict == Again(after=task.verdict.after, why="point 2 of the plan is still open")  # type: ignore[union-attr]
    assert "Plan: 0 of 2 done. Still to do: 1. Name the boat; 2. Think up a motto." in llm.prompts[0]

    task = await later(day)
    assert "Plan: 1 of 2 done. Still to do: 2. Think up a motto." in llm.prompts[1]
    assert "Name the boat;" not in llm.prompts[1], "only what's open costs tokens"
    assert task.state == "completed"
    ticking = [asked for asked in llm.asked if asked.method == "fill"][-1]
    assert "Slow and steady." in ticking.text


async def test_tools_are_chosen_for_the_point_that_is_next(office: Office) -> None:
    llm = ScriptedLLM(
        "It was found.",
        "It was booked.",
        decisions=lambda prompt, options: (
            YES if "none" not in options else "book" if "book" in options and "hotel" in prompt[-1].text else "none"
        ),
        fills=[{"points": ["Find a train to Bonn", "Book a hotel"]}, {"done": [1]}, {"hotel": "Ritz"}, {"done": [2]}],
    )
    day = await office.day(llm)
    await assign(day)
    await later(day)

    turns = await day.store.turns((await day.task(1)).id)
    used = [[step.name for step in await day.store.steps(turn.id) if step.kind == "tool"] for turn in reversed(turns)]
    assert used == [["plan", "plan"], ["book", "plan"]]


async def test_a_plan_that_nobody_works_on_ends_in_a_question(office: Office) -> None:
    numbers = iter(range(100))
    llm = ScriptedLLM(
        lambda _: f"{next(numbers)} is {'a word ' * next(numbers)}that I say.",
        decisions=lambda _, options: options[-1] if "none" in options else YES,
        fills=lambda _, schema: {"points": ["Find a train", "Book a hotel"]} if not llm.prompts else {"done": [99]},
    )
    day = await office.day(llm)
    await assign(day)
    for _ in range(6):
        await later(day)

    task = await day.task(1)
    assert task.state == "input-required"
    assert isinstance(task.verdict, Ask)
    assert "points 1 and 2 of the plan are still open" in task.verdict.question


async def test_a_goal_that_is_one_thing_has_no_plan_and_pays_for_none(office: Office) -> None:
    llm = ScriptedLLM("Drip drop.", decisions=lambda _, options: "none" if "none" in options else YES)
    day = await office.day(llm)
    task = await assign(day, "Write a poem about rain")

    assert task.plan == ()
    assert not any(asked.method == "fill" for asked in llm.asked)
    assert "Plan:" not in llm.prompts[0]


async def test_a_conversation_is_offered_no_plan(office: Office) -> None:
    llm = ScriptedLLM("Gladly.", decisions=["none"])
    day = await office.day(llm)
    await day.says(GOAL)

    assert not any("plan" in asked.options for asked in llm.asked)
    assert (await day.task(1)).plan == ()


async def test_its_person_may_write_the_plan_and_reads_it_by_a_command(office: Office) -> None:
    llm = ScriptedLLM(
        "Packed.",
        "All is packed.",
        decisions=lambda _, options: "none" if "none" in options else YES,
        fills=[{"done": [1]}],
    )
    day = await office.day(llm)
    task = await assign(day, "Pack my bag")
    assert task.state == "completed"
    await day.hub.outlines.put(task.id, [Point(text="Take  a coat")])
    said = await day.says("/task 1")

    assert "- ☐ 1. Take a coat" in (await day.replies(said))[0]
    await day.hub.tasks.resume(task)
    task = await later(day)
    assert plan_of(task) == [("Take a coat", "done")]
    assert task.state == "completed"


async def test_the_last_answer_names_the_files_that_were_made_and_the_task_lists_them() -> None:
    workspaces = MemoryWorkspaces()
    llm = ScriptedLLM("Drip drop.", decisions=[YES])
    async with Day(llm, workspaces=workspaces) as day:
        task, _ = await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text="Write a poem about rain", external_id="api:1"
        )
        await workspaces.write(HOME, task.id, "poem.txt", b"Drip drop.")
        await day.quiet()
        said = await day.says("/task 1")

        assert (await day.transcript(1))[-1] == "Drip drop.\n\nFiles: poem.txt"
        assert "- Files made: poem.txt (10 bytes)." in (await day.replies(said))[0]
