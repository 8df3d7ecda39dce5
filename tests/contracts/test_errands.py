"""Every sentence that ports.Errands promises, over the flow's own and the fake."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import ToolError
from hub.flow.errands import FlowErrands
from hub.manifests import Agent
from hub.ports import Add, Errands, Outlining, Parcels, Save, Splits, ToolCall
from hub.records import HOME, OWNER, File, Task, TaskId, new_id
from hub.testing import FakeErrands, FakeTool, ForeignTool, OutwardTool, PausingTool, ScriptedLLM, a_taint
from tests.stories.day import Day


class Run(Struct):
    """Errands, a call that they're run for, and what became visible of them."""

    errands: Errands
    outlining: Outlining
    splits: Splits
    call: ToolCall
    day: Day

    async def told(self) -> list[str]:
        if isinstance(self.errands, FakeErrands):
            return list(self.errands.told.values())
        recent = await self.day.store.messages_of_task(self.call.task, limit=50)
        return [message.text.removeprefix("asker: ") for message in recent if message.role == "notice"]

    async def sent(self) -> list[File]:
        if isinstance(self.errands, FakeErrands):
            return list(self.errands.sent.values())
        recent = await self.day.store.messages_of_task(self.call.task, limit=50)
        return [part for message in recent for part in message.parts if isinstance(part, File)]

    async def planned(self) -> list[str]:
        if isinstance(self.errands, FakeErrands):
            return [text for _, text in self.errands.planned.values()]
        return [task.goal for task in await self.tasks() if task.kind == "assignment"]

    async def tasks(self) -> tuple[Task, ...]:
        return await self.day.store.tasks(HOME, OWNER)

    async def plan(self) -> list[tuple[str, str]]:
        if isinstance(self.errands, FakeErrands):
            return self.errands.outlined
        task = await self.day.store.task(self.call.task)
        return [(point.text, point.state) for point in task.plan] if task else []

    async def parts(self) -> list[str]:
        if isinstance(self.errands, FakeErrands):
            return [goal for goals in self.errands.parted.values() for goal in goals]
        return [task.goal for task in await self.day.store.split_off(self.call.task)]


AGENT = Agent(
    name="default",
    version="1.0.0",
    description="Helps.",
    prompt="Help.",
    tools=("asker", "look", "page", "send", "burn", "quiz", "scorch"),
)


@pytest.fixture(params=["flow", "fake"])
async def run(request: pytest.FixtureRequest) -> AsyncIterator[Run]:
    tools = [
        FakeTool("asker"),
        FakeTool("scorch", effect="once"),
        FakeTool("look"),
        ForeignTool("page", result="Words"),
        OutwardTool("send"),
        FakeTool("burn", effect="once"),
        FakeTool("hidden"),
        PausingTool("quiz", "How many?"),
    ]
    errands = FlowErrands()
    day = Day(ScriptedLLM("Hi.", decisions=["none"]), tools=tools, agents={"default": AGENT}, errands=errands)
    async with day:
        said = await day.says("Water my plants")
        assert said.task is not None
        call = ToolCall(
            tool="asker",
            arguments={},
            key=f"{new_id()}:1",
            tenant=HOME,
            person=OWNER,
            agent="default",
            task=said.task,
        )
        fake = FakeErrands("Water my plants", results={"look": "Looked.", "page": "Words"})
        chosen = errands if request.param == "flow" else fake
        yield Run(chosen, chosen, chosen, call, day)


@pytest.fixture
async def assigned(run: Run) -> Run:
    """A run whose call belongs to an assignment."""
    task = await run.day.task(1)
    await run.day.store.commit(Save(replace(task, kind="assignment")))
    return run


async def test_a_message_is_said_once_however_often_the_call_is_made(run: Run) -> None:
    await run.errands.say(run.call, "Half done.")
    await run.errands.say(run.call, "Half done.")
    await run.errands.say(run.call, "All done.")

    assert await run.told() == ["Half done.", "All done."]


PHOTO = File(name="plants.jpg", media_type="image/jpeg", size=3, sha256="a" * 64)


async def test_a_file_is_sent_once_however_often_the_call_is_made(run: Run) -> None:
    parcels: Parcels = run.errands
    await parcels.send(run.call, PHOTO)
    await run.errands.send(run.call, PHOTO)

    assert await run.sent() == [PHOTO]


async def test_only_files_of_the_tasks_person_are_received_the_newest_first(run: Run) -> None:
    assert await run.errands.received(run.call) == ()
    await run.errands.send(run.call, PHOTO)

    assert await run.errands.received(run.call) == ()


async def test_messages_are_capped_in_number_and_length(run: Run) -> None:
    for number in range(5):
        await run.errands.say(run.call, f"Step {number}")
    for text in ("Step 6", "", "x" * 2001):
        with pytest.raises(ToolError):
            await run.errands.say(run.call, text)
    assert len(await run.told()) == 5


async def test_what_the_person_said_is_told_and_what_others_said_isnt(run: Run) -> None:
    assert await run.errands.said(run.call) == ("Water my plants",)


async def test_a_task_is_planned_once_and_says_how_its_called(run: Run) -> None:
    words = await run.errands.plan(run.call, "in 20m", "Water them again")
    assert await run.errands.plan(run.call, "in 20m", "Water them again") == words
    assert "Water them again" in words
    assert await run.planned() == ["Water them again"]


@pytest.mark.parametrize("when", ["", "soon", "when you like"])
async def test_what_is_no_time_plans_nothing(run: Run, when: str) -> None:
    with pytest.raises(ToolError):
        await run.errands.plan(run.call, when, "Water them again")
    assert await run.planned() == []


async def test_a_plan_is_outlined_ticked_off_and_written_anew_and_what_is_done_stays(assigned: Run) -> None:
    outlining: Outlining = assigned.outlining
    await outlining.outline(assigned.call, ["Find a train", "Book it"])
    await outlining.outline(assigned.call, [], done=[1])
    await outlining.outline(assigned.call, [], done=[1])
    assert await assigned.plan() == [("Find a train", "done"), ("Book it", "open")]

    words = await outlining.outline(assigned.call, ["Call the station", "Tell Ann"], dropped=[2])
    assert "Call the station" in words
    assert await assigned.plan() == [("Find a train", "done"), ("Call the station", "open"), ("Tell Ann", "open")]


@pytest.mark.parametrize(
    "change",
    [
        {"points": (), "done": [3]},
        {"points": (), "dropped": [0]},
        {"points": ["x"] * 13},
        {"points": ["x" * 161]},
        {"points": ["New"], "done": [9]},
    ],
)
async def test_a_plan_that_wont_do_is_refused_and_nothing_is_changed(assigned: Run, change: dict[str, Any]) -> None:
    await assigned.outlining.outline(assigned.call, ["Find a train"])
    if len(change["points"]) == 13:
        change = {"points": [f"Point {number}" for number in range(13)]}
    with pytest.raises(ToolError):
        await assigned.outlining.outline(assigned.call, **change)
    assert await assigned.plan() == [("Find a train", "open")]


async def test_a_task_is_split_once_however_often_the_call_is_made(assigned: Run) -> None:
    splits: Splits = assigned.splits
    words = await splits.split(assigned.call, ["Ring the florist", "Look for a can"])
    assert await splits.split(assigned.call, ["Ring the florist", "Look for a can"]) == words
    assert "Look for a can" in words
    assert await assigned.parts() == ["Ring the florist", "Look for a can"]


@pytest.mark.parametrize("goals", [[], ["Water my plants"], [f"Thing {n} of {n}{n}" for n in range(9)]])
async def test_what_cant_be_split_off_is_refused_and_nothing_is_begun(assigned: Run, goals: list[str]) -> None:
    with pytest.raises(ToolError):
        await assigned.splits.split(assigned.call, goals)
    assert await assigned.parts() == []


async def test_subtasks_are_given_only_to_agents_that_the_calls_own_may_hand_work_to(assigned: Run) -> None:
    with pytest.raises(ToolError, match="given to"):
        await assigned.splits.split(assigned.call, ["Ring the florist"], "stranger")
    assert await assigned.parts() == []


async def test_another_tool_is_used_only_if_it_is_there_and_not_too_deep(run: Run) -> None:
    assert await run.errands.use(run.call, "look", {}) == "Looked."
    with pytest.raises(ToolError, match="no tool"):
        await run.errands.use(run.call, "hidden", {})
    deep = replace(run.call, depth=3)
    with pytest.raises(ToolError, match="one behind the other"):
        await run.errands.use(deep, "look", {})


# --- what only the flow's own has to promise


async def test_a_conversation_has_no_plan(flow: Run) -> None:
    with pytest.raises(ToolError, match="conversation"):
        await flow.outlining.outline(flow.call, ["Find a train"])
    with pytest.raises(ToolError, match="conversation"):
        await flow.splits.split(flow.call, ["Find a train"])


@pytest.fixture
def flow(run: Run) -> Run:
    if isinstance(run.errands, FakeErrands):
        pytest.skip("the fake has no rights to keep to")
    return run


async def test_what_needs_leave_cant_be_repeated_or_asks_is_refused_from_within_a_tool(flow: Run) -> None:
    assert await flow.errands.use(flow.call, "send", {"to": "eve"}) == "Looked."
    await flow.day.store.commit(Add(a_taint(await flow.day.task(1))))
    for tool, why in (("send", "leave"), ("burn", "repeated"), ("quiz", "question")):
        with pytest.raises(ToolError, match=why):
            await flow.errands.use(flow.call, tool, {"to": "eve"})


async def test_a_strangers_words_taint_the_task_before_they_are_read(flow: Run) -> None:
    assert await flow.errands.use(flow.call, "page", {"url": "https://page.example"}) == "Words"
    [taint] = await flow.day.store.taints(flow.call.task)
    assert (taint.source, taint.detail) == ("page", "https://page.example")


async def test_a_planned_task_is_as_tainted_as_the_one_that_planned_it(flow: Run) -> None:
    await flow.errands.plan(flow.call, "in 20m", "Before")
    await flow.errands.use(flow.call, "page", {})
    await flow.errands.plan(flow.call, "in 20m", "After")
    by_goal = {task.goal: await flow.day.store.taints(task.id) for task in await flow.tasks()}

    assert by_goal["Before"] == ()
    assert [taint.source for taint in by_goal["After"]] == ["task 1"]


async def test_plans_are_capped_for_each_person(flow: Run) -> None:
    for number in range(20):
        await flow.errands.plan(flow.call, "in 1h", f"Plan {number}")
    with pytest.raises(ToolError, match="20 tasks"):
        await flow.errands.plan(flow.call, "in 1h", "One more")
    with pytest.raises(ToolError, match="too soon"):
        await flow.errands.plan(flow.call, "in 5s", "At once")


async def test_nothing_is_done_for_a_task_that_isnt_the_calls_own(flow: Run) -> None:
    other = replace(flow.call, task=TaskId("tried"))
    for errand in (flow.errands.say(other, "Hi"), flow.errands.plan(other, "in 20m", "Hi")):
        with pytest.raises(ToolError, match="no task"):
            await errand
    with pytest.raises(ToolError, match="starting"):
        await FlowErrands().say(flow.call, "Hi")
