"""What's refused raises the exceptions of OpenAI's own client, and what's asked again is done once."""

import asyncio
from typing import Any

import httpx
import openai
import pytest

from hub.config import LimitsConfig
from hub.errors import LLMTimeout
from hub.records import HOME
from hub.testing import Hang, ScriptedLLM
from tests.openai.served import KEY, served
from tests.openai.test_chat import ask


async def test_each_refusal_raises_its_own_exception() -> None:
    async with served(ScriptedLLM("Hi.")) as hub:
        async with hub.client("ah_nobody") as client:
            with pytest.raises(openai.AuthenticationError) as unknown:
                await client.chat.completions.create(model="default", messages=[ask("Hi")])
            assert unknown.value.code == "invalid_api_key"
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()
        async with hub.client(await hub.key("messages:read")) as client:
            with pytest.raises(openai.PermissionDeniedError):
                await client.chat.completions.create(model="default", messages=[ask("Hi")])
        async with hub.client() as client:
            with pytest.raises(openai.NotFoundError) as missing:
                await client.chat.completions.create(model="gpt-9", messages=[ask("Hi")])
            assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
            bad: dict[str, dict[str, Any]] = {
                "n": {"n": 2},
                "messages": {"messages": []},
                "logprobs": {"logprobs": True},
                "tool_choice": {"tool_choice": "required"},
                "metadata": {"metadata": {"note": "x" * 600}},
                "response_format.json_schema.schema": {
                    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": 7}}}
                },
                "temperature": {"temperature": 9},
                "tools": {"tools": [{"type": "function", "function": {"name": "a b", "parameters": {}}}]},
                "text": {"messages": [ask(" ")]},
            }
            for param, fields in bad.items():
                with pytest.raises(openai.BadRequestError) as refused:
                    await client.chat.completions.create(**{"model": "default", "messages": [ask("Hi")]} | fields)
                assert refused.value.param == param
                assert refused.value.type == "invalid_request_error"
            with pytest.raises(openai.BadRequestError, match="must end with"):
                await client.chat.completions.create(
                    model="default", messages=[ask("Hi"), {"role": "assistant", "content": "Go on"}]
                )
        assert await hub.tasks() == []


async def test_too_many_are_told_when_to_come_again() -> None:
    limits = LimitsConfig(waiting_per_person=1)
    async with served(ScriptedLLM(Hang(), Hang()), limits=limits) as hub, hub.client(max_retries=0) as client:
        first = asyncio.ensure_future(client.chat.completions.create(model="default", messages=[ask("One")], timeout=5))
        while not await hub.said():
            await asyncio.sleep(0.01)
        with pytest.raises(openai.RateLimitError) as refused:
            await client.chat.completions.create(model="default", messages=[ask("Two")])
        assert int(refused.value.response.headers["retry-after"]) > 0
        assert refused.value.code == "rate_limit_exceeded"
        first.cancel()
        await asyncio.wait([first])


async def test_a_turn_that_fails_is_told_and_not_tried_again_by_their_client() -> None:
    llm = ScriptedLLM(LLMTimeout("too slow"))
    async with served(llm) as hub, hub.client(max_retries=3) as client:
        with pytest.raises(openai.InternalServerError, match="too slow"):
            await client.chat.completions.create(model="default", messages=[ask("Hi")])
        assert len(llm.prompts) == 1
        assert len(await hub.tasks()) == 1


async def test_in_a_stream_too() -> None:
    async with served(ScriptedLLM(LLMTimeout("too slow"))) as hub, hub.client() as client:
        stream = await client.chat.completions.create(model="default", messages=[ask("Hi")], stream=True)
        with pytest.raises(openai.APIError, match="too slow"):
            async for _ in stream:
                pass


async def test_a_prompt_that_has_no_room_is_told_as_such() -> None:
    async with served(ScriptedLLM("Hi.", context=700)) as hub, hub.client() as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(
                model="default", messages=[{"role": "system", "content": "Be kind. " * 2000}, ask("Hi")]
            )
        assert refused.value.code == "context_length_exceeded"


async def test_their_clients_own_retries_wait_on_for_the_first_answer() -> None:
    """A client that gave up waiting asks again by itself, and says so: that's no second message."""
    llm = ScriptedLLM(Hang("Well"))
    async with served(llm) as hub, hub.client(max_retries=2) as client:
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(model="default", messages=[ask("Hi")], timeout=0.5)
        assert len([message for message in await hub.said() if message.role == "user"]) == 1
        assert len(llm.prompts) == 1


async def test_the_same_words_without_a_retry_are_said_again() -> None:
    async with served(ScriptedLLM("One.", "Two.")) as hub, hub.client() as client:
        for text in ("One.", "Two."):
            done = await client.chat.completions.create(model="default", messages=[ask("Hi")])
            assert done.choices[0].message.content == text


async def test_an_idempotency_key_has_it_done_once_and_stands_for_one_body() -> None:
    llm = ScriptedLLM("One.")
    async with served(llm) as hub, hub.client() as client:
        headers = {"Idempotency-Key": "order-7"}

        async def asked(text: str) -> str | None:
            done = await client.chat.completions.create(model="default", messages=[ask(text)], extra_headers=headers)
            return done.choices[0].message.content

        assert await asyncio.gather(*[asked("Hi") for _ in range(5)]) == ["One."] * 5
        with pytest.raises(openai.ConflictError):
            await asked("Ho")
        assert len(await hub.tasks()) == len(llm.prompts) == 1


async def test_who_hangs_up_gets_the_answer_later() -> None:
    async with served(ScriptedLLM(lambda prompt: "Done. " * 50)) as hub, hub.client() as client:
        stream = await client.chat.completions.create(model="default", messages=[ask("Write")], stream=True)
        async for _ in stream:
            break
        await stream.close()
        while (await hub.said())[0].state != "answered":
            await asyncio.sleep(0.01)
        (task,) = await hub.tasks()
        assert task.state == "completed"


async def test_a_program_speaks_for_an_end_user_only_with_the_scope() -> None:
    llm = ScriptedLLM("Hi Bea.", "Hi.", "Hi.")
    async with served(llm) as hub:
        bea = await hub.person("bea", "customer-7")
        async with hub.client() as client:
            await client.chat.completions.create(model="default", messages=[ask("Hi")], user="customer-7")
            assert [task.person for task in await hub.tasks(bea.id)] == [bea.id]
            assert await hub.tasks() == []
            await client.chat.completions.create(model="default", messages=[ask("Hi")], user="customer-8")
            new = await hub.hub.store.person_by_external(HOME, "customer-8")
            assert new is not None
            assert [task.title for task in await hub.tasks(new.id)] == ["Hi"]
            with pytest.raises(openai.BadRequestError) as unknown:
                await client.chat.completions.create(model="default", messages=[ask("Hi")], user="\n")
            assert unknown.value.param == "user"
            with pytest.raises(openai.BadRequestError) as foreign:
                await client.chat.completions.create(model="default", messages=[ask("Hi")], metadata={"task": "1"})
            assert foreign.value.param == "metadata.task"
        async with hub.client(await hub.key("messages:write")) as client:
            with pytest.raises(openai.PermissionDeniedError, match="people:write"):
                await client.chat.completions.create(model="default", messages=[ask("Hi")], user="customer-7")


async def test_a_key_for_some_agents_has_those_as_models_and_no_others() -> None:
    async with served(ScriptedLLM("Hi.")) as hub, hub.client() as client:
        every = [model.id async for model in client.models.list()]
        assert every[-1] == "scripted", "what gives vectors"
        assert {"default", "coder", "researcher"} <= set(every)
        assert (await client.models.retrieve("coder")).id == "coder"
        version = hub.hub.agents["coder"].version
        assert (await client.models.retrieve(f"coder@{version}")).id == f"coder@{version}"
        for name in ("nobody", "coder@99.0.0"):
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve(name)
        async with hub.client(await hub.key("messages:read", "messages:write", agents=["coder"])) as narrow:
            assert [model.id async for model in narrow.models.list()] == ["coder", "scripted"]
            with pytest.raises(openai.NotFoundError):
                await narrow.chat.completions.create(model="default", messages=[ask("Hi")])


async def test_texts_become_vectors_in_either_encoding() -> None:
    async with served(ScriptedLLM()) as hub, hub.client() as client:
        found = await client.embeddings.create(model="scripted", input=["abc", "abd", "xyz"])
        plain = await client.embeddings.create(model="scripted", input="abc", encoding_format="float")
        assert found.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
        assert len(found.data) == 3
        assert found.usage.total_tokens == 3
        with pytest.raises(openai.NotFoundError, match="gives no vectors"):
            await client.embeddings.create(model="default", input="abc")
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="scripted", input=[1, 2, 3])
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="scripted", input="abc", dimensions=3)


async def test_what_isnt_there_is_told_in_their_shape_and_everywhere_else_in_ours() -> None:
    async with served(ScriptedLLM()) as hub, httpx.AsyncClient(base_url=hub.url) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        for path in ("/v1/chat/completions/none/messages", "/v1/responses/none"):
            answer = await client.get(path, headers=headers)
            assert answer.status_code in (404, 405)
            assert answer.json()["error"]["type"] == "invalid_request_error"
        assert (await client.get("/v1/chat/completions", headers=headers)).json()["error"]["message"]
        assert (await client.get("/v1/tasks/none", headers=headers)).json()["title"] == "Not Found"
