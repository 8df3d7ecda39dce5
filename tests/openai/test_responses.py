"""The official Python client's responses, unchanged, against a served hub."""

import asyncio
import json
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import FunctionToolParam, ResponseInputParam

from hub.errors import LLMTimeout
from hub.testing import Hang, ScriptedLLM
from tests.openai.served import Gated, served

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


async def test_a_response_is_kept_and_can_be_read_again() -> None:
    llm = ScriptedLLM("Paris it is.")
    async with served(llm) as hub, hub.client() as client:
        made = await client.responses.create(
            model="default", input="Capital of France?", instructions="Be kind.", metadata={"mine": "yes"}
        )
        assert (made.status, made.output_text) == ("completed", "Paris it is.")
        assert made.usage is not None
        assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 0
        (task,) = await hub.tasks()
        assert made.metadata == {"mine": "yes", "task": task.id}
        assert "Be kind." in llm.asked[-1].prompt[0].text
        assert await client.responses.retrieve(made.id) == made
        items = [item.to_dict() async for item in client.responses.input_items.list(made.id)]
        assert [item["content"] for item in items] == [[{"type": "input_text", "text": "Capital of France?"}]]
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve("resp_nobody")


async def test_the_next_one_names_the_one_before_and_joins_its_task() -> None:
    llm = ScriptedLLM("Paris.", "Two million.")
    async with served(llm) as hub, hub.client() as client:
        first = await client.responses.create(model="default", input="Capital of France?")
        second = await client.responses.create(
            model="default", input="How many live there?", previous_response_id=first.id
        )
        assert (second.output_text, second.previous_response_id) == ("Two million.", first.id)
        assert "Capital of France?" in llm.prompts[-1]
        assert len(await hub.tasks()) == 1
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model="default", input="?", previous_response_id="resp_nobody")
        assert refused.value.param == "previous_response_id"


async def test_a_conversation_sent_whole_goes_on_in_its_task_too() -> None:
    async with served(ScriptedLLM("Paris.", "Two million.")) as hub, hub.client() as client:
        told: ResponseInputParam = [{"role": "user", "content": "Capital of France?"}]
        first = await client.responses.create(model="default", input=told)
        told += [item.to_dict() for item in first.output]  # type: ignore[misc]
        told.append({"role": "user", "content": [{"type": "input_text", "text": "How many live there?"}]})
        await client.responses.create(model="default", input=told)
        assert len(await hub.tasks()) == 1


async def test_a_stream_has_the_events_of_theirs_in_order() -> None:
    llm = Gated("It is in the north.")
    async with served(llm) as hub, hub.client() as client:
        events = []
        async with client.responses.stream(model="default", input="Where is it?") as stream:
            async for event in stream:
                events.append(event)
                if event.type == "response.in_progress":
                    await client.models.list()
                    llm.gate.set()
            done = await stream.get_final_response()
        assert done.output_text == "It is in the north."
        kinds = [event.type for event in events]
        assert list(dict.fromkeys(kinds)) == [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        assert kinds.count("response.output_text.delta") > 1
        assert [event.sequence_number for event in events] == list(range(len(events)))
        again = await client.responses.retrieve(done.id, stream=True)
        assert [event.type async for event in again][-1] == "response.completed"


async def test_a_call_of_the_programs_own_tool_is_gone_on_with() -> None:
    llm = ScriptedLLM("It is 20 degrees.", decisions=["A", "B"], fills=[{"city": "Paris"}])
    async with served(llm) as hub, hub.client() as client:
        asked = "How warm is it in the French capital?"
        first = await client.responses.create(model="default", input=asked, tools=[WEATHER])
        (call,) = first.output
        assert call.type == "function_call"
        assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
        result: ResponseInputParam = [{"type": "function_call_output", "call_id": call.call_id, "output": "20 degrees"}]
        second = await client.responses.create(
            model="default", input=result, tools=[WEATHER], previous_response_id=first.id
        )
        assert second.output_text == "It is 20 degrees."
        items = [item.to_dict() async for item in client.responses.input_items.list(second.id)]
        assert (items[0]["type"], items[0]["output"]) == ("function_call_output", "20 degrees")
        assert len(await hub.tasks()) == 1


async def test_a_streamed_call_comes_whole() -> None:
    llm = ScriptedLLM(decisions=["A"], fills=[{"city": "Paris"}])
    async with served(llm) as hub, hub.client() as client:
        asked = "How warm is it in the French capital?"
        async with client.responses.stream(model="default", input=asked, tools=[WEATHER]) as stream:
            done = await stream.get_final_response()
        (call,) = done.output
        assert call.type == "function_call"
        assert json.loads(call.arguments) == {"city": "Paris"}


async def test_in_the_background_its_asked_for_later_and_can_be_cancelled() -> None:
    llm = ScriptedLLM("Done.", Hang("Well"))
    async with served(llm) as hub, hub.client() as client:
        made = await client.responses.create(model="default", input="Write", background=True)
        assert made.status in ("queued", "in_progress", "completed")
        while (made := await client.responses.retrieve(made.id)).status != "completed":
            await asyncio.sleep(0.01)
        assert made.output_text == "Done."
        assert made.background

        made = await client.responses.create(model="default", input="Write more", background=True)
        while (await client.responses.retrieve(made.id)).status != "in_progress":
            await asyncio.sleep(0.01)
        assert (await client.responses.cancel(made.id)).status == "cancelled"
        assert (await client.responses.cancel(made.id)).status == "cancelled", "once more is no error"


async def test_one_that_has_no_room_is_incomplete_and_one_that_fails_has_failed() -> None:
    async with served(ScriptedLLM("one two three", LLMTimeout("too slow"))) as hub, hub.client() as client:
        made = await client.responses.create(model="default", input="Count", max_output_tokens=2)
        assert made.status == "incomplete"
        assert made.incomplete_details is not None
        assert made.incomplete_details.reason == "max_output_tokens"
        made = await client.responses.create(model="default", input="Count on", background=True)
        while (made := await client.responses.retrieve(made.id)).status in ("queued", "in_progress"):
            await asyncio.sleep(0.01)
        assert made.status == "failed"
        assert made.error is not None
        assert "too slow" in made.error.message
        events = [event.type async for event in await client.responses.retrieve(made.id, stream=True)]
        assert events[-1] == "response.failed"


async def test_the_parsed_form_of_their_client_works() -> None:
    class City(pydantic.BaseModel):
        name: str

    async with served(ScriptedLLM(fills=[{"name": "Paris"}])) as hub, hub.client() as client:
        done = await client.responses.parse(model="default", input="Capital of France?", text_format=City)
        assert done.output_parsed == City(name="Paris")


async def test_what_cant_be_done_here_is_refused_by_name() -> None:
    async with served(ScriptedLLM("Hi.")) as hub, hub.client() as client:
        bad: dict[str, dict[str, Any]] = {
            "tools": {"tools": [{"type": "web_search"}]},
            "input[0]": {"input": [{"type": "item_reference", "id": "msg_1"}]},
            "input[0].content[0].image_url": {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "image_url": "http://192.0.2.1/x.png"}]},
                ]
            },
            "messages": {"input": [{"role": "assistant", "content": "Hi"}]},
        }
        for param, fields in bad.items():
            with pytest.raises(openai.BadRequestError) as refused:
                await client.responses.create(**{"model": "default", "input": "Hi"} | fields)
            assert refused.value.param == param
        done = await client.responses.create(model="default", input="Hi")
        assert (await client.responses.cancel(done.id)).status == "completed", "what's over stays as it is"


async def test_a_key_sees_the_responses_of_its_own_person_only() -> None:
    async with served(ScriptedLLM("Hi.", "Hi Bea.")) as hub, hub.client() as client:
        bea = await hub.person("bea", "customer-7")
        mine = await client.responses.create(model="default", input="Hi")
        service = await hub.key("messages:read", "messages:write", "people:write")
        async with hub.client(await hub.key("messages:read", person=bea.id)) as hers:
            with pytest.raises(openai.NotFoundError):
                await hers.responses.retrieve(mine.id)
            async with hub.client(service) as business:
                told = await business.responses.create(model="default", input="Hi", user="customer-7")
                assert (await business.responses.retrieve(told.id)).output_text == "Hi Bea."
            assert (await hers.responses.retrieve(told.id)).output_text == "Hi Bea."
