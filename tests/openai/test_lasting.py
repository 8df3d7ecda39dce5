"""On a disk, through a restart: conversations, calls and retries are where they were."""

from pathlib import Path

from openai.types.chat import ChatCompletionMessageParam

from hub.store.sql import SqlStore
from hub.testing import ScriptedLLM
from tests.openai.served import served
from tests.openai.test_chat import answer, ask
from tests.openai.test_tools import WEATHER, called, picking


async def test_a_conversation_and_a_call_go_on_after_a_restart(tmp_path: Path) -> None:
    async with (
        served(picking("A"), store=SqlStore.in_folder(tmp_path)) as hub,
        hub.client() as client,
    ):
        told = await called(client)
    async with served(picking("B"), store=SqlStore.in_folder(tmp_path)) as hub, hub.client() as client:
        done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])
        assert done.choices[0].message.content == "It is 20 degrees."
        told.append(answer("It is 20 degrees."))
    async with (
        served(ScriptedLLM("You're welcome."), store=SqlStore.in_folder(tmp_path)) as hub,
        hub.client() as client,
    ):
        await client.chat.completions.create(model="default", messages=[*told, ask("Thanks")])
        assert len(await hub.tasks()) == 1


async def test_the_places_for_conversations_that_are_alike_are_few_and_given_anew(tmp_path: Path) -> None:
    llm = ScriptedLLM(*["Hello!"] * 10, "Yes.")
    async with served(llm, store=SqlStore.in_folder(tmp_path)) as hub, hub.client() as client:
        opening: list[ChatCompletionMessageParam] = [ask("Hi")]
        for _ in range(10):
            last = await client.chat.completions.create(model="default", messages=opening)
        told = [*opening, answer("Hello!"), ask("Is it you?")]
        more = await client.chat.completions.create(model="default", messages=told)
        assert more.to_dict()["metadata"] == last.to_dict()["metadata"], "the latest one is gone on with"
