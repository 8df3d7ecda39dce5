"""In quiet hours nothing comes that nobody waits for; all of it comes after them, in its order."""

from datetime import timedelta

import pytest

from hub.records import HOME, OWNER, Address, Incoming
from hub.testing import NOON, AbleBridge, FakeClock, ScriptedLLM, hello
from tests.stories.day import Day, at_work, until

YES = "yes"
HERE = Address(bridge="able", chat="ann")
EVENING = NOON + timedelta(hours=9)  # 21:00 UTC


def said(text: str, **more: str) -> Incoming:
    return hello(text, address=HERE, **more)


async def later(day: Day, hours: float) -> None:
    await day.clock.advance(hours * 3600)
    await day.hub.scheduler.tick()
    await day.quiet()
    await day.hub.scheduler.tick()
    await day.quiet()


async def test_a_result_at_night_comes_in_the_morning_and_an_answer_at_once() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("The first song.", "You're welcome.", decisions=[YES])
    async with Day(llm, bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        await bridge.say(said("/quiet 22:00-07:00"))
        await bridge.say(said("/schedule 23:30 sing to me"))
        await bridge.heard(2)
        await later(day, 2.6)
        assert (await day.task(1)).state == "completed"
        assert len(bridge.texts) == 2

        await bridge.say(said("Thank you", wish="new"))
        assert (await bridge.heard(3))[2] == "You're welcome."
        await later(day, 7.3)
        assert len(bridge.texts) == 3
        await later(day, 0.2)
        assert bridge.texts[3:] == ["The first song."]


async def test_what_waited_comes_in_its_order_also_after_a_restart() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("The first song.", "Another one.", decisions=[YES, YES])
    async with Day(llm, bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        await bridge.say(said("/quiet 22:00-07:00"))
        await bridge.say(said("/schedule 23:30 sing to me"))
        await bridge.say(said("/schedule 23:40 sing again"))
        await bridge.heard(3)
        await later(day, 2.55)
        await later(day, 0.2)
        store, clock, documents = day.store, day.clock, day.documents
    async with (
        Day(ScriptedLLM(), bridges={"able": bridge}, store=store, clock=clock, documents=documents) as day,
        at_work(day, bridge),
    ):
        await later(day, 1)
        assert len(bridge.texts) == 3
        await later(day, 7)
        assert bridge.texts[3:] == ["The first song.", "Another one."]


async def test_a_reminder_and_a_question_that_blocks_come_through() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("Reminder: take the pills", "Which room is it?", decisions=[YES])
    async with Day(llm, bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        await bridge.say(said("/quiet 22:00-07:00"))
        await bridge.say(said("/schedule 23:30 Reminder: take the pills"))
        await bridge.say(said("/schedule 23:40 book a room"))
        await bridge.heard(3)
        await later(day, 2.55)
        assert bridge.texts[3:] == ["Reminder: take the pills"]
        await later(day, 0.2)
        assert (await day.task(2)).state == "input-required"
        assert bridge.texts[4:] == ["Which room is it?"]


async def test_who_has_just_written_is_awake() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("The first song.", decisions=[YES])
    async with Day(llm, bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        await bridge.say(said("/quiet 20:00-07:00"))
        await bridge.say(said("/schedule in 10m sing to me"))
        await bridge.heard(2)
        await later(day, 0.2)
        assert bridge.texts[2:] == ["The first song."]


async def test_when_quiet_hours_are_ended_what_waited_comes_now() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("The first song.", decisions=[YES])
    async with Day(llm, bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        await bridge.say(said("/quiet 20-7"))
        await bridge.say(said("/schedule 22:00 sing to me"))
        await bridge.heard(2)
        await later(day, 1.1)
        assert len(bridge.texts) == 2
        await day.hub.habits.keep_quiet(HOME, OWNER, None)
        assert (await bridge.heard(3))[2] == "The first song."
        await bridge.say(said("/quiet"))
        assert "no quiet hours" in (await bridge.heard(4))[3]


async def test_a_digest_tells_what_ended_waits_and_is_planned_once_a_day() -> None:
    bridge = AbleBridge()
    llm = ScriptedLLM("The first song.", "Which room is it?", decisions=[YES])
    async with Day(llm, bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        for text in ("/schedule 21:30 sing to me", "/schedule 21:40 book a room", "/schedule daily 18:00 sing again"):
            await bridge.say(said(text))
        await bridge.say(said("/digest 08:00"))
        assert "first at" in (await bridge.heard(4))[3]
        await later(day, 0.55)
        await later(day, 0.2)
        await day.hub.daily.look()
        assert not any("Ended:" in text for text in bridge.texts)

        await later(day, 11)
        for _ in range(3):
            await day.hub.daily.look()
        await until(lambda: any("Ended:" in text for text in bridge.texts), "no digest")
        [digest] = [text for text in bridge.texts if "Ended:" in text]
        assert "#1 sing to me: The first song." in digest or "#1 sing to me" in digest
        assert "- #2 book a room: Waits for your answer: Which room is it?" in digest
        assert "- #3 sing again: Next run at 18:00" in digest
        assert "In a day: 2 turns" in digest

        await later(day, 12)
        await day.hub.daily.look()
        await day.quiet()
        assert len([text for text in bridge.texts if "In a day:" in text]) == 1


async def test_two_hubs_that_both_say_a_days_digest_say_it_once() -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM(), bridges={"able": bridge}, clock=FakeClock(EVENING)) as day, at_work(day, bridge):
        await bridge.say(said("/digest 21:30"))
        await bridge.heard(1)
        [wish] = await day.hub.preferences.wishes()
        await day.clock.advance(3600)
        await day.hub.daily.look()
        await bridge.heard(2)
        # The other one, or this one after a crash, doesn't know yet that it was said.
        await day.hub.preferences.keep_wish(wish)
        await day.hub.daily.look()
        await day.quiet()
        assert len(bridge.texts) == 2
        await bridge.say(said("/digest off"))
        assert (await bridge.heard(3))[2] == "No more digests."
        await day.clock.advance(86_400)
        await day.hub.daily.look()
        await day.quiet()
        assert len(bridge.texts) == 3


@pytest.mark.parametrize("text", ["/quiet at night", "/digest in the morning", "/quiet 7-7"])
async def test_what_is_no_time_is_refused_in_words(text: str) -> None:
    bridge = AbleBridge()
    async with Day(ScriptedLLM(), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(said(text))
        [answer] = await bridge.heard(1)
        assert "say" in answer or "give" in answer
