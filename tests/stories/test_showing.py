"""What people see while an answer is being written; and that nothing waits for it."""

import asyncio
from typing import Any

from hub.errors import DeliveryDelayed
from hub.ports import Add, Draft
from hub.records import HOME, Address, Incoming, Task, Thread
from hub.testing import AbleBridge, Hang, ScriptedLLM, hello
from tests.stories.day import Day, at_work, until

CHAT = Address(bridge="able", chat="ann")
NO, YES = "no", "yes"


def said(text: str, **fields: Any) -> Incoming:
    return hello(text, address=CHAT, **fields)


class Slow(AbleBridge):
    """A platform that hasn't shown anything yet."""

    async def show(self, draft: Draft) -> None:
        self.drafts.append(draft)
        await asyncio.Event().wait()

    async def typing(self, address: Address) -> None:
        self.typed.append(address)
        await asyncio.Event().wait()


async def test_an_answer_is_shown_while_it_is_written_with_what_it_answers() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM(Hang("On its way")), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train", external_id="7"))
        await until(lambda: bridge.drafts != [], "nothing is shown")
        await day.clock.advance(1)
        draft = bridge.drafts[-1]

        assert (draft.text, draft.reply_to, draft.address) == ("On its way", "7", CHAT)
        assert draft.task.number == 1
        assert bridge.deliveries == []


async def test_typing_is_shown_every_four_seconds_until_the_answer_is_there() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM(Hang()), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await until(lambda: bridge.typed != [], "nobody types")
        await day.clock.advance(8.1)
        assert bridge.typed == [CHAT] * 3
        await day.hub.turns.stop((await day.task(1)).id)
        await day.quiet()
        await day.clock.advance(60)
        assert bridge.typed == [CHAT] * 3


async def test_a_draft_that_no_message_follows_is_dropped() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("To Bo"), Hang())
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("A train to Bonn", external_id="1"))
        await until(lambda: bridge.drafts != [], "nothing is shown")
        await day.clock.advance(1)
        await bridge.say(said("A train to Rome", external_id="1/e1", corrects="1"))
        await until(lambda: bridge.dropped != [], "it isn't dropped")

        assert bridge.dropped == [bridge.drafts[0].turn]


async def test_what_was_said_before_a_stop_is_delivered_and_not_dropped() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM(Hang("Half of")), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Tell a story"))
        await until(lambda: bridge.drafts != [], "nothing is shown")
        await day.clock.advance(1)
        await bridge.say(said("stop"))
        await bridge.heard(2)
        await day.quiet()

        assert "Half of" in bridge.texts
        assert bridge.dropped == []


async def test_a_platform_that_shows_nothing_slows_no_turn() -> None:
    bridge = Slow()
    llm = ScriptedLLM("One.", "Two.", "Three.")
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        for number in range(1, 4):
            await bridge.say(said(f"Message {number}", wish="new"))
        assert sorted(await bridge.heard(3)) == ["One.", "Three.", "Two."]
        await day.quiet()


async def test_the_thread_of_a_long_task_is_told_when_its_state_has_settled() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("The last of it is sung.", decisions=[YES])
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("/schedule in 1m sing of bikes"))
        await bridge.heard(1)
        task = await bound(day, await day.task(1))
        await day.clock.advance(61)
        await day.hub.scheduler.tick()
        await day.quiet()
        bridge.faults.append(DeliveryDelayed("slow down", 7.0))
        await day.clock.advance(1.5)
        assert [told.state for _, told in bridge.threads] == ["submitted"]
        await day.clock.advance(7.5)

        assert [(at.thread, told.state) for at, told in bridge.threads] == [("t1", "submitted"), ("t1", "completed")]
        assert task.id == bridge.threads[0][1].id


async def test_a_conversations_thread_is_not_closed_by_every_answer() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("One.", "Two."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said("Find a train"))
        await bridge.heard(1)
        task = await bound(day, await day.task(1))
        await day.clock.advance(5)
        assert bridge.threads == []
        await day.hub.tasks.cancel(task)
        await day.clock.advance(5)
        assert [told.state for _, told in bridge.threads] == ["canceled"]


async def test_where_nothing_can_be_shown_nobody_watches() -> None:
    async with Day(ScriptedLLM()) as day:
        async with asyncio.timeout(1):
            await day.hub.showing.run()


async def bound(day: Day, task: Task) -> Task:
    thread = Thread(tenant=HOME, bridge="able", chat="ann", thread="t1", task=task.id)
    await day.store.commit(Add(thread))
    return task
