"""A task goes on with the version of a plugin that it began with, and hears of it when that's removed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.manifests import Agent
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.records import HOME, OWNER
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, ScriptedLLM
from tests.stories.day import CHAT, Day
from tests.unit.packages.zipping import a_plugin, an_agent

CALLER = Agent(name="default", version="1.0.0", description="-", prompt="Use echo.", tools=("echo",))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def installer(store: MemoryStore, tmp_path: Path) -> AsyncIterator[Installer]:
    scripts = Scripts()
    kinds: list[Kind] = [Plugins(scripts, MemoryDocuments()), Agents()]
    opened = Installer(store, tmp_path / "packages", kinds, FakeClock(), tools=[], agents=["default"])
    yield opened
    await opened.close()
    await scripts.close()


def a_day(llm: ScriptedLLM, store: MemoryStore, installer: Installer) -> Day:
    return Day(llm, agents={"default": CALLER}, installer=installer, store=store)


async def test_a_task_keeps_its_version_and_a_new_task_gets_the_new_one(
    store: MemoryStore, installer: Installer
) -> None:
    llm = ScriptedLLM("One.", "Again.", "Anew.", decisions=lambda _, options: options[0], fills=lambda *_: {})
    async with a_day(llm, store, installer) as day:
        await installer.open()
        await installer.install(a_plugin(), [], "one")
        first = await day.says("Ask echo, please.")
        assert "echo 1.0.0" in llm.prompts[-1]
        await installer.install(a_plugin(version="2.0.0"), [], "two")
        await installer.install(a_plugin(version="3.0.0"), [], "three")

        again = await day.says("Ask echo once more.", wish=first.task)
        assert again.task == first.task
        assert "echo 1.0.0" in llm.prompts[-1]
        assert "echo 3.0.0" not in llm.prompts[-1]

        anew = await day.says("Ask echo in another matter.", wish="new")
        assert anew.task != first.task
        assert "echo 3.0.0" in llm.prompts[-1]


async def test_a_task_hears_once_that_what_it_used_was_removed(store: MemoryStore, installer: Installer) -> None:
    llm = ScriptedLLM("One.", "Sorry.", "Well.", decisions=lambda _, options: options[0], fills=lambda *_: {})
    async with a_day(llm, store, installer) as day:
        await installer.open()
        await installer.install(a_plugin(), [], "one")
        first = await day.says("Ask echo, please.")
        await installer.remove("echo")

        await day.says("Ask echo once more.", wish=first.task)
        assert "The package echo was removed or disabled, and its tools with it." in llm.prompts[-1]
        await day.says("And now?", wish=first.task)
        assert "was removed or disabled" not in llm.prompts[-1]


async def test_a_task_keeps_its_agent_as_it_was(store: MemoryStore, installer: Installer) -> None:
    llm = ScriptedLLM("One.", "Again.", decisions=lambda _, options: options[0], fills=lambda *_: {})
    async with a_day(llm, store, installer) as day:
        await installer.open()
        await installer.install(an_agent(), [], "one")
        task, _ = await day.hub.tasks.assign(
            tenant=HOME,
            person=OWNER,
            address=CHAT,
            text="Cook.",
            agent="cook",
            external_id="x",
            limits=None,
            due_at=None,
            schedule=None,
        )
        await day.quiet()
        (pin,) = await store.pins(task.id)
        assert (pin.package, pin.version) == ("cook", "1.0.0")
        await installer.install(an_agent(version="2.0.0"), [], "two")
        agent = await installer.editions.agent("cook", [pin])
        assert agent
        assert agent.version == "1.0.0"
