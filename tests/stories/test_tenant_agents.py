"""A tenant's people have its agents and no others, wherever an agent is chosen."""

import pytest
from msgspec.structs import replace

from hub.errors import BadRequest
from hub.flow.tenants import Wish
from hub.manifests import Agent
from hub.ports import Save
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from tests.stories.day import CHAT, Day
from tests.stories.test_quotas import BEA, BEAS, a_store, says

DEFAULT = Agent(name="default", version="1.0.0", description="Helps.", prompt="You help.", tools=())
SUPPORT = replace(DEFAULT, name="support", description="Supports.", prompt="You support.")
CODER = replace(DEFAULT, name="coder", description="Codes.", prompt="You code.", agents=("default", "support"))
AGENTS = {agent.name: agent for agent in (DEFAULT, SUPPORT, CODER)}


async def walled(*names: str) -> MemoryStore:
    store = await a_store()
    tenant = await store.tenant(BEAS)
    assert tenant
    await store.commit(Save(replace(tenant, agents=names)))
    return store


async def founded_by(day: Day) -> str:
    return (await day.store.tasks(BEAS))[0].agent


async def test_who_may_not_have_the_hubs_default_gets_the_first_of_theirs() -> None:
    async with Day(ScriptedLLM("Hi", "Hi"), store=await walled("support"), agents=AGENTS) as day:
        await says(day, "Hello")
        assert await founded_by(day) == "support"
        assert "You support." in day.llm.prompts[0]
        await day.says("Hello from home")
        assert "You help." in day.llm.prompts[1]


async def test_an_agent_beyond_the_wall_is_not_listed_nor_chosen_nor_had_by_name() -> None:
    async with Day(ScriptedLLM("Hi"), store=await walled("support", "coder"), agents=AGENTS) as day:
        listed = await day.replies(await says(day, "/agent"))
        refused = await day.replies(await says(day, "/agent default"))
        taken = await day.replies(await says(day, "/agent coder"))
        await says(day, "Hello", agent="default")

        assert [line.split("`")[1] for line in listed[0].splitlines()] == ["coder", "support"]
        assert refused == ["agent: there's no agent 'default'; there are: coder, support"]
        assert taken == ["`coder` takes your new tasks from now on."]
        assert await founded_by(day) == "support"
        with pytest.raises(BadRequest, match="no agent 'default'"):
            await day.hub.tasks.assign(
                tenant=BEAS, person=BEA, address=CHAT, text="Do", external_id="1", agent="default"
            )


async def test_a_choice_and_a_task_from_before_the_wall_are_bound_by_it_too() -> None:
    store = await walled()
    async with Day(ScriptedLLM(*["Hi"] * 4), store=store, agents=AGENTS) as day:
        await says(day, "/agent coder")
        await says(day, "Hello")
        [task] = await store.tasks(BEAS)
        assert task.agent == "coder"
        tenant = await store.tenant(BEAS)
        assert tenant
        await day.hub.business.tenants.change(BEAS, Wish(agents=["support"]))
        await says(day, "Go on", wish=task.id)
        await says(day, "Another")

        assert [prompt.count("You support.") for prompt in day.llm.prompts] == [0, 1, 1]


async def test_where_none_of_a_tenants_agents_is_there_it_is_told_and_nobody_stands_in() -> None:
    async with Day(ScriptedLLM(), store=await walled("gone"), agents=AGENTS) as day:
        message = await says(day, "Hello")

        assert "none of the agents that your tenant may have" in (await day.replies(message))[0]
        assert day.llm.prompts == []
