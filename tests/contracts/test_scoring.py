"""Every sentence that ports.Scoring promises, over every backend that scores."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hub.llm.llamacpp import LlamaCpp
from hub.ports import Priority, Scoring, Terms
from hub.records import TenantId
from hub.testing import ScriptedLLM
from tests.live.real import MODEL_SHA256, model_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASK = Terms(tenant=TenantId("home"), priority=Priority.DECISION)
WALK = "The children walked along the river until it got dark, and then they all went"


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=["scripted", pytest.param("llamacpp", marks=pytest.mark.live)]
)
async def scoring(request: pytest.FixtureRequest) -> AsyncIterator[Scoring]:
    if request.param == "scripted":
        yield ScriptedLLM()
        return
    llm = LlamaCpp(model_file(), sha256=MODEL_SHA256, context=1024, threads=1)
    await llm.open()
    async with asyncio.timeout(120):
        await llm.ready()
    yield llm
    await llm.close()


async def test_each_pair_gets_its_score_in_order(scoring: Scoring) -> None:
    likely, unlikely = (WALK, " home."), (WALK, " helicopter whose teeth nevertheless taste of Tuesday.")

    first = await scoring.score([likely, unlikely], ASK)
    second = await scoring.score([unlikely, likely], ASK)

    assert first.scores[0].logprob > first.scores[1].logprob
    assert second.scores[1].logprob > second.scores[0].logprob
    assert all(score.logprob < 0 and score.tokens > 0 for score in first.scores)
    assert first.model


async def test_a_score_does_not_depend_on_who_else_is_scored(scoring: Scoring) -> None:
    pairs = [(WALK, " home."), ("", " home."), (WALK + " back", " home."), ("A cat", " sat on the mat.")]

    together = await scoring.score(pairs, ASK)
    alone = [(await scoring.score([pair], ASK)).scores[0] for pair in pairs]

    for one, other in zip(together.scores, alone, strict=True):
        assert one.tokens == other.tokens
        assert abs(one.logprob - other.logprob) < 0.1


async def test_saying_nothing_is_certain(scoring: Scoring) -> None:
    scores = (await scoring.score([(WALK, ""), ("", "")], ASK)).scores

    assert [(score.logprob, score.tokens) for score in scores] == [(0, 0), (0, 0)]
