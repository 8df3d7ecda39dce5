"""A hundred installed packages: what needs none of them costs what it cost without, and no turn is overrun."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.flow.offering import cost
from hub.loading import SHIPPED_AGENTS
from hub.manifests import Agent, load_agents
from hub.packages.installer import Installed, Installer
from hub.packages.skills import Skills
from hub.ports import Tool
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, ScriptedLLM
from tests.stories.day import Day
from tests.unit.packages.zipping import zipped

MANY = 100
TALK = ("hello", "Who wrote Hamlet?", "Thanks, that helped. What should I cook for dinner?")
SUBJECTS = ("invoices", "letters", "spreadsheets", "presentations", "contracts", "recipes", "maps", "calendars")


def a_skill(number: int) -> bytes:
    subject = SUBJECTS[number % len(SUBJECTS)]
    about = f"Creates and checks {subject} in format {number}. Use it when somebody sends {subject} to be mended."
    return zipped({"SKILL.md": f"---\nname: {subject}-{number}\ndescription: {about}\n---\n{'Do it. ' * 500}"})


@pytest.fixture
async def packaged(tmp_path: Path) -> AsyncIterator[tuple[Tool, ...]]:
    found: list[Installed] = []
    installer = Installer(MemoryStore(), tmp_path, [Skills()], FakeClock(), tools=[], agents=[])
    installer.watch(found.append)
    await installer.open()
    for number in range(MANY):
        await installer.install(a_skill(number), (), "upload")
    yield found[-1].tools
    await installer.close()


def everything() -> dict[str, Agent]:
    """Return the shipped agents, the default one with the use of all packages."""
    agents = load_agents([SHIPPED_AGENTS])
    default = agents["default"]
    return {**agents, "default": replace(default, tools=tuple(dict.fromkeys((*default.tools, "*"))))}


async def prompts_of(*tools: Tool) -> list[str]:
    """Return every word that was sent to an LLM for some talk, with these tools installed."""
    llm = ScriptedLLM(*("Yes." for _ in TALK))
    async with Day(llm, agents=everything()) as day:
        day.hub.toolbox.equip(tools)
        for text in TALK:
            await day.says(text)
    return [asked.text for asked in llm.asked]


async def test_talk_costs_to_the_byte_what_it_costs_without_packages(packaged: tuple[Tool, ...]) -> None:
    assert len(packaged) == MANY

    assert await prompts_of(*packaged) == await prompts_of()


async def test_a_message_that_needs_one_is_offered_few(packaged: tuple[Tool, ...]) -> None:
    async with Day(ScriptedLLM(), agents=everything()) as day:
        day.hub.toolbox.equip(packaged)

        offered = day.hub.toolbox.offered(everything()["default"], "Please check these invoices and mend them")

    assert 1 <= len(offered) <= 6
    assert all("invoices" in tool.name for tool in offered)
    assert sum(map(cost, offered)) <= day.hub.config.limits.tool_tokens
