"""While a task works its person can steer it: what's said joins at the turn's next step, commands answer at once."""

import asyncio
from typing import Any

from hub.manifests import Agent
from hub.ports import ToolCall
from hub.records import HOME, OWNER, Task
from hub.testing import FakeTool, ScriptedLLM
from tests.stories.day import CHAT, Day, until

AGENT = Agent(name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=("look",))
YES = (0.9, 0.05, 0.05)


class Slow(FakeTool):
    """A tool whose first call goes on until the test lets it end."""

    def __init__(self) -> None:
        super().__init__("look", result="Flights at 9 and at 12.")
        self.go = asyncio.Event()

    async def call(self, call: ToolCall) -> str:
        self.calls.append(call)
        await self.go.wait()
        return "Found some."


async def begun(day: Day, look: Slow, text: str = "Find flights to Vienna") -> Task:
    """Have a task at work, in the middle of its first call."""
    task, _ = await day.hub.tasks.assign(tenant=HOME, person=OWNER, address=CHAT, text=text, external_id="a")
    await until(lambda: bool(look.calls), "no tool was called")
    return task


def llm(*answers: str, **more: Any) -> ScriptedLLM:
    return ScriptedLLM(*answers, decisions=more.pop("decisions"), fills=[{}] * 4)


async def test_what_is_said_in_the_middle_of_a_turn_joins_it_at_the_next_step() -> None:
    look, script = Slow(), llm("Flights and trains.", decisions=["look", "look", YES])
    async with Day(script, tools=[look], agents={"default": AGENT}) as day:
        task = await begun(day, look)
        said = await day.sends("Also look at trains", wish=task.id)
        await until_routed(day, said.id)
        look.go.set()
        await day.quiet()

        assert len(await day.store.turns(task.id, limit=9)) == 1
        assert len(look.calls) == 2, "the same tool may be called for what was added"
        chosen = [asked.text for asked in script.asked if asked.method == "decide" and "look" in asked.options]
        assert "trains" not in chosen[0]
        assert "Also look at trains" in chosen[1], "between two tool calls"
        last = script.prompts[0].split("Find flights to Vienna")[-1]
        assert "Also look at trains" in last, "it's the person's latest wish"
        assert await day.replies(said) == ["Flights and trains."]


async def test_what_is_said_during_the_last_call_joins_before_the_answer() -> None:
    look, script = Slow(), llm("By train it is.", decisions=["look", "none", YES])
    async with Day(script, tools=[look], agents={"default": AGENT}) as day:
        task = await begun(day, look)
        said = await day.sends("Rather by train", wish=task.id)
        await until_routed(day, said.id)
        look.go.set()
        await day.quiet()

        assert "Rather by train" in script.prompts[0]
        assert await day.replies(said) == ["By train it is."]
        assert (await day.task(1)).used.turns == 1


async def test_commands_answer_at_once_while_a_tool_is_at_work() -> None:
    look, script = Slow(), llm(decisions=["look"])
    async with Day(script, tools=[look], agents={"default": AGENT}) as day:
        await begun(day, look)
        for command, says in (("/status", "Model"), ("/task 1", "Find flights"), ("/tasks", "working")):
            asked = await day.sends(command)
            await until_replied(day, asked.id)
            assert says in (await day.replies(asked))[0]
        stop = await day.sends("/stop 1")
        await until_replied(day, stop.id)
        assert (await day.task(1)).state == "input-required"
        assert not look.go.is_set(), "the call never ended by itself"


async def until_routed(day: Day, id: Any) -> None:
    await _until_state(day, id, lambda message: message.task is not None)


async def until_replied(day: Day, id: Any) -> None:
    await _until_state(day, id, lambda message: message.state == "answered")


async def _until_state(day: Day, id: Any, true: Any) -> None:
    for _ in range(3_000):
        found = await day.store.message(id)
        if found is not None and true(found):
            return
        await asyncio.sleep(0)
    raise AssertionError("it didn't come to that")
