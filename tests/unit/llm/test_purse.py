"""What remote models cost: counted by the config's prices, capped by the day, remembered over restarts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hub.errors import LLMAway
from hub.llm.purse import Prices, Purse
from hub.llm.remote import Remote
from hub.ports import End, Said, Terms
from hub.records import TenantId
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock
from tests.unit.llm.counterpart import Counterpart, Reply, streamed, whole

ASK = Terms(tenant=TenantId("home"), deadline=20.0)
HELLO = [Said("user", "Hello")]
PRICES = Prices(tokens_in=2.0, cached=0.5, tokens_out=10.0)
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def clock_at(time: str) -> FakeClock:
    return FakeClock(datetime.fromisoformat(time).replace(tzinfo=UTC))


async def opened(documents: MemoryDocuments, clock: FakeClock, limit: float = 1.0) -> Purse:
    purse = Purse(documents, clock, "Europe/Berlin", limit)
    await purse.open()
    return purse


async def end_of(llm: Remote) -> End:
    async for piece in llm.chat(HELLO, ASK, limit=20):
        if isinstance(piece, End):
            return piece
    raise AssertionError("no End")


def test_cached_tokens_have_a_price_of_their_own() -> None:
    assert PRICES.of(1_000_000, 400_000, 100_000) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)
    assert Prices(tokens_in=2.0).of(1_000_000, 400_000, 5) == 2.0


async def test_an_answer_costs_what_its_tokens_cost() -> None:
    async with Counterpart() as server:
        llm = Remote(server.url, "small", prices=PRICES)
        server.replies = [streamed("Good ", "day")]

        assert (await end_of(llm)).money == pytest.approx((7 * 2 + 2 * 10) / 1e6)
        await llm.close()


async def test_every_request_of_a_decision_and_of_a_repair_is_paid_for() -> None:
    async with Counterpart() as server:
        llm = Remote(server.url, "small", prices=PRICES)
        server.replies = [whole("B"), whole('{"answer": "B"}'), whole('{"n": "x"}'), whole('{"n": 3}')]
        twice = 2 * (7 * 2 + 3 * 10) / 1e6

        assert (await llm.decide(HELLO, ["yes", "no"], ASK)).money == pytest.approx(twice)
        assert (await llm.fill(HELLO, NUMBER, ASK)).money == pytest.approx(twice)
        await llm.close()


async def test_an_answer_that_was_cancelled_is_paid_for_by_a_guess() -> None:
    documents, clock = MemoryDocuments(), clock_at("2026-11-24T10:00")
    purse = await opened(documents, clock)
    async with Counterpart() as server:
        llm = Remote(server.url, "small", prices=Prices(tokens_out=1_000_000), purse=purse)
        server.replies = [streamed("Once upon a time ", hangs=True)]
        answer = llm.chat(HELLO, ASK, limit=20)
        await anext(answer)
        await answer.aclose()

        assert "5 of 1" in purse.empty
        await llm.close()


async def test_with_the_days_money_spent_nothing_more_is_asked_and_it_says_so() -> None:
    documents, clock = MemoryDocuments(), clock_at("2026-11-24T10:00")
    purse = await opened(documents, clock)
    async with Counterpart() as server:
        llm = Remote(server.url, "small", prices=Prices(tokens_out=600_000), purse=purse)
        await llm.open()
        await llm.ready()
        server.replies = [streamed("Good ", "day")]
        assert (await end_of(llm)).money == pytest.approx(1.2)

        with pytest.raises(LLMAway, match=r"money for remote models is spent \(1\.2 of 1\).*limits\.money_per_day"):
            await end_of(llm)
        with pytest.raises(LLMAway):
            await llm.decide(HELLO, ["yes", "no"], ASK)
        assert len(server.asked) == 1
        assert llm.info.state == "broken"
        assert "at midnight (Europe/Berlin)" in llm.info.detail
        assert llm.info.money_today == pytest.approx(1.2)
        await llm.close()


async def test_a_model_without_prices_is_asked_whatever_was_spent() -> None:
    documents, clock = MemoryDocuments(), clock_at("2026-11-24T10:00")
    purse = await opened(documents, clock)
    await purse.spend(5.0)
    async with Counterpart(lambda _: streamed("Hi")) as server:
        llm = Remote(server.url, "small", purse=purse)

        assert (await end_of(llm)).money == 0.0
        await llm.close()


async def test_what_was_spent_is_remembered_over_a_restart() -> None:
    documents, clock = MemoryDocuments(), clock_at("2026-11-24T10:00")
    first = await opened(documents, clock)
    await first.spend(0.7)
    await first.spend(0.4)

    assert (await opened(documents, clock)).empty
    assert not (await opened(documents, clock, limit=0.0)).empty


async def test_the_next_day_begins_at_midnight_where_the_hub_is() -> None:
    # 22:30 UTC is 23:30 in Berlin.
    documents, clock = MemoryDocuments(), clock_at("2026-11-24T22:30")
    purse = await opened(documents, clock)
    await purse.spend(1.0)
    waiting = asyncio.ensure_future(purse.available())
    await asyncio.sleep(0)
    assert not waiting.done()

    await clock.advance(timedelta(minutes=29).total_seconds())
    assert not waiting.done()
    await clock.advance(timedelta(minutes=1, seconds=1).total_seconds())
    await asyncio.wait_for(waiting, 5)
    assert not purse.empty
    await purse.spend(0.2)
    assert [id for id, _ in await documents.all("money")] == ["2026-11-24", "2026-11-25"]


async def test_a_server_that_refuses_costs_nothing() -> None:
    documents, clock = MemoryDocuments(), clock_at("2026-11-24T10:00")
    purse = await opened(documents, clock, limit=0.000001)
    async with Counterpart(lambda _: Reply(b"{}", status=400)) as server:
        llm = Remote(server.url, "small", prices=PRICES, purse=purse)
        with pytest.raises(Exception, match="400"):
            await end_of(llm)
        assert not purse.empty
        await llm.close()
