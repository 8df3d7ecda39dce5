"""The official Python client's chat completions, unchanged, against a served hub."""

import asyncio
import base64
import json
from hashlib import sha256

import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletionMessageParam

from hub.records import File, Text, file_of
from hub.testing import ScriptedLLM
from tests.openai.served import Gated, served

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_an_answer_comes_back_and_stands_on_the_board() -> None:
    async with served(ScriptedLLM("Paris it is.")) as hub, hub.client() as client:
        done = await client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": "Capital of France?"}]
        )
        assert done.choices[0].message.content == "Paris it is."
        assert done.choices[0].finish_reason == "stop"
        assert done.usage is not None
        assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0
        (task,) = await hub.tasks()
        assert (task.title, task.state) == ("Capital of France?", "completed")
        assert done.to_dict()["metadata"] == {"task": task.id}


async def test_a_stream_is_the_answer_piece_by_piece_with_its_usage_last() -> None:
    llm = Gated("It is in the north.")
    async with served(llm) as hub, hub.client() as client:
        stream = await client.chat.completions.create(
            model="default", messages=[ask("Where is it?")], stream=True, stream_options={"include_usage": True}
        )
        chunks = []
        async for chunk in stream:
            chunks.append(chunk)
            if not llm.gate.is_set():
                await client.models.list()
                llm.gate.set()
        assert chunks[0].choices[0].delta.role == "assistant"
        pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        assert "".join(filter(None, pieces)) == "It is in the north."
        assert len(list(filter(None, pieces))) > 1
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 5
        assert all(chunk.usage is None for chunk in chunks[:-1])
        assert len({chunk.id for chunk in chunks}) == 1


async def test_a_conversation_sent_whole_each_time_is_one_task_and_kept_once() -> None:
    llm = ScriptedLLM("Paris.", "Two million.", "The Seine.")
    async with served(llm) as hub, hub.client() as client:
        told: list[ChatCompletionMessageParam] = [{"role": "system", "content": "Be short. It is 10:15."}]
        for text in ("Capital of France?", "How many live there?", "Its river?"):
            told[0] = {"role": "system", "content": f"Be short. It is {len(told)} o'clock."}
            told.append(ask(text))
            done = await client.chat.completions.create(model="default", messages=told)
            told.append({"role": "assistant", "content": f" {done.choices[0].message.content}\n"})
        (task,) = await hub.tasks()
        assert [message.text for message in await hub.hub.store.messages_of_task(task.id, limit=50)] == [
            *("Capital of France?", "Paris.", "How many live there?", "Two million.", "Its river?", "The Seine."),
        ]
        assert llm.prompts[-1].count("Capital of France?") == 1
        assert "Be short. It is 5 o'clock." in llm.asked[-1].prompt[0].text
        assert llm.asked[-1].prompt[0].text.startswith("You are"), "the agent's own prompt stands first"


async def test_another_branch_of_a_conversation_is_another_task_with_what_was_said_before() -> None:
    llm = ScriptedLLM("Paris.", "Two million.", "The Seine.", "Red.")
    async with served(llm) as hub, hub.client() as client:
        before: list[ChatCompletionMessageParam] = [ask("Capital of France?"), answer("Paris.")]
        await client.chat.completions.create(model="default", messages=before[:1])
        await client.chat.completions.create(model="default", messages=[*before, ask("How many live there?")])
        await client.chat.completions.create(model="default", messages=[*before, ask("Its river?")])
        assert [task.title for task in await hub.tasks()] == ["Capital of France?", "Its river?"]
        assert "Capital of France?" in llm.prompts[-1]
        assert "million" not in llm.prompts[-1]
        # And one that another hub began.
        shots: list[ChatCompletionMessageParam] = [ask("grass"), answer("Green."), ask("fire")]
        await client.chat.completions.create(model="default", messages=shots)
        assert [said.text for said in llm.asked[-1].prompt[1:]] == ["grass", "Green.", "fire"]


async def test_the_same_opening_twice_is_two_conversations_that_are_told_apart() -> None:
    llm = ScriptedLLM(*["Hello!"] * 4)
    async with served(llm) as hub, hub.client() as client:
        for _ in range(2):
            await client.chat.completions.create(model="default", messages=[ask("Hi")])
        both = [
            client.chat.completions.create(model="default", messages=[ask("Hi"), answer("Hello!"), ask(text)])
            for text in ("One", "Two")
        ]
        await asyncio.gather(*both)
        tasks = await hub.tasks()
        assert len(tasks) == 2
        said = [{m.text for m in await hub.hub.store.messages_of_task(task.id, limit=9)} for task in tasks]
        assert said in (
            [{"Hi", "Hello!", "One"}, {"Hi", "Hello!", "Two"}],
            [{"Hi", "Hello!", "Two"}, {"Hi", "Hello!", "One"}],
        )


async def test_the_same_at_once_is_as_many_conversations_and_the_latest_are_known() -> None:
    async with served(ScriptedLLM(*["Hello!"] * 12, "Yes.", "Again.")) as hub, hub.client() as client:

        async def opened() -> object:
            return await client.chat.completions.create(model="default", messages=[ask("Hi")])

        await asyncio.gather(*[opened() for _ in range(12)])
        assert len(await hub.tasks()) == 12
        told = [ask("Hi"), answer("Hello!"), ask("Is it you?")]
        await client.chat.completions.create(model="default", messages=told)
        assert len(await hub.tasks()) == 12
        await client.chat.completions.create(model="default", messages=told, metadata={"task": "new"})
        assert len(await hub.tasks()) == 13, "unless a new one is asked for"


async def test_a_program_joins_a_task_by_its_number() -> None:
    llm = ScriptedLLM("Noted.", "Soon.")
    async with served(llm) as hub, hub.client() as client:
        await client.chat.completions.create(model="default", messages=[ask("Plan the party")])
        await client.chat.completions.create(
            model="default", messages=[ask("When is it?")], metadata={"task": "1", "mine": "yes"}
        )
        (task,) = await hub.tasks()
        assert task.number == 1
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="default", messages=[ask("?")], metadata={"task": "77"})
        assert refused.value.param == "metadata.task"


async def test_what_looks_like_a_command_is_meant_as_it_stands() -> None:
    async with served(ScriptedLLM("A folder.", "As you like.")) as hub, hub.client() as client:
        done = await client.chat.completions.create(model="default", messages=[ask("/etc is what?")])
        assert done.choices[0].message.content == "A folder."
        await client.chat.completions.create(model="default", messages=[ask("stop")])
        assert len(await hub.tasks()) == 2


async def test_an_answer_has_the_form_the_length_and_the_end_that_were_asked_for() -> None:
    llm = ScriptedLLM("one two three four", "one two END three", fills=[{"city": "Paris"}, {"any": 1}])
    async with served(llm) as hub, hub.client() as client:
        schema: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        done = await client.chat.completions.create(
            model="default",
            messages=[ask("Capital of France?")],
            response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}},
        )
        assert json.loads(done.choices[0].message.content or "") == {"city": "Paris"}
        assert llm.asked[-1].schema == schema
        done = await client.chat.completions.create(
            model="default", messages=[ask("JSON")], response_format={"type": "json_object"}
        )
        assert json.loads(done.choices[0].message.content or "") == {"any": 1}
        done = await client.chat.completions.create(model="default", messages=[ask("Count")], max_completion_tokens=2)
        assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("one two", "length")
        done = await client.chat.completions.create(model="default", messages=[ask("Count on")], stop=["END"])
        assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("one two", "stop")


async def test_the_parsed_form_of_their_client_works() -> None:
    class City(pydantic.BaseModel):
        name: str

    async with served(ScriptedLLM(fills=[{"name": "Paris"}])) as hub, hub.client() as client:
        done = await client.chat.completions.parse(
            model="default", messages=[ask("Capital of France?")], response_format=City
        )
        assert done.choices[0].message.parsed == City(name="Paris")


async def test_a_picture_comes_along_as_data_and_never_as_an_address() -> None:
    async with served(ScriptedLLM("A dot.")) as hub, hub.client() as client:
        picture = f"data:image/png;base64,{base64.b64encode(DOT).decode()}"
        await client.chat.completions.create(model="default", messages=[look(picture)])
        said = (await hub.said())[0]
        assert [type(part) for part in said.parts] == [Text, File] or [type(p) for p in said.parts] == [File, Text]
        assert file_of(said, sha256(DOT).hexdigest()) is not None
        for bad in ("http://192.0.2.1/dot.png", "data:image/png;base64,%%%", "data:text/html;base64,aGk="):
            with pytest.raises(openai.BadRequestError) as refused:
                await client.chat.completions.create(model="default", messages=[look(bad)])
            assert refused.value.param == "messages[0].content[1].image_url.url"


def look(url: str) -> ChatCompletionMessageParam:
    return {
        "role": "user",
        "content": [{"type": "text", "text": "What's this?"}, {"type": "image_url", "image_url": {"url": url}}],
    }


def ask(text: str) -> ChatCompletionMessageParam:
    return {"role": "user", "content": text}


def answer(text: str) -> ChatCompletionMessageParam:
    return {"role": "assistant", "content": text}
