"""Backends in a row: the first that can serves, a dead one isn't tried each time, and no answer is begun twice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from hub.errors import ContextOverflow, LLMAway, LLMRefused, LLMUnavailable
from hub.llm.chain import Chain
from hub.llm.purse import Prices, Purse
from hub.llm.remote import Remote
from hub.ports import LLM, End, Piece, Said, Terms
from hub.records import TenantId
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock, Hang, ScriptedLLM
from tests.unit.llm.counterpart import Counterpart, refused, streamed, whole

ASK = Terms(tenant=TenantId("home"), deadline=20.0)
HELLO = [Said("user", "Hello")]
SCHEMA: dict[str, object] = {"type": "object"}


async def said(llm: LLM) -> str:
    return "".join([piece.text async for piece in llm.chat(HELLO, ASK, limit=20) if isinstance(piece, Piece)])


async def test_the_first_serves_while_it_can() -> None:
    first, second = ScriptedLLM("from the first"), ScriptedLLM("from the second")

    assert await said(Chain(first, second)) == "from the first"
    assert second.asked == []


@pytest.mark.parametrize("error", [LLMUnavailable("down"), LLMAway("busy"), LLMRefused("no money")])
async def test_the_next_serves_what_one_cannot_or_will_not(error: Exception) -> None:
    first = ScriptedLLM(error, decisions=[error], fills=[error])
    second = ScriptedLLM("from the second", decisions=["no"], fills=[{"n": 1}])
    chain = Chain(first, second)

    assert await said(chain) == "from the second"
    assert (await chain.decide(HELLO, ["yes", "no"], ASK)).probabilities[1] > 0.5
    assert (await chain.fill(HELLO, SCHEMA, ASK)).json == '{"n": 1}'


async def test_one_that_is_not_ready_is_not_even_tried() -> None:
    first, second = ScriptedLLM(), ScriptedLLM("one", "two")
    chain = Chain(first, second)
    first.go_down()

    assert [await said(chain), await said(chain)] == ["one", "two"]
    assert first.asked == []
    assert chain.info.state == "ready"
    assert chain.info.detail == "in place of scripted (gone down, as the test wished)"

    first.come_up()
    first.say("back")
    assert await said(chain) == "back"
    assert chain.info.detail == ""


async def test_what_was_shown_is_not_begun_again_by_another() -> None:
    class Breaks(ScriptedLLM):
        async def chat(self, prompt: object, ask: Terms, **rest: object) -> AsyncGenerator[Piece | End, None]:
            yield Piece("Once ")
            raise LLMUnavailable("broke in the middle")

    second = ScriptedLLM("never said")

    with pytest.raises(LLMUnavailable, match="in the middle"):
        await said(Chain(Breaks(), second))
    assert second.asked == []


async def test_a_prompt_that_is_too_long_is_not_the_next_ones_business() -> None:
    with pytest.raises(ContextOverflow):
        await said(Chain(ScriptedLLM(ContextOverflow(9, 5)), ScriptedLLM("never said")))


async def test_with_all_of_them_away_it_waits_for_any() -> None:
    first, second = ScriptedLLM(), ScriptedLLM("here again")
    chain = Chain(first, second)
    first.go_down()
    second.go_down()
    with pytest.raises(LLMAway, match=r"as the test wished.*; scripted"):
        await said(chain)
    assert chain.info.state == "absent"
    waiting = asyncio.ensure_future(chain.ready())
    await asyncio.sleep(0.01)
    assert not waiting.done()

    second.come_up()
    await asyncio.wait_for(waiting, 5)
    assert await said(chain) == "here again"


async def test_closing_an_answer_closes_that_of_whoever_serves() -> None:
    serving = ScriptedLLM(Hang("Once upon"))
    answer = Chain(serving, ScriptedLLM()).chat(HELLO, ASK, limit=20)
    async with aclosing(answer):
        await anext(answer)

    assert serving.cancelled == 1


async def test_a_dead_server_is_asked_once_and_then_left_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.llm.watch.LOOK", 0.2)
    async with Counterpart(lambda _: streamed("from the first")) as one, Counterpart() as two:
        chain = Chain(Remote(one.url, "big", backoff=0.001), Remote(two.url, "small", backoff=0.001))
        await chain.open()
        await asyncio.gather(*(member.ready() for member in chain.members))
        one.replies = [refused(503, "busy")] * 4

        assert [await said(chain) for _ in range(3)] == ["Paris. "] * 3
        assert len(one.asked) == 4
        assert chain.info.model == "small"
        assert chain.info.detail.startswith("in place of big (127.0.0.1 answers HTTP 503: busy")

        async with asyncio.timeout(5):
            await chain.members[0].ready()
        assert await said(chain) == "from the first"
        await chain.close()


async def test_one_that_wants_money_is_left_alone_for_a_while() -> None:
    async with Counterpart() as one, Counterpart() as two:
        chain = Chain(Remote(one.url, "big"), Remote(two.url, "small"))
        await chain.open()
        await asyncio.gather(*(member.ready() for member in chain.members))
        one.replies = [refused(402, "pay")] * 9

        assert [await said(chain), await said(chain)] == ["Paris. "] * 2
        assert len(one.asked) == 1
        assert "has no money left" in chain.info.detail
        await chain.close()


async def test_a_decision_goes_over_to_a_server_that_only_chooses() -> None:
    async with Counterpart() as one, Counterpart(lambda asked: whole("B")) as two:
        chain = Chain(Remote(one.url, "big", backoff=0.001), Remote(two.url, "small", backoff=0.001))
        await chain.open()
        await asyncio.gather(*(member.ready() for member in chain.members))
        by_weight = await chain.decide(HELLO, ["yes", "no"], ASK)
        one.replies = [refused(500, "oops")] * 4
        by_choice = await chain.decide(HELLO, ["yes", "no"], ASK)

        assert by_weight.probabilities[0] == pytest.approx(1 / (1 + 2.718281828 ** (-1.8)), rel=1e-3)
        assert by_choice.probabilities == pytest.approx((0.2, 0.8))
        assert (by_weight.model, by_choice.model) == ("big", "small")
        await chain.close()


async def test_with_the_days_money_spent_one_that_costs_nothing_goes_on() -> None:
    purse = Purse(MemoryDocuments(), FakeClock(), "UTC", 1.0)
    await purse.open()
    async with Counterpart(lambda _: streamed("for money")) as one:
        paid = Remote(one.url, "big", prices=Prices(tokens_out=2_000_000), purse=purse)
        chain = Chain(paid, ScriptedLLM("for nothing"))
        await paid.open()
        await paid.ready()

        assert [await said(chain), await said(chain)] == ["for money", "for nothing"]
        assert "in place of big (today's money for remote models is spent (2 of 1)" in chain.info.detail
        assert chain.info.money_today == 2.0
        await chain.close()
