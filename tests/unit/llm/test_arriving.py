"""A model that's still on its way: it says how far it is, fails in words, tries again, and then is the model."""

import asyncio
from collections.abc import Callable

import pytest

from hub.errors import LLMAway, PullError
from hub.llm.arriving import Arriving
from hub.ports import LLM, Piece, Said, Terms
from hub.records import TenantId
from hub.testing import ScriptedLLM
from tests.unit.llm.counterpart import until

ASK = Terms(tenant=TenantId("home"), deadline=20.0)
HELLO = [Said("user", "Hello")]
Tell = Callable[[int, int], None]


async def said(llm: LLM) -> str:
    return "".join([piece.text async for piece in llm.chat(HELLO, ASK, limit=20) if isinstance(piece, Piece)])


async def test_it_says_how_far_it_is_and_then_is_the_model() -> None:
    go = asyncio.Event()

    async def fetch(tell: Tell) -> LLM:
        tell(450_000_000, 1_000_000_000)
        await go.wait()
        return ScriptedLLM("Here I am.")

    llm = Arriving("some/model", fetch, context=4096)
    await llm.open()
    await until(lambda: "45 %" in llm.info.detail)
    assert (llm.info.state, llm.info.detail) == ("absent", "being fetched: 45 % of 1.00 GB")
    with pytest.raises(LLMAway, match="some/model: being fetched: 45 %"):
        await said(llm)

    go.set()
    async with asyncio.timeout(5):
        await llm.ready()
    assert llm.info.model == "scripted"
    assert await said(llm) == "Here I am."
    assert (await llm.decide(HELLO, ["yes", "no"], ASK)).probabilities[0] > 0.5
    assert (await llm.score([("a", "b")], ASK)).scores[0].tokens == 1
    await llm.close()


async def test_what_cannot_be_fetched_is_told_and_tried_again() -> None:
    faults = [PullError("there's no such model"), PullError("broke off", passes=True)]
    states: list[str] = []

    async def fetch(_: Tell) -> LLM:
        if faults:
            states.append(llm.info.state)
            raise faults.pop(0)
        states.append(llm.info.state)
        return ScriptedLLM("at last")

    llm = Arriving("some/model", fetch, context=4096, again=0.001)
    await llm.open()
    async with asyncio.timeout(5):
        await llm.ready()

    assert states == ["absent", "broken", "absent"]
    assert await said(llm) == "at last"
    await llm.close()


async def test_closing_it_stops_the_download() -> None:
    stopped = asyncio.Event()

    async def fetch(_: Tell) -> LLM:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    llm = Arriving("some/model", fetch, context=4096)
    await llm.open()
    await asyncio.sleep(0)
    await llm.close()

    assert stopped.is_set()
