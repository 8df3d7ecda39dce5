"""What a hub finds when it comes back: everything that was accepted, and nothing done twice.

Leaving a Day in mid-work cuts the hub off without its last commits, as a kill would; tests/faults does it with SIGKILL.
"""

import asyncio

from hub.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain, LLMUnavailable
from hub.flow.connecting import connect
from hub.ports import Accept, Add, Change, Save
from hub.records import HOME, OWNER, Event, Task, Turn
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeBridge, FakeClock, Hang, ScriptedLLM, hello
from tests.stories.day import Day, until


async def test_a_turn_cut_off_by_a_crash_is_taken_again() -> None:
    store = MemoryStore()
    async with Day(ScriptedLLM(Hang("Wh")), store=store) as day:
        message = await day.sends("Hello")
        await day.working()

    async with Day(ScriptedLLM("When?"), store=store) as day:
        await day.quiet()

        assert await day.replies(message) == ["When?"]
        turns = await day.store.turns((await day.task(1)).id)
        assert [turn.state for turn in turns] == ["done"]


async def test_a_finished_step_is_not_done_again_after_a_crash() -> None:
    store, documents = MemoryStore(), MemoryDocuments()
    llm = ScriptedLLM(Hang(), decisions=["remember", "none"], fills=[{"fact": "my dog is called Rex"}])
    async with Day(llm, store=store, documents=documents) as day:
        message = await day.sends("My dog is called Rex, and he loves long walks at night")
        await day.working()
        owner = next(iter(await day.store.turns((await day.task(1)).id)))
        before = await store.steps(owner.id)
        assert [step.name for step in before if step.kind == "tool"] == ["remember"]

    async with Day(ScriptedLLM("Noted."), store=store, documents=documents) as day:
        await day.quiet()

        assert await day.replies(message) == ["Noted."]
        assert await store.steps(owner.id) == before


async def test_a_message_that_joined_a_running_turn_is_answered_after_a_crash_too() -> None:
    store = MemoryStore()
    async with Day(ScriptedLLM(Hang()), store=store) as day:
        one = await day.sends("Plan a party")
        await day.working()
        two = await day.sends("with cake", wish=(await day.task(1)).id)
        await until(lambda: True, "")

    async with Day(ScriptedLLM("A party with cake.", "Cake."), store=store) as day:
        await day.quiet()
        for message in (one, two):
            assert (await day.now(message)).state == "answered"
            assert await day.replies(message)


async def test_a_message_over_which_the_hub_dies_alone_three_times_is_put_aside_and_its_sender_told() -> None:
    store = MemoryStore()
    message = None
    for _ in range(3):
        async with Day(ScriptedLLM(Hang()), store=store) as day:
            message = message or await day.sends("poison")
            await day.working()

    async with Day(ScriptedLLM("never said"), store=store) as day:
        await day.quiet()
        assert message is not None
        assert (await day.now(message)).state == "failed"
        (notice,) = await day.replies(message)
        assert "three times" in notice
        (letter,) = await store.dead(HOME, 10)
        await day.hub.letters.retry(letter)
        await day.quiet()
        assert await day.replies(message) == [notice, "never said"]


async def test_bystanders_of_many_deaths_are_not_blamed() -> None:
    store = MemoryStore()
    messages = []
    for attempt in range(4):
        async with Day(ScriptedLLM(Hang(), Hang()), store=store) as day:
            if attempt == 0:
                messages = [await day.sends("one", wish="new"), await day.sends("two", wish="new")]
            await until(day.both_at_work, "not both at work")

    async with Day(ScriptedLLM("first", "second"), store=store) as day:
        await day.quiet()
        assert [(await day.now(message)).state for message in messages] == ["answered", "answered"]


async def test_a_message_that_kills_the_model_three_times_alone_is_given_up_and_others_go_on() -> None:
    async with Day(ScriptedLLM(*[LLMUnavailable()] * 4, "Hello.")) as day:
        poison = await day.says("poison")
        assert (await day.now(poison)).state == "failed"
        assert "/resume 1" in (await day.replies(poison))[0]
        fine = await day.says("hello", wish="new")
        assert await day.replies(fine) == ["Hello."]


async def test_a_delayed_delivery_is_waited_out_and_keeps_the_chats_order() -> None:
    bridge = FakeBridge(faults=[DeliveryDelayed("slow down", 7.0)])
    clock = FakeClock()
    async with Day(ScriptedLLM("One.", "Two."), bridges={"fake": bridge}, clock=clock) as day:
        await day.hub.inbox.accept(hello("first", wish="new"))
        await day.quiet()
        await day.hub.inbox.accept(hello("second", wish="new"))
        await day.quiet()
        assert bridge.texts == []
        await clock.advance(7.1)
        await day.hub.scheduler.tick()
        await day.quiet()
        assert bridge.texts == ["One.", "Two."]


async def test_an_uncertain_delivery_is_made_once_more_and_marked() -> None:
    bridge = FakeBridge(faults=[DeliveryUncertain("connection lost")])
    clock = FakeClock()
    async with Day(ScriptedLLM("One."), bridges={"fake": bridge}, clock=clock) as day:
        await day.hub.inbox.accept(hello("first"))
        await day.quiet()
        await clock.advance(2)
        await day.hub.scheduler.tick()
        await day.quiet()
        assert [delivery.again for delivery in bridge.deliveries] == [False, True]


async def test_a_refused_delivery_is_a_dead_letter_and_the_next_goes_out() -> None:
    bridge = FakeBridge(faults=[DeliveryRefused("chat not found")])
    async with Day(ScriptedLLM("One.", "Two."), bridges={"fake": bridge}) as day:
        await day.hub.inbox.accept(hello("first", wish="new"))
        await day.hub.inbox.accept(hello("second", wish="new"))
        await day.quiet()
        assert bridge.texts == ["Two."]
        (letter,) = await day.store.dead(HOME, 10)
        assert letter.error == "chat not found"


async def test_a_delivery_begun_when_the_hub_died_is_made_again_and_marked() -> None:
    store = MemoryStore()
    bridge = FakeBridge(faults=[DeliveryDelayed("wait", 1.0)])
    async with Day(ScriptedLLM("One."), store=store, bridges={"fake": bridge}) as day:
        await day.hub.inbox.accept(hello("first"))
        await day.quiet()
        (entry,) = await store.entries("out:home:fake:ann", day.clock.now().replace(year=2030), 1)
        await store.commit(Save(day.hub.spool.begin(entry)))

    clock = FakeClock()
    clock.put(clock.now().replace(year=2030))
    async with Day(ScriptedLLM(), store=store, bridges={"fake": bridge}, clock=clock) as day:
        await day.quiet()
        assert [delivery.again for delivery in bridge.deliveries] == [True]
        assert await store.waiting(HOME, OWNER) == 0


class _Meddling(MemoryStore):
    """A store in which somebody else changes a task at the very moment when a turn of it begins; once."""

    meddled = False

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        if not self.meddled and any(isinstance(change, Add) and isinstance(change.record, Turn) for change in changes):
            self.meddled = True
            (task,) = [change.record for change in changes if isinstance(change.record, Task)]
            await super().commit(Save(task))
        return await super().commit(*changes)


async def test_a_task_changed_at_the_moment_its_turn_begins_is_looked_at_again_at_once() -> None:
    async with Day(ScriptedLLM("Hi!"), store=_Meddling()) as day:
        message = await day.says("Hello")
        assert await day.replies(message) == ["Hi!"]


class _Stumbling(FakeBridge):
    """A bridge whose platform sends something that it doesn't understand; once."""

    stumbled = False

    async def run(self, accept: Accept) -> None:
        if not self.stumbled:
            self.stumbled = True
            raise ValueError("what's this?")
        await super().run(accept)


async def test_a_bridge_that_stumbles_is_begun_again_and_takes_nothing_down_with_it() -> None:
    bridge = _Stumbling()
    async with Day(ScriptedLLM("One."), bridges={"fake": bridge}) as day, asyncio.TaskGroup() as group:
        running = group.create_task(connect(bridge, day.hub.inbox.accept, day.hub.hubs, day.clock))
        bridge.push(hello("first"))
        await day.quiet()
        assert bridge.texts == []
        await day.clock.advance(1.0)
        await day.quiet()
        assert bridge.texts == ["One."]
        running.cancel()
