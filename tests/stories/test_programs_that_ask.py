"""A plugin's program that asks its person something, over a restart of the hub."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.manifests import Agent
from hub.packages.scripts import Scripts
from hub.ports import Tool
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from tests.stories.day import Day
from tests.unit.packages.outfit import a_program, supplies, tool_of

AGENT = Agent(name="default", version="1.0.0", description="-", prompt="Help.", tools=("probe",))
PROGRAM = 'kind = await ask("Which tea would you like?")\nreturn f"A cup of {kind}, coming up"'


@pytest.fixture
async def scripts() -> AsyncIterator[Scripts]:
    made = Scripts()
    yield made
    await made.close()


def the_tool(folder: Path, scripts: Scripts) -> Tool:
    return tool_of(a_program(folder, 'messages = ["ask:task"]', PROGRAM, "once"), scripts, supplies())


async def test_a_question_waits_for_its_answer_over_a_restart(tmp_path: Path, scripts: Scripts) -> None:
    store = MemoryStore()
    llm = ScriptedLLM(decisions=["probe"], fills=[{}])
    async with Day(llm, store=store, agents={"default": AGENT}, tools=[the_tool(tmp_path, scripts)]) as day:
        asked = await day.says("probe it: make me some tea")

        assert any("Which tea would you like?" in reply for reply in await day.replies(asked))

    # Another process: nothing of the program is left but what the store has.
    await scripts.close()
    llm = ScriptedLLM("Your tea is on its way.")
    async with Day(llm, store=store, agents={"default": AGENT}, tools=[the_tool(tmp_path, scripts)]) as day:
        answered = await day.says("Earl Grey")

        assert "Your tea is on its way." in (await day.replies(answered))[0]
    assert "A cup of Earl Grey, coming up" in llm.prompts[0]
