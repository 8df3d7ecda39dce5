"""The remote backend against a real llama-server: what the contract suite doesn't say of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx
import msgspec
import pytest
import pytest_asyncio

from hub.llm.chain import Chain
from hub.llm.purse import Prices
from hub.llm.remote import Remote
from hub.ports import End, Piece, Said, Terms
from hub.records import HOME
from tests.live.servers import llama_server

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

ASK = Terms(tenant=HOME, deadline=60.0)
QUESTION = [Said("user", "What is the capital city of France? Answer in English.")]
STORY = [Said("user", "Write a very long story about a fox.")]
LONG = [Said("system", "You know trains. " * 60), Said("user", "Hello")]
ERRAND = {
    "type": "object",
    "properties": {"what": {"type": "string", "maxLength": 20}, "hour": {"type": "integer"}},
    "required": ["what", "hour"],
    "additionalProperties": False,
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def url() -> AsyncIterator[str]:
    async with llama_server("--context", "2048", "--parallel", "2") as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def llm(url: str) -> AsyncIterator[Remote]:
    llm = Remote(url, "small", context=2048, prices=Prices(tokens_in=1.0, cached=0.1, tokens_out=2.0))
    await llm.open()
    async with asyncio.timeout(30):
        await llm.ready()
    yield llm
    await llm.close()


async def end_of(llm: Remote, prompt: list[Said], limit: int = 8) -> End:
    async for piece in llm.chat(prompt, ASK, limit=limit):
        if isinstance(piece, End):
            return piece
    raise AssertionError("no End")


async def busy_slots(url: str) -> int:
    async with httpx.AsyncClient() as client:
        slots = (await client.get(url.removesuffix("/v1") + "/slots")).json()
    return sum(slot["is_processing"] for slot in slots)


async def test_a_decision_is_made_by_log_probabilities(llm: Remote) -> None:
    decision = await llm.decide(QUESTION, ["Rome", "Paris"], ASK)

    # A bound choice would give 0.8 and 0.2 exactly.
    assert decision.probabilities not in ((0.8, 0.2), (0.2, 0.8))
    assert sum(decision.probabilities) == pytest.approx(1.0)
    assert llm._weighs


async def test_json_is_bound_by_the_schema_at_the_server(llm: Remote) -> None:
    filled = await llm.fill([Said("user", "Remind me at 5 to buy milk.")], ERRAND, ASK)

    assert set(msgspec.json.decode(filled.json)) == {"what", "hour"}
    assert llm._binds


async def test_tokens_that_it_still_knows_are_told_and_cheaper(llm: Remote) -> None:
    first, again = await end_of(llm, LONG), await end_of(llm, LONG)

    assert again.tokens_in == first.tokens_in > 200
    assert again.tokens_new < first.tokens_new
    assert again.money < first.money


async def test_closing_an_answer_stops_the_work_at_the_server(llm: Remote, url: str) -> None:
    answer = llm.chat(STORY, ASK, limit=1500)
    async with aclosing(answer):
        await anext(answer)
        assert await busy_slots(url) == 1

    began = asyncio.get_running_loop().time()
    while await busy_slots(url):
        await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - began < 2.0


async def test_two_at_once_are_served_side_by_side(llm: Remote) -> None:
    order: list[str] = []

    async def write(name: str) -> None:
        async for piece in llm.chat(STORY, ASK, limit=30):
            if isinstance(piece, Piece):
                order.append(name)  # noqa: PERF401 - one by one, for what counts is who came between

    await asyncio.gather(write("a"), write("b"))

    assert order.index("b") < len(order) - 1 - order[::-1].index("a")
    assert order.index("a") < len(order) - 1 - order[::-1].index("b")


async def test_a_server_that_dies_in_the_middle_is_followed_by_another_at_the_next_request(llm: Remote) -> None:
    async with llama_server("--context", "1024", "--parallel", "1") as url:
        dying = Remote(url, "small", context=1024, backoff=0.01)
        await dying.open()
        await dying.ready()
        chain = Chain(dying, llm)
        assert "Paris" in "".join([p.text async for p in chain.chat(QUESTION, ASK, limit=20) if isinstance(p, Piece)])
        assert chain.info.detail == ""

    answer = [piece async for piece in chain.chat(QUESTION, ASK, limit=20)]

    assert isinstance(answer[-1], End)
    assert "can't be reached" in chain.info.detail
    await dying.close()
