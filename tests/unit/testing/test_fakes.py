"""The stand-ins do what the scripts of tests rely on."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from hub.errors import DeliveryRefused, DeliveryUncertain, LLMTimeout, LLMUnavailable, StoreUnavailable
from hub.ports import LLM, Accept, Bridge, Clock, End, Outgoing, Piece, Said, Scoring, Terms
from hub.records import HOME, Incoming
from hub.testing import NOON, FakeBridge, FakeClock, Hang, ScriptedLLM, a_message, hello

ASK = Terms(tenant=HOME)
PROMPT = [Said(role="user", text="Where is Bonn?")]


async def words(llm: ScriptedLLM, limit: int = 50) -> list[str]:
    return [piece.text async for piece in llm.chat(PROMPT, ASK, limit=limit) if isinstance(piece, Piece)]


async def test_the_stand_ins_fit_their_ports() -> None:
    clock: Clock = FakeClock()
    llm: LLM = ScriptedLLM()
    scoring: Scoring = ScriptedLLM()
    bridge: Bridge = FakeBridge()
    assert (clock.now(), llm.info.state, bridge.name) == (NOON, "ready", "fake")
    assert isinstance(scoring, ScriptedLLM)


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = FakeClock(), list[tuple[str, float]]()

    async def doze(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(doze("late", 30))
        group.create_task(doze("early", 10))
        await clock.advance(9)
        assert clock.sleepers == 2
        await clock.advance(21)
    assert woken == [("early", 10), ("late", 30)]
    assert clock.now() == NOON + timedelta(seconds=30)


async def test_who_sleeps_again_in_the_time_that_passes_wakes_again() -> None:
    clock, ticks = FakeClock(), list[float]()

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.monotonic())

    ticking = asyncio.ensure_future(tick())
    await clock.advance(3)
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking
    assert ticks == [1, 2, 3]


async def test_a_wall_clock_put_back_wakes_nobody() -> None:
    clock = FakeClock()
    clock.put(NOON - timedelta(days=1))
    await clock.advance(60)
    assert clock.now() == NOON - timedelta(days=1) + timedelta(seconds=60)
    assert clock.monotonic() == 60


async def test_answers_stream_word_by_word_and_prompts_are_kept() -> None:
    llm = ScriptedLLM("On the Rhine.")
    assert await words(llm) == ["On ", "the ", "Rhine."]
    assert llm.prompts == ["Where is Bonn?"]


async def test_an_answer_ends_at_the_limit() -> None:
    llm = ScriptedLLM("On the Rhine.")
    *_, end = [piece async for piece in llm.chat(PROMPT, ASK, limit=2)]
    assert isinstance(end, End)
    assert (end.reason, end.tokens_out) == ("length", 2)


async def test_a_function_answers_from_the_prompt_again_and_again() -> None:
    llm = ScriptedLLM("First.", lambda prompt: prompt[-1].text.upper())
    assert [await words(llm) for _ in range(3)] == [["First."]] + [["WHERE ", "IS ", "BONN?"]] * 2


async def test_scripted_errors_are_raised() -> None:
    llm = ScriptedLLM(LLMTimeout, "Later.")
    with pytest.raises(LLMTimeout):
        await words(llm)
    assert await words(llm) == ["Later."]


async def test_an_answer_that_hangs_hangs_until_cancelled() -> None:
    llm, said = ScriptedLLM(Hang("One moment")), list[str]()

    async def listen() -> None:
        async for piece in llm.chat(PROMPT, ASK, limit=9):
            said.append(piece.text if isinstance(piece, Piece) else "the end")

    listening = asyncio.ensure_future(listen())
    await FakeClock().advance(0)
    assert said == ["One ", "moment"]
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    assert llm.cancelled == 1


async def test_a_model_that_went_down_serves_nothing_until_it_comes_up() -> None:
    llm = ScriptedLLM("Back.")
    llm.go_down()
    with pytest.raises(LLMUnavailable):
        await words(llm)
    llm.come_up()
    await llm.ready()
    assert await words(llm) == ["Back."]


async def test_decisions_are_scripted_by_option_by_probabilities_or_by_function() -> None:
    llm = ScriptedLLM(decisions=["b", [1, 3], lambda _, options: options[0]])
    chosen = [(await llm.decide(PROMPT, ["a", "b"], ASK)).probabilities for _ in range(4)]
    assert chosen == [pytest.approx((0.1, 0.9)), (0.25, 0.75), pytest.approx((0.9, 0.1)), pytest.approx((0.9, 0.1))]


async def test_fills_and_scores_are_scripted() -> None:
    llm = ScriptedLLM(fills=[{"city": "Bonn"}], scores=lambda prefix, text: -float(len(prefix + text)))
    assert (await llm.fill(PROMPT, {"type": "object"}, ASK)).json == '{"city": "Bonn"}'
    scored = await llm.score([("ab", "c d")], ASK)
    assert [(score.logprob, score.tokens) for score in scored.scores] == [(-5.0, 2)]


async def test_a_script_with_nothing_left_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no answer left"):
        await words(ScriptedLLM())


async def run_with(bridge: FakeBridge, accept: Accept) -> asyncio.Task[None]:
    return asyncio.create_task(bridge.run(accept))


async def test_what_could_not_be_kept_is_handed_over_again() -> None:
    bridge, taken, full = FakeBridge(), list[str](), True

    async def accept(incoming: Incoming) -> bool:
        if full:
            raise StoreUnavailable("full")
        taken.append(incoming.external_id)
        return True

    running = await run_with(bridge, accept)
    message = hello()
    with pytest.raises(StoreUnavailable):
        await bridge.say(message)
    assert bridge.acknowledged == []
    full = False
    bridge.hand_over_again()
    await FakeClock().advance(0)
    running.cancel()
    assert bridge.acknowledged == taken == [message.external_id]


async def test_faults_befall_deliveries_in_order() -> None:
    bridge = FakeBridge(faults=[DeliveryRefused("no such chat"), None, DeliveryUncertain("cut off")])
    message = a_message("Hi")
    with pytest.raises(DeliveryRefused):
        await bridge.deliver(Outgoing(message=message))
    assert (await bridge.deliver(Outgoing(message=message))).ids == ("fake-1",)
    with pytest.raises(DeliveryUncertain):
        await bridge.deliver(Outgoing(message=message, again=True))
    assert [(delivery.text, delivery.again) for delivery in bridge.deliveries] == [("Hi", False), ("Hi", True)]
