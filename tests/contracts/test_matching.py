"""Every sentence that ports.Matching promises, over every backend that has a reader."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hub.errors import LLMError
from hub.flow.weights import READER_SHA256
from hub.llm.matching import MatchingLlamaCpp
from hub.ports import Matching, Priority, Terms
from hub.records import TenantId
from hub.testing import MatchingLLM
from tests.live.real import MODEL_SHA256, model_file, reader_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASK = Terms(tenant=TenantId("home"), priority=Priority.DECISION)
HOTEL = "second minutes | Find me a hotel in Oslo | | | There are four hotels. Which price range do you want?"
MUSIC = "first now | Play some jazz | | | Playing Kind of Blue. Is the volume right?"


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=["scripted", pytest.param("llamacpp", marks=pytest.mark.live)]
)
async def matching(request: pytest.FixtureRequest) -> AsyncIterator[Matching]:
    if request.param == "scripted":
        yield MatchingLLM()
        return
    llm = MatchingLlamaCpp(
        model_file(), reader=reader_file(), sha256=MODEL_SHA256, reader_sha256=READER_SHA256, context=1024, threads=1
    )
    await llm.open()
    async with asyncio.timeout(120):
        await llm.ready()
    yield llm
    await llm.close()


async def test_each_text_gets_its_logit_in_order_and_none_the_last(matching: Matching) -> None:
    found = await matching.match("a cheap hotel in Oslo", (MUSIC, HOTEL), ASK)

    assert len(found.logits) == 3
    assert max(found.logits) == found.logits[1]
    assert found.tokens > 20


async def test_the_order_of_the_texts_means_nothing(matching: Matching) -> None:
    one = await matching.match("a bit louder please", (MUSIC, HOTEL), ASK)
    other = await matching.match("a bit louder please", (HOTEL, MUSIC), ASK)

    for a, b in zip(one.logits, (other.logits[1], other.logits[0], other.logits[2]), strict=True):
        assert math.isclose(a, b, abs_tol=0.05)


async def test_eight_long_texts_are_read_and_nothing_at_all_is_too(matching: Matching) -> None:
    long = await matching.match("word " * 3000, ["fox " * 3000] * 8, ASK)
    none = await matching.match("", [""], ASK)

    assert len(long.logits) == 9
    assert all(math.isfinite(logit) for logit in (*long.logits, *none.logits))


@pytest.mark.live
async def test_without_the_right_reader_the_model_serves_and_says_that_it_cannot_match() -> None:
    llm = MatchingLlamaCpp(
        model_file(), reader=model_file(), sha256=MODEL_SHA256, reader_sha256=READER_SHA256, threads=1
    )
    await llm.open()
    async with asyncio.timeout(120):
        await llm.ready()

    with pytest.raises(LLMError, match="no reader"):
        await llm.match("hello", (MUSIC,), ASK)
    assert (await llm.score([("A cat", " sat on the mat.")], ASK)).scores
    await llm.close()
