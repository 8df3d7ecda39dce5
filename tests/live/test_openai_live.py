"""OpenAI's own client talks with the small model through a hub, as anybody's program would."""

import asyncio
import json

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from hub.llm.llamacpp import LlamaCpp
from tests.openai.served import served
from tests.openai.test_chat import ask
from tests.openai.test_tools import WEATHER


async def test_a_conversation_a_stream_a_form_and_a_tool(model: LlamaCpp) -> None:
    async with served(model) as hub, hub.client(timeout=300) as client:
        told: list[ChatCompletionMessageParam] = [ask("What is the capital of France? Answer in one word.")]
        done = await client.chat.completions.create(model="default", messages=told, max_completion_tokens=24)
        first = done.choices[0].message.content
        assert first
        assert "Paris" in first
        assert done.usage is not None
        assert done.usage.prompt_tokens > 20
        told += [{"role": "assistant", "content": first}, ask("Say it in German, please.")]
        stream = await client.chat.completions.create(
            model="default", messages=told, stream=True, max_completion_tokens=24
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert len(list(filter(None, pieces))) > 1
        assert len(await hub.tasks()) == 1

        schema: dict[str, object] = {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        }
        done = await client.chat.completions.create(
            model="default",
            messages=[ask("Ann is 31 years old. Who is it, and how old?")],
            response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
        )
        found = json.loads(done.choices[0].message.content or "")
        assert found.keys() == {"name", "age"}

        done = await client.chat.completions.create(
            model="default",
            messages=[ask("How warm is it in Lisbon?")],
            tools=[WEATHER],
        )
        assert done.choices[0].message.tool_calls
        call = done.choices[0].message.tool_calls[0]
        assert call.type == "function"
        assert "city" in json.loads(call.function.arguments)
        told = [ask("How warm is it in Lisbon?"), done.choices[0].message.to_dict()]  # type: ignore[list-item]
        told.append({"role": "tool", "tool_call_id": call.id, "content": "It is 23 degrees in Lisbon."})
        done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])
        assert "23" in (done.choices[0].message.content or "")

        with pytest.raises(openai.NotFoundError, match="no model of this hub gives vectors"):
            await client.embeddings.create(model="default", input="a cat")


async def test_who_hangs_up_on_a_small_model_gets_the_answer_later(model: LlamaCpp) -> None:
    async with served(model) as hub, hub.client(timeout=300) as client:
        stream = await client.chat.completions.create(
            model="default", messages=[ask("Tell me of the sea.")], stream=True, max_completion_tokens=40
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        await stream.close()
        async with asyncio.timeout(120):
            while (await hub.said())[0].state != "answered":
                await asyncio.sleep(0.1)
        assert len((await hub.said())[-1].text) > 10
