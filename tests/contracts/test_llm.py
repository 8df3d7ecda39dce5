"""Every sentence that ports.LLM promises, over every backend.

Scoring and Matching, which only some can, are in test_scoring.py and test_matching.py.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing

import msgspec
import pytest
import pytest_asyncio

from hub.errors import ContextOverflow, LLMError, LLMTimeout, LLMUnavailable
from hub.llm.arriving import Arriving
from hub.llm.chain import Chain
from hub.llm.llamacpp import LlamaCpp
from hub.llm.remote import Remote
from hub.ports import LLM, End, Piece, Priority, Said, Terms
from hub.records import TenantId
from hub.testing import Hang, ScriptedLLM
from tests.live.real import MODEL_SHA256, model_file
from tests.live.servers import llama_server
from tests.unit.llm.counterpart import Counterpart

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASK = Terms(tenant=TenantId("home"))
URGENT = Terms(tenant=TenantId("home"), priority=Priority.DECISION)
ERRAND = [Said("system", "You are terse."), Said("user", "Remind me at 5 to buy milk.")]
# "In English": else the small model begins in French, and finds Paris or not by the rounding of a build.
QUESTION = [Said("user", "What is the capital city of France? Answer in English.")]
STORY = [Said("user", "Write a very long story about a fox.")]
ENDLESS = [Said("user", "Write a very long story about a fox that goes on for ever.")]
SCHEMA = {
    "type": "object",
    "properties": {"what": {"type": "string", "maxLength": 20}, "hour": {"type": "integer", "minimum": 0}},
    "required": ["what", "hour"],
    "additionalProperties": False,
}


class Errand(msgspec.Struct, forbid_unknown_fields=True):
    what: str
    hour: int


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=[
        *("scripted", "remote", "chain", "arriving"),
        *(pytest.param(kind, marks=pytest.mark.live) for kind in ("llamacpp", "llama-server")),
    ],
)
async def llm(request: pytest.FixtureRequest) -> AsyncIterator[LLM]:
    async with AsyncExitStack() as stack:
        made = await make(request.param, stack)
        await made.open()
        async with asyncio.timeout(120):
            await made.ready()
        yield made
        await made.close()


async def make(kind: str, stack: AsyncExitStack) -> LLM:
    match kind:
        case "scripted":
            return ScriptedLLM(scripted, fills=lambda prompt, schema: {"what": "buy milk", "hour": 5}, context=1000)
        case "remote":
            server = await stack.enter_async_context(Counterpart())
            return Remote(server.url, "small", backoff=0.01, context=1000)
        case "chain":
            return Chain(Remote("http://127.0.0.1:9/v1", "dead", backoff=0.01), await make("remote", stack))
        case "arriving":
            remote = await make("remote", stack)
            return Arriving("some/model", lambda tell: asyncio.sleep(0, remote), context=1000)
        case "llama-server":
            url = await stack.enter_async_context(llama_server("--context", "1024"))
            return Remote(url, "small", context=1024)
        case _:
            return LlamaCpp(model_file(), sha256=MODEL_SHA256, context=1024, threads=1)


def scripted(prompt: Sequence[Said]) -> str | Hang:
    text = prompt[-1].text
    if "for ever" in text:
        return Hang("Once upon a time")
    return "Once upon a time there was a fox. " * 100 if "story" in text else "Paris."


async def whole(pieces: AsyncIterator[Piece | End]) -> tuple[str, list[End]]:
    text, ends = "", []
    async for piece in pieces:
        if isinstance(piece, End):
            ends.append(piece)
        else:
            assert not ends, "an End is the last that comes"
            text += piece.text
    return text, ends


async def test_one_that_is_ready_says_so(llm: LLM) -> None:
    assert llm.info.state == "ready"
    assert llm.info.model
    assert llm.info.context


async def test_an_answer_comes_in_pieces_and_then_one_end(llm: LLM) -> None:
    text, (end,) = await whole(llm.chat(QUESTION, ASK, limit=40))

    assert "Paris" in text
    assert end.reason == "stop"
    assert end.tokens_in > 0
    assert 0 < end.tokens_out <= 40
    assert end.ms_first <= end.ms


async def test_an_answer_has_at_most_as_many_tokens_as_it_may(llm: LLM) -> None:
    text, (end,) = await whole(llm.chat(STORY, ASK, limit=7))

    assert text
    assert end.reason == "length"
    assert end.tokens_out == 7


async def test_closing_the_iterator_leaves_room_for_others(llm: LLM) -> None:
    async with aclosing(closable(llm.chat(ENDLESS, ASK, limit=900))) as answer:
        assert isinstance(await anext(answer), Piece)

    text, _ = await whole(llm.chat(QUESTION, ASK, limit=40))
    assert "Paris" in text


async def test_a_cancelled_call_leaves_room_for_others(llm: LLM) -> None:
    call = asyncio.ensure_future(whole(llm.chat(ENDLESS, ASK, limit=900)))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    decision = await llm.decide(QUESTION, ["Paris", "Rome"], URGENT)
    assert len(decision.probabilities) == 2


async def test_requests_at_the_same_time_get_each_their_own_answer(llm: LLM) -> None:
    answers = await asyncio.gather(
        *(whole(llm.chat(QUESTION if i % 2 else STORY, ASK, limit=24)) for i in range(6)),
        llm.decide(QUESTION, ["Paris", "Rome"], URGENT),
    )

    texts = [answer[0] for answer in answers if isinstance(answer, tuple)]
    assert [i % 2 == 1 for i in range(6)] == ["Paris" in text for text in texts]


async def test_a_decision_has_a_probability_for_each_option_and_they_sum_to_one(llm: LLM) -> None:
    options = ["Paris", "Rome", "a pot of tea"]

    decision = await llm.decide(QUESTION, options, URGENT, lead="The capital is ")

    assert len(decision.probabilities) == 3
    assert abs(sum(decision.probabilities) - 1) < 1e-6
    assert max(decision.probabilities) == decision.probabilities[0]
    assert decision.model
    assert decision.tokens > 0


async def test_json_fits_its_schema(llm: LLM) -> None:
    filled = await llm.fill(ERRAND, SCHEMA, ASK)

    assert msgspec.json.decode(filled.json, type=Errand).hour >= 0
    assert filled.tokens_out > 0


async def test_json_that_does_not_come_within_the_limit_is_an_error(llm: LLM) -> None:
    with pytest.raises(LLMError):
        await llm.fill(ERRAND, SCHEMA, ASK, limit=2)


async def test_a_prompt_longer_than_the_context_is_told_apart(llm: LLM) -> None:
    with pytest.raises(ContextOverflow):
        await whole(llm.chat([Said("user", "fox " * 3000)], ASK, limit=10))


async def test_a_longer_prompt_counts_more_tokens(llm: LLM) -> None:
    short, long = await llm.count(QUESTION), await llm.count([*QUESTION, *STORY, *STORY])

    assert 0 < short < long


async def test_a_deadline_that_passes_is_told(llm: LLM) -> None:
    if isinstance(llm, ScriptedLLM):
        return  # A fake has no time: a test says itself when a request times out.
    with pytest.raises(LLMTimeout):
        await whole(llm.chat(ENDLESS, Terms(tenant=TenantId("home"), deadline=0.2), limit=900))


async def test_a_closed_one_is_unavailable() -> None:
    async with AsyncExitStack() as stack:
        for kind in ("scripted", "remote", "chain", "arriving"):
            closed = await make(kind, stack)
            await closed.open()
            await closed.close()

            with pytest.raises(LLMUnavailable):
                await whole(closed.chat(QUESTION, ASK, limit=5))


def closable(pieces: AsyncIterator[Piece | End]) -> AsyncGenerator[Piece | End]:
    assert isinstance(pieces, AsyncGenerator)
    return pieces
