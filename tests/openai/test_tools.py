"""A program's own tools: offered to the agent, called by the program, and gone on with; nothing twice."""

import json

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from hub.records import TaskId
from hub.testing import ScriptedLLM
from tests.openai.served import Served, served
from tests.openai.test_chat import ask

WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
MAIL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": "Sends a mail.",
        "parameters": {"type": "object", "properties": {}},
    },
}


def picking(*letters: str) -> ScriptedLLM:
    """An LLM that picks these tools in turn, by their letters, and knows the city."""
    return ScriptedLLM("It is 20 degrees.", "Sent.", "Later.", decisions=letters, fills=[{"city": "Paris"}] * 3)


async def test_a_call_ends_the_turn_and_its_result_goes_on_with_it() -> None:
    llm = picking("A", "B")
    async with served(llm) as hub, hub.client() as client:
        told: list[ChatCompletionMessageParam] = [ask("How warm is it in the French capital?")]
        done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])
        choice = done.choices[0]
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
        assert choice.message.tool_calls
        call = choice.message.tool_calls[0]
        assert call.type == "function"
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == {"city": "Paris"}
        (task,) = await hub.tasks()
        assert task.state == "input-required"

        told += [choice.message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": "20 degrees"}]  # type: ignore[list-item]
        done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])
        assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("It is 20 degrees.", "stop")
        (task,) = await hub.tasks()
        assert task.state == "completed"
        prompt = llm.prompts[-1]
        assert "How warm is it in the French capital?" in prompt
        assert prompt.count("20 degrees") == 1, "told once, as what the tool found"
        assert [taint.source for taint in await hub.hub.store.taints(task.id)] == ["client:get_weather"]

        told += [{"role": "assistant", "content": done.choices[0].message.content}, ask("Thanks")]
        await client.chat.completions.create(model="default", messages=told)
        assert len(await hub.tasks()) == 1, "and so the conversation goes on"


async def test_one_tool_after_another() -> None:
    async with served(picking("A", "A", "B")) as hub, hub.client() as client:
        told: list[ChatCompletionMessageParam] = [ask("Mail me how warm it is in the French capital")]
        for name in ("get_weather", "send_mail"):
            done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER, MAIL])
            message = done.choices[0].message
            assert message.tool_calls
            call = message.tool_calls[0]
            assert call.type == "function"
            assert call.function.name == name
            told += [message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": f"{name} did it"}]  # type: ignore[list-item]
        done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER, MAIL])
        assert done.choices[0].message.content == "It is 20 degrees."
        assert len(await hub.tasks()) == 1


async def test_the_same_result_twice_is_taken_once() -> None:
    llm = picking("A", "B")
    async with served(llm) as hub, hub.client() as client:
        told = await called(client)
        both = [await client.chat.completions.create(model="default", messages=told, tools=[WEATHER]) for _ in "ab"]
        assert both[0].id == both[1].id
        assert both[0].choices[0].message.content == both[1].choices[0].message.content == "It is 20 degrees."
        assert len(await turns(hub)) == 2


async def test_a_call_that_nobody_asked_for_is_refused() -> None:
    async with served(picking("A", "B")) as hub, hub.client() as client:
        told = await called(client)
        told[-1] = {"role": "tool", "tool_call_id": "call_nobody", "content": "x"}
        with pytest.raises(openai.BadRequestError, match="call_nobody"):
            await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])
        assert len(await turns(hub)) == 1


async def test_whoever_says_something_else_instead_is_answered_and_the_call_is_void() -> None:
    llm = picking("A", "B")
    async with served(llm) as hub, hub.client() as client:
        told = await called(client)
        (task,) = await hub.tasks()
        done = await client.chat.completions.create(
            model="default", messages=[ask("Never mind, be kind")], metadata={"task": task.id}
        )
        assert done.choices[0].finish_reason == "stop"
        with pytest.raises(openai.BadRequestError, match="isn't waited for"):
            await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])


async def test_a_tool_may_be_forced_and_forbidden() -> None:
    llm = ScriptedLLM("Fine.", decisions=(), fills=[{"city": "Paris"}] * 3)
    async with served(llm) as hub, hub.client() as client:
        tools = [MAIL, WEATHER]
        done = await client.chat.completions.create(
            model="default",
            messages=[ask("Hello there")],
            tools=tools,
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
        )
        assert done.choices[0].message.tool_calls
        assert done.choices[0].message.tool_calls[0].function.name == "get_weather"  # type: ignore[union-attr]
        done = await client.chat.completions.create(
            model="default", messages=[ask("Hello there")], tools=tools, tool_choice="required"
        )
        assert done.choices[0].finish_reason == "tool_calls"
        done = await client.chat.completions.create(
            model="default", messages=[ask("Hello there")], tools=tools, tool_choice="none"
        )
        assert done.choices[0].message.content == "Fine."


async def test_a_stream_tells_of_a_call_too() -> None:
    async with served(picking("A", "B")) as hub, hub.client() as client:
        async with client.chat.completions.stream(
            model="default", messages=[ask("How warm is it in the French capital?")], tools=[WEATHER]
        ) as stream:
            done = await stream.get_final_completion()
        assert done.choices[0].finish_reason == "tool_calls"
        assert done.choices[0].message.tool_calls
        assert json.loads(done.choices[0].message.tool_calls[0].function.arguments) == {"city": "Paris"}


async def called(client: openai.AsyncOpenAI) -> list[ChatCompletionMessageParam]:
    """Have a call asked for, and return the conversation with its result."""
    told: list[ChatCompletionMessageParam] = [ask("How warm is it in the French capital?")]
    done = await client.chat.completions.create(model="default", messages=told, tools=[WEATHER])
    message = done.choices[0].message
    assert message.tool_calls
    result: ChatCompletionMessageParam = {
        "role": "tool",
        "tool_call_id": message.tool_calls[0].id,
        "content": "20 degrees",
    }
    return [*told, message.to_dict(), result]  # type: ignore[list-item]


async def turns(hub: Served) -> list[TaskId]:
    """Return the task of each turn taken."""
    return [turn.task for task in await hub.tasks() for turn in await hub.hub.store.turns(task.id)]
