"""A home with cats: days on one store with an agent that splits tasks."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hub.flow.errands import FlowErrands
from hub.manifests import Agent
from hub.ports import Said
from hub.records import HOME, OWNER, Task
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, ForeignTool, ScriptedLLM
from hub.tools.splitting import Split
from tests.stories.day import CHAT, Day

GOAL = "Say something nice about each of my cats, Tom and Ada, as subtasks"
PARTS = ["Praise the cat Tom", "Praise the cat Ada"]
YES = (0.9, 0.05, 0.05)
AGENT = Agent(name="default", version="1.0.0", description="Helps.", prompt="You help.", tools=("split", "page"))


def decides(prompt: Sequence[Said], options: Sequence[str]) -> str | Sequence[float]:
    """Split what speaks of subtasks; all that's said is good."""
    if "none" not in options:
        return YES
    return "split" if "split" in options and "subtasks" in prompt[-1].text else "none"


def says(prompt: Sequence[Said]) -> str:
    text = text_of(prompt)
    if "What became of the subtasks" in text:
        return "Both are praised." if "at work" not in text else "I'll tell you when they're praised."
    return f"{'Tom purrs' if 'Praise the cat Tom' in text else 'Ada leaps'} like no other cat."


def split_into(*goals: str) -> Any:
    return lambda _, schema: {"goals": list(goals)}


class Home:
    """Days on one store, one after another."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.store, self.clock = MemoryStore(), FakeClock()

    async def day(self, llm: ScriptedLLM, **more: Any) -> Day:
        errands = FlowErrands()
        agents: Mapping[str, Agent] = more.pop("agents", {"default": AGENT})
        tools = (Split(errands), ForeignTool("page", result="Cats are nice."))
        day = Day(llm, store=self.store, clock=self.clock, errands=errands, agents=agents, tools=tools, **more)
        return await self._stack.enter_async_context(day)


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    async with AsyncExitStack() as stack:
        yield Home(stack)


async def assign(day: Day, text: str = GOAL, **wishes: Any) -> Task:
    task, _ = await day.hub.tasks.assign(
        tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=f"api:{text}", **wishes
    )
    await day.quiet()
    return await day.task(task.number)


async def later(day: Day, seconds: float = 700) -> None:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()


async def children(day: Day, number: int = 1) -> tuple[Task, ...]:
    return await day.store.split_off((await day.task(number)).id)


async def said_to(day: Day) -> list[str]:
    """Return what the hub said in the chat, in order."""
    found = await day.store.messages_of_chat(HOME, CHAT, limit=100)
    return [message.text for message in found if message.role != "user"]


def text_of(prompt: Sequence[Said]) -> str:
    return "\n".join(said.text for said in prompt)


def asks_once(prompt: Sequence[Said]) -> str:
    text = text_of(prompt)
    if "Praise the cat Ada" in text and "became" not in text and "black one" not in text:
        return "Which Ada do you mean?"
    return says(prompt)
