"""Everything is paused at once: no turn, nothing goes out, and what's said is kept and answered afterwards, once."""

import asyncio

from msgspec.structs import replace

from hub.dispatch.alone import Alone
from hub.flow.halting import Halting
from hub.records import HOME
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeBridge, FakeClock, Hang, ScriptedLLM, hello
from tests.stories.day import Day, until


async def test_a_turn_under_way_is_cut_off_and_taken_again_once_it_goes_on() -> None:
    llm = ScriptedLLM(Hang("Wh"), "When?")
    async with Day(llm) as day:
        message = await day.sends("Hello")
        await day.working()
        await day.hub.halting.pause("a test")
        await day.quiet()
        assert not day.hub.turns.running
        assert (await day.now(message)).state != "answered"

        later = await day.sends("And then?", wish="new")
        await day.quiet()
        assert (await day.now(later)).state == "accepted"

        llm.say("Then.")
        await day.hub.halting.resume()
        await day.quiet()
        assert await day.replies(message) == ["When?"]
        assert await day.replies(later) == ["Then."]
        turns = await day.store.turns((await day.task(1)).id)
        assert [turn.state for turn in turns] == ["done"]
        told = await day.store.deeds(HOME, limit=9)
        assert [deed.action for deed in told if deed.action.startswith("hub.")] == ["hub.resumed", "hub.paused"]


async def test_nothing_goes_out_until_it_goes_on_and_then_once() -> None:
    bridge = FakeBridge()
    async with Day(ScriptedLLM("Hi."), bridges={"fake": bridge}) as day:
        await day.hub.halting.pause("")
        address = replace(hello().address, chat="ann")
        await day.hub.inbox.keep(hello("/help", address=address))
        await day.hub.inbox.keep(hello("Hello", address=address))
        await day.quiet()
        assert bridge.deliveries == []
        await day.hub.halting.resume()
        await day.quiet()
        assert len(bridge.texts) == 2
        assert bridge.texts[-1] == "Hi."
        await day.hub.halting.resume()
        await day.quiet()
        assert len(bridge.texts) == 2


async def test_it_stays_paused_over_a_restart() -> None:
    store, documents = MemoryStore(), MemoryDocuments()
    async with Day(ScriptedLLM(), store=store, documents=documents) as day:
        first = await day.hub.halting.pause("a fire")
        assert await day.hub.halting.pause("another") == first
        message = await day.sends("Hello")
        await day.quiet()
    async with Day(ScriptedLLM("Hi."), store=store, documents=documents) as day:
        await day.hub.halting.look()
        assert day.hub.halting.halt == first
        await day.hub.halting.resume()
        await day.quiet()
        assert await day.replies(message) == ["Hi."]


async def test_a_hub_that_was_not_told_sees_it_within_two_seconds() -> None:
    store, documents, clock = MemoryStore(), MemoryDocuments(), FakeClock()
    woken: list[str] = []
    one = Halting(store, documents, Alone("one", "here", clock), clock)
    two = Halting(store, documents, Alone("two", "there", clock), clock, lambda *lanes: woken.append("woken"))
    cut = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    working = asyncio.ensure_future(two.unless(work()))
    await asyncio.sleep(0)
    await one.pause("a test")
    await two.look()
    await working
    assert cut.is_set()
    assert two.on
    await two.unless(work())

    await one.resume()
    assert two.on
    running = asyncio.ensure_future(two.run())
    await until(lambda: not two.on, "it isn't seen")
    running.cancel()
    assert woken == ["woken"]
