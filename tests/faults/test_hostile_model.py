"""A model that answers with garbage: no crash, no call with arguments that don't fit, and the next good answer comes.

`AGENTHOST_FUZZ` and `AGENTHOST_SEED` make it longer or another one: `make faults` takes 10,000 of each.
"""

import json
import logging
import os
from contextlib import suppress
from typing import Any

import jsonschema
import msgspec
import pytest

from hub.errors import LLMError, ToolError
from hub.flow.schemas import decode
from hub.flow.sound import sound_text
from hub.flow.supervisor import Supervisor
from hub.flow.toolbox import Toolbox
from hub.llm import decisions, decoding, openai
from hub.llm.remote import Remote
from hub.manifests import Agent
from hub.ports import Said, Terms, ToolCall
from hub.records import HOME, OWNER, Limits, PersonId, TaskId
from tests.faults.hostile import GOOD, SCHEMA, WORDS, Guarded, Hostile, HostileLLM
from tests.stories.day import CHAT, Day
from tests.unit.llm.counterpart import Counterpart, Reply

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("AGENTHOST_FUZZ", "500"))
DAY = 100
"""Messages to one hub."""
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
TERMS = Terms(tenant=HOME, deadline=10.0)
OPTIONS = ("yes", "no", "question")
FIT = jsonschema.Draft202012Validator(SCHEMA)


def test_arguments_fit_the_schema_or_are_refused_with_words() -> None:
    hostile, taken, told = Hostile(SEED), 0, []
    for _ in range(ROUNDS):
        try:
            values = decode(hostile.arguments(), SCHEMA)
            assert FIT.is_valid(dict(values)), values
            taken += 1
        except ToolError as error:
            told.append(str(error))

    assert 0 < taken < ROUNDS
    assert max(map(len, told)) < 1_000


async def test_no_tool_is_called_with_arguments_that_do_not_fit() -> None:
    llm, tool = HostileLLM(SEED), Guarded("work_out")
    toolbox, said, fit = Toolbox([tool], llm), [Said("user", "Work it out")], 0
    for number in range(ROUNDS):
        try:
            chosen, _ = await toolbox.choose(said, [tool], (), TERMS)
            if chosen is None:
                continue
            filled = await toolbox.arguments(said, tool, TERMS)
        except (ToolError, LLMError):
            continue
        fit += FIT.is_valid(json.loads(filled.json))
        call = ToolCall(
            tool=tool.name,
            arguments=json.loads(filled.json),
            key=str(number),
            tenant=HOME,
            person=OWNER,
            agent="default",
            task=TaskId("t"),
        )
        assert not (await toolbox.call(tool, call)).failed

    assert tool.calls == fit > 0
    assert tool.unfit == []


async def test_a_call_is_checked_again_whoever_made_its_arguments() -> None:
    hostile, tool = Hostile(SEED), Guarded("work_out")
    toolbox = Toolbox([tool], HostileLLM(SEED))
    for number in range(ROUNDS):
        arguments = hostile.value()
        if not isinstance(arguments, dict):
            arguments = {"expression": arguments}
        call = ToolCall(
            tool="work_out",
            arguments=arguments,
            key=str(number),
            tenant=HOME,
            person=PersonId("p"),
            agent="default",
            task=TaskId("t"),
        )
        assert (await toolbox.call(tool, call)).failed or FIT.is_valid(arguments)

    assert tool.unfit == []


async def test_a_judge_that_babbles_gives_a_verdict_or_an_error_and_never_half_a_probability() -> None:
    supervisor = Supervisor(HostileLLM(SEED))
    for _ in range(ROUNDS):
        try:
            found = await supervisor.likely("Sing", [("user", "Sing"), ("agent", "La.")], None, (), TERMS)
        except LLMError:
            continue
        assert 0 <= found.complete <= 1
        assert 0 <= found.person <= 1


def test_letters_and_numbers_of_a_server_are_probabilities_or_none() -> None:
    hostile = Hostile(SEED)
    for _ in range(ROUNDS):
        count = hostile.random.choice((2, 3, 9, 40))
        names = [*decisions.labels(count)[:3], *(hostile.word() for _ in range(3))]
        likely = dict(zip(names, hostile.numbers(6), strict=False))
        found = decisions.by_letter(likely, count) if likely else None
        assert found is None or (len(found) == count and all(0 <= one <= 1 for one in found)), likely
        letter = decisions.letter_in(hostile.word(), count)
        assert letter is None or 0 <= letter < count


def test_json_of_a_model_fits_or_is_refused_with_what_is_wrong() -> None:
    hostile, told = Hostile(SEED), []
    for _ in range(ROUNDS):
        try:
            value = decoding.validated(decoding.unfenced(hostile.arguments()), SCHEMA)
            assert FIT.is_valid(json.loads(value))
        except ValueError as error:
            told.append(str(error))

    assert told
    assert all(told)


def a_body(hostile: Hostile) -> bytes:
    """Return what an OpenAI-compatible server wouldn't say."""
    choice: dict[str, Any] = {
        "message": {"content": hostile.random.choice((json.dumps(GOOD), hostile.arguments(), hostile.word(), None, 7))},
        "finish_reason": hostile.random.choice(("stop", "length", None, 3)),
        "logprobs": hostile.random.choice(
            (None, {}, {"content": None}, {"content": []}, {"content": [{"top_logprobs": []}]},
             {"content": [{"top_logprobs": [{"token": "A", "logprob": -1e308}, {"token": "B", "logprob": 1e308}]}]},
             {"content": [{"top_logprobs": [{"token": "A", "logprob": 0}, {"token": "A)", "logprob": 5}]}]})
        ),
    }  # fmt: skip
    body: object = {
        "choices": [choice] * hostile.random.choice((0, 1, 1, 2)),
        "usage": hostile.random.choice((None, {}, {"prompt_tokens": -5}, {"prompt_tokens": "x"})),
    }
    match hostile.random.randrange(8):
        case 0:
            return hostile.word().encode("utf-8", "replace")
        case 1:
            return json.dumps(hostile.value()).encode()
        case 2:
            return b"<html><body>502 Bad Gateway</body></html>"
        case 3:
            return json.dumps(body).encode()[: hostile.random.randrange(40)]
        case 4:
            return b"\xff\xfe\x00" + json.dumps(body).encode()
        case _:
            return json.dumps(body).encode()


def test_a_servers_body_is_read_or_refused() -> None:
    hostile = Hostile(SEED)
    for _ in range(ROUNDS):
        body = a_body(hostile)
        with suppress(msgspec.DecodeError):
            openai.completion(body)
        openai.problem(body)


async def test_a_servers_babble_is_an_answer_that_fits_or_an_error_of_ours() -> None:
    hostile, kept = Hostile(SEED), 0
    async with Counterpart(
        lambda _: Reply(a_body(hostile), status=hostile.random.choice((200, 200, 200, 400)))
    ) as server:
        llm = Remote(server.url, "babbler", backoff=0.0)
        for _ in range(ROUNDS // 10):
            try:
                filled = await llm.fill([Said("user", "Work it out")], SCHEMA, TERMS)
                assert FIT.is_valid(json.loads(filled.json))
                kept += 1
            except LLMError:
                pass
            try:
                decision = await llm.decide([Said("user", "Is it?")], OPTIONS, TERMS)
                assert len(decision.probabilities) == len(OPTIONS)
                assert sum(decision.probabilities) == pytest.approx(1, abs=0.02)
            except LLMError:
                pass
        await llm.close()

    assert kept > 0


def an_agent() -> Agent:
    return Agent(name="default", version="1.0.0", description="Works things out.", tools=("work_out",), prompt="Help.")


async def a_day_with(llm: HostileLLM, tool: Guarded) -> str:
    """Say a hundred things to a babbling model, then one to a good one; return its answer."""
    async with Day(llm, tools=[tool], agents={"default": an_agent()}) as day:
        for number in range(DAY):
            text = f"Work out number {number} for me, please {WORDS[number % len(WORDS)][:200]}"
            message = await day.says(sound_text(text))
            assert message.state in {"answered", "failed", "asking"}, message
            if number % 20 == 0:
                await day.hub.tasks.assign(
                    tenant=HOME,
                    person=OWNER,
                    address=CHAT,
                    text=f"Sing song {number}",
                    external_id=f"api:{number}",
                    limits=Limits(turns=3),
                )
                await day.quiet()
            await day.clock.advance(600)
            await day.hub.scheduler.tick()
            await day.quiet()
        llm.good = True
        task = (await day.says("What is the capital of France?", wish="new")).task
        assert task is not None
        return (await day.store.messages_of_task(task, limit=3))[-1].text


async def test_every_message_to_a_babbling_model_is_settled_and_the_next_good_answer_comes() -> None:
    logging.disable(logging.CRITICAL)  # each of them is logged, as it should be
    try:
        for day in range(max(1, ROUNDS // (5 * DAY))):
            llm, tool = HostileLLM(SEED + day), Guarded("work_out")
            assert "Paris." in await a_day_with(llm, tool)
            assert llm.answers > DAY
            assert tool.calls > 0
            assert tool.unfit == []
    finally:
        logging.disable(logging.NOTSET)
