"""Behind another tenant's wall, and beside another person, there's nothing: not a task, a call, a response, a name."""

import asyncio
from typing import Any

import openai
import pytest

from hub.records import Quotas
from hub.testing import Hang, ScriptedLLM
from tests.openai.served import served
from tests.openai.test_chat import answer, ask
from tests.openai.test_tools import WEATHER, called, picking


async def test_another_tenant_can_neither_name_nor_join_anything() -> None:
    llm = picking("A", "B", "B", "B")
    async with served(llm) as hub, hub.client() as ours:
        _, _, secret = await hub.hub.business.tenants.create("Others", Quotas())
        told = await called(ours)
        kept = await ours.responses.create(model="default", input="Hello there", background=True)
        async with hub.client(secret) as theirs:
            bad: dict[str, dict[str, Any]] = {
                "metadata.task": {"metadata": {"task": (await hub.tasks())[0].id}},
                "messages": {"messages": told, "tools": [WEATHER]},
            }
            for text, fields in bad.items():
                given: dict[str, Any] = {"model": "default", "messages": [ask("Hi")]} | fields
                with pytest.raises(openai.BadRequestError) as refused:
                    await theirs.chat.completions.create(**given)
                assert refused.value.param == text
            with pytest.raises(openai.BadRequestError):
                await theirs.responses.create(model="default", input="Hi", previous_response_id=kept.id)
            for read in (theirs.responses.retrieve, theirs.responses.cancel, theirs.responses.input_items.list):
                with pytest.raises(openai.NotFoundError):
                    await read(kept.id)


async def test_the_same_conversation_of_two_people_is_two_tasks() -> None:
    async with served(ScriptedLLM("Paris.", "Two million.")) as hub:
        bea = await hub.person("bea", "customer-7")
        async with hub.client() as client:
            await client.chat.completions.create(model="default", messages=[ask("Capital of France?")])
            told = [ask("Capital of France?"), answer("Paris."), ask("How many live there?")]
            await client.chat.completions.create(model="default", messages=told, user="customer-7")
            assert [task.title for task in await hub.tasks()] == ["Capital of France?"]
            assert [task.title for task in await hub.tasks(bea.id)] == ["How many live there?"]


async def test_a_question_of_the_agent_is_the_answer_and_the_next_message_answers_it() -> None:
    async with served(ScriptedLLM("For how many?", "A table for two.")) as hub, hub.client() as client:
        asked = await client.chat.completions.create(model="default", messages=[ask("Book a table")])
        assert asked.choices[0].message.content == "For how many?"
        (task,) = await hub.tasks()
        assert task.state == "input-required"
        told = [ask("Book a table"), answer("For how many?"), ask("Two")]
        done = await client.chat.completions.create(model="default", messages=told)
        assert done.choices[0].message.content == "A table for two."
        (task,) = await hub.tasks()
        assert task.state == "completed"


async def test_one_that_is_stopped_on_the_board_ends_with_what_stands_of_it() -> None:
    async with served(ScriptedLLM(Hang("Once upon a time "))) as hub, hub.client() as client:
        waiting = asyncio.ensure_future(
            client.chat.completions.create(model="default", messages=[ask("Tell me a story")])
        )
        while not hub.hub.turns.running:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        (task,) = await hub.tasks()
        await hub.hub.tasks.stop(task)
        done = await waiting
        assert done.choices[0].message.content == "Once upon a time"
