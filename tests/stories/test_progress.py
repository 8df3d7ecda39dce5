"""One message says how far an assignment is: edited as it goes on, never doubled, and its last words are its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from hub.errors import DeliveryRefused, DeliveryUncertain
from hub.ports import News, Save
from hub.records import HOME, OWNER, Address, Event, MessageId, Point, Task, TaskId
from hub.testing import AbleBridge, FakeBridge, Hang, ScriptedLLM, hello, settle
from tests.stories.day import CHAT, Day, at_work, until

YES, NO = "yes", "no"
THERE = Address(bridge="able", chat="ann")


async def assigned(day: Day, bridge: FakeBridge) -> TaskId:
    """Have a task planned in a chat, and its first turn begun."""
    await bridge.say(hello("/schedule in 1m sing of bikes", address=Address(bridge=bridge.name, chat="ann")))
    await bridge.heard(1)
    await day.clock.advance(61)
    await day.hub.scheduler.tick()
    await until(lambda: len(day.llm.prompts) == 1, "no turn was taken")
    return (await day.task(1)).id


async def second_turn(day: Day) -> None:
    """Let the first turn end, and the second begin and go on for a while."""
    await day.quiet()
    await day.clock.advance(60)
    await day.hub.scheduler.tick()
    await until(lambda: len(day.llm.prompts) == 2, "no second turn was taken")
    await day.clock.advance(5)


@asynccontextmanager
async def long_work(bridge: FakeBridge, *, store: Any = None, **more: Any) -> AsyncIterator[Day]:
    llm = ScriptedLLM("The first verse, of seven.", Hang("Half"), "The last of it is sung.", decisions=[NO, YES])
    async with Day(llm, bridges={bridge.name: bridge}, store=store, **more) as day, at_work(day, bridge):
        yield day


async def finish(day: Day) -> Task:
    """Stop the turn that hangs, and have another end the task."""
    task = await day.task(1)
    await day.hub.turns.stop(task.id)
    await a_while(day)
    await day.hub.tasks.resume(await day.task(1))
    await day.clock.advance(1)
    await day.hub.scheduler.tick()
    await a_while(day)
    return await day.task(1)


async def a_while(day: Day) -> None:
    """Let it be looked how far tasks are."""
    await day.quiet()
    await day.clock.advance(5)
    await settle()
    await day.quiet()


async def test_from_the_second_turn_on_one_message_says_how_far_it_is_and_ends_as_one_line() -> None:
    bridge = AbleBridge()
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        progress = bridge.deliveries[1]
        assert progress.outgoing.silent
        assert progress.text.splitlines()[0] == "Working: turn 2 of 20"
        assert "Used: 1 of 20 turns" in progress.text

        task = await finish(day)
        assert task.state == "completed"
        assert task.progress is None
        assert bridge.texts[1:] == ["Done after 3 turns, 5 s", "Half", "The last of it is sung."]
        assert [ids for _, ids in bridge.edits] == [progress.ids] * len(bridge.edits)
        assert next(text.splitlines()[0] for text, _ in bridge.edits) == "Stopped; /resume 1 goes on"


async def test_a_first_turn_is_told_of_once_it_has_taken_long() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("Half"))
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await assigned(day, bridge)
        await day.clock.advance(20)
        assert len(bridge.texts) == 1
        await day.clock.advance(20)
        [_, text] = await bridge.heard(2)
        assert text.startswith("Working: turn 1 of 20")


async def test_it_is_edited_only_when_the_words_change_and_at_most_every_few_seconds() -> None:
    bridge = AbleBridge()
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        await day.clock.advance(120)
        assert bridge.edits == []
        for state in ("done", "open", "done"):
            task = await day.task(1)
            await day.store.commit(Save(replace(task, plan=(Point(text="Rhyme", state=state),))))
            await day.clock.advance(1)
        await day.clock.advance(4)
        await until(lambda: bridge.edits != [], "it isn't edited")
        assert 1 <= len(bridge.edits) <= 2
        assert "Plan: 1 of 1 points done" in bridge.texts[1]


async def test_a_conversation_and_what_is_split_off_a_task_have_no_progress() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM(Hang("Half"), Hang("Half"))
    async with Day(llm, bridges={"able": bridge}) as day, at_work(day, bridge):
        await assigned(day, bridge)
        await day.store.commit(Save(replace(await day.task(1), parent=TaskId("above"))))
        await bridge.say(hello("Tell a story", address=THERE, wish="new"))
        await until(lambda: len(llm.prompts) == 2, "no turn was taken")
        await day.clock.advance(60)
        assert len(bridge.texts) == 1


async def test_nothing_is_kept_in_mind_of_what_has_no_progress() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM("One.", "Two."), bridges={"able": bridge}) as day, at_work(day, bridge):
        for words in ("Say one", "Say two"):
            await bridge.say(hello(words, address=THERE, wish="new"))
        await bridge.heard(2)
        assert len(day.hub.progress.followed) == 2
        await a_while(day)
        assert day.hub.progress.followed == frozenset()


async def test_after_a_restart_it_is_the_same_message_still() -> None:
    bridge, later = AbleBridge(), AbleBridge()
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        store, clock = day.store, day.clock
    task = await day.task(1)
    assert task.progress is not None
    later.deliveries, later.counted_from = bridge.deliveries, 1
    llm = ScriptedLLM("The last of it is sung.", decisions=[YES])
    async with Day(llm, bridges={"able": later}, store=store, clock=clock) as day, at_work(day, later):
        await day.hub.scheduler.tick()
        await until(lambda: "The last of it is sung." in later.texts, "it isn't finished")
        await a_while(day)
        assert later.texts[1:] == ["Done after 2 turns, 0 s", "The last of it is sung."]
        assert (await day.task(1)).progress is None


async def test_a_task_that_ended_before_its_last_line_was_written_gets_it_at_the_next_start() -> None:
    bridge = AbleBridge()
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        store, clock = day.store, day.clock
    task = await day.task(1)
    await store.commit(Save(replace(task, state="canceled")))
    async with Day(ScriptedLLM(), bridges={"able": bridge}, store=store, clock=clock) as day, at_work(day, bridge):
        await until(lambda: bridge.texts[1] == "Canceled after 1 turn, 0 s", "its last line is missing")


async def test_one_that_may_have_arrived_is_never_sent_a_second_time() -> None:
    bridge = AbleBridge(faults=[None, DeliveryUncertain("lost")])
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        await day.clock.advance(300)
        await day.hub.scheduler.tick()
        assert len(bridge.deliveries) == 2
        await finish(day)
        assert bridge.texts[2:] == ["Half", "The last of it is sung."]


async def test_where_nothing_can_be_edited_there_is_a_first_line_and_a_last() -> None:
    bridge = FakeBridge()
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        await finish(day)
        assert [text.splitlines()[0] for text in bridge.texts[1:]] == [
            *("Working: turn 2 of 20", "Half"),
            *("The last of it is sung.", "Done after 3 turns, 5 s"),
        ]


async def test_where_it_can_no_longer_be_edited_its_last_line_is_said_anew_and_nothing_else() -> None:
    bridge = AbleBridge()
    async with long_work(bridge) as day:
        await assigned(day, bridge)
        await second_turn(day)
        await bridge.heard(2)
        bridge.faults = [DeliveryRefused("too old")]
        await day.hub.turns.stop((await day.task(1)).id)
        await a_while(day)
        assert len(bridge.texts) == 2
        bridge.faults = [DeliveryRefused("too old")]
        await day.hub.tasks.cancel(await day.task(1))
        await day.clock.advance(5)
        assert (await bridge.heard(3))[2].startswith("Canceled after 2 turns")


async def test_followers_elsewhere_hear_that_it_began_and_of_its_end_and_nothing_between() -> None:
    here, there = AbleBridge("able"), AbleBridge("fake")
    llm = ScriptedLLM("The first verse, of seven.", Hang("Half"), "The last of it is sung.", decisions=[NO, YES])
    async with Day(llm, bridges={"able": here, "fake": there}) as day, at_work(day, here, there):
        await assigned(day, here)
        await there.say(hello("/follow 1", address=Address(bridge="fake", chat="ann")))
        await there.heard(1)
        await second_turn(day)
        await there.heard(2)
        await finish(day)
        assert there.edits == []
        assert [text.splitlines()[0] for text in there.texts[1:]] == [
            *("Working: turn 2 of 20", "The last of it is sung."),
        ]


async def test_on_the_web_it_changes_in_place_and_is_no_answer() -> None:
    bridge = FakeBridge()
    async with long_work(bridge) as day:
        task, asked = await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text="Sing of bikes", external_id="api:1"
        )
        id = task.id
        await until(lambda: len(day.llm.prompts) == 1, "no turn was taken")
        await second_turn(day)
        await until(lambda: not day.hub.dispatcher.busy - {f"task:{id}"}, "it isn't said")
        [_, _, progress] = await day.store.messages_of_task(id, limit=9)
        assert progress.role == "notice"
        assert [reply.text for reply in await day.store.replies(asked.id)] == ["The first verse, of seven."]
        news = day.hub.feed.watch(HOME, OWNER)
        await finish(day)
        assert (await day.now(progress)).text.startswith("Done after 3 turns")
        await news_of(news, progress.id)
        await news.aclose()


async def news_of(news: News, message: MessageId) -> None:
    """Wait until it's told that a notice is another by now."""
    async with asyncio.timeout(20):
        async for item in news:
            if isinstance(item, Event) and (item.kind, item.message) == ("notice", message):
                return
