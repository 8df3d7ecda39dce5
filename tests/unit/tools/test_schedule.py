"""What's to be done later, out of how people say it; a call made again after a crash plans the same."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadRequest, ToolError
from hub.flow.whens import read
from hub.ports import Reading
from hub.times.phrases import find
from tests.unit.tools.calls import use
from tests.unit.tools.world import World

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 10, 5, tzinfo=BERLIN)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("said", "when", "rest"),
    [
        ("remind me tomorrow at 9 to call Ann", "2026-11-26 09:00", "remind me to call Ann"),
        ("remind me to call Ann tomorrow at 9am", "2026-11-26 09:00", "remind me to call Ann"),
        ("remind me to leave at 17:30", "2026-11-25 17:30", "remind me to leave"),
        ("remind me at 9 to call Ann", "2026-11-26 09:00", "remind me to call Ann"),
        ("remind me tonight at 8 of the film", "2026-11-25 20:00", "remind me of the film"),
        ("remind me tomorrow evening to call mum", "2026-11-26 19:00", "remind me to call mum"),
        ("remind me on 24 December at noon to cook", "2026-12-24 12:00", "remind me to cook"),
        ("remind me on the 3rd of December at 10 to go", "2026-12-03 10:00", "remind me to go"),
        ("remind me on 2026-12-24 at 18:00 of church", "2026-12-24 18:00", "remind me of church"),
        ("remind me next Friday to pay the rent", "2026-11-27 09:00", "remind me to pay the rent"),
        ("remind me on Wednesday at 8 to vote", "2026-12-02 08:00", "remind me to vote"),
        ("remind me the day after tomorrow to vote", "2026-11-27 09:00", "remind me to vote"),
        ("remind me in 3 months to see the dentist", "2027-02-25 09:00", "remind me to see the dentist"),
        ("remind me in 2 days at 8 to vote", "2026-11-27 08:00", "remind me to vote"),
        ("in 20 minutes", "in 20m", ""),
        ("in half an hour", "in 30m", ""),
        ("in an hour", "in 1h", ""),
        ("in 2 weeks", "in 14d", ""),
        ("every day at 8 pm", "0 20 * * *", ""),
        ("daily at 7.15", "15 7 * * *", ""),
        ("every weekday at 7:30", "30 7 * * mon-fri", ""),
        ("every Monday and Thursday at 18:00", "0 18 * * mon,thu", ""),
        ("every Sunday evening", "0 19 * * sun", ""),
        ("every month on the 1st at 9", "0 9 1 * *", ""),
        ("every 2 hours", "0 */2 * * *", ""),
        ("every 15 minutes", "*/15 * * * *", ""),
    ],
)
def test_a_time_is_found_and_the_rest_is_left(said: str, when: str, rest: str) -> None:
    found = find(said, NOW)

    assert found is not None
    assert (found.when, found.rest) == (when, rest)
    assert read(found.when, NOW, "Europe/Berlin").text == ""


@pytest.mark.parametrize("said", ["remind me to call Ann", "read 1984", "call Ann at 555 0192", "3 apples", ""])
def test_where_no_time_is_none_is_found(said: str) -> None:
    assert find(said, NOW) is None


@pytest.mark.parametrize(
    "said", ["today at 8", "at 25:00", "on 2026-02-30 at 8", "on 2025-01-01", "on 31 February", "on 1 May 2031"]
)
def test_a_time_that_is_over_or_none_is_said(said: str) -> None:
    with pytest.raises(BadRequest, match=r"\.$"):
        find(said, NOW)


WORDS = (
    *(
        "remind",
        "me",
        "at",
        "in",
        "on",
        "every",
        "day",
        "each",
        "tomorrow",
        "tonight",
        "9",
        "8:30",
        "25:61",
        "pm",
        "an",
    ),
    *("monday", "and", "31", "february", "weekday", "noon", "0", "minutes", "half", "hour", "99999", "hours", "month"),
    *("the", "1st", "to", "call", "Ann", "daily", "this", "morning", "next", ",", "."),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_whatever_is_found_is_a_time_that_can_be_planned(words: list[str]) -> None:
    try:
        found = find(" ".join(words), NOW)
    except BadRequest:
        return
    for when in (found.when, *found.others) if found else ():
        assert read(when, NOW, "Europe/Berlin").text == ""


async def test_a_reminder_is_planned_for_its_time(world: World) -> None:
    assert await use(world.tools["schedule"], when="tomorrow at 9", text="Remind me to call Ann") == (
        "Planned: planned for 2026-11-23 09:00"
    )
    await use(world.tools["schedule"], when="every Monday at 8:00", text="Send me the news")
    await use(world.tools["schedule"], when="0 8 * * 1-5", text="Send me the news")

    assert [what for what, _, _ in world.errands.done] == ["plan"] * 3
    assert [text for _, _, text in world.errands.done] == [
        "2026-11-23 09:00: Reminder: call Ann",
        "0 8 * * mon: Send me the news",
        "0 8 * * 1-5: Send me the news",
    ]


async def test_a_call_made_again_a_little_later_plans_the_same(world: World) -> None:
    for when in ("in 20 minutes", "tomorrow at 9"):
        await use(world.tools["schedule"], when=when, text="Stretch")
        await world.clock.advance(timedelta(seconds=40).total_seconds())
        await use(world.tools["schedule"], when=when, text="Stretch")

    done = world.errands.done
    assert done[0] == done[1]
    assert done[2] == done[3]


async def test_without_a_time_the_person_is_to_be_asked(world: World) -> None:
    with pytest.raises(ToolError, match="Ask the user when"):
        await use(world.tools["schedule"], when="soon", text="Remind me to call Ann")


async def test_a_reminder_whose_time_has_come_is_said(world: World) -> None:
    remind = world.tools["remind"]
    assert isinstance(remind, Reading)
    assert remind.read("Reminder: call Ann") == {"text": "call Ann"}
    assert await use(remind, text="call Ann") == "Reminder: call Ann"
    assert remind.read("Remind me to call Ann") is None


@pytest.mark.parametrize(
    ("message", "when", "text"),
    [
        ("Remind me tomorrow at 9 to call Ann", "tomorrow at 9", "Reminder: call Ann"),
        ("Please remind me to call Ann tomorrow at 9am.", "tomorrow at 9am", "Reminder: call Ann"),
        ("Set a reminder for 17:30 to leave", "17:30", "Reminder: leave"),
        ("remind me on friday about the rent", "on friday", "Reminder: the rent"),
        ("Send me the news every Monday at 8", "every Monday at 8", "Send me the news"),
        ("I need a reminder for my dentist on Friday at 10", "on Friday at 10", "Reminder: my dentist"),
        ("Wake me at 7 tomorrow", "at 7 tomorrow", "Reminder: wake up"),
        ("remind me in 20 minutes", "in 20 minutes", "Reminder: it's time"),
        ("Set an alarm for 6:30", "6:30", "Reminder: it's time"),
        ("every day at 8 tell me a joke", "every day at 8", "Tell me a joke"),
    ],
)
def test_what_leaves_no_doubt_is_read(world: World, message: str, when: str, text: str) -> None:
    schedule = world.tools["schedule"]
    assert isinstance(schedule, Reading)
    assert schedule.fits(message)
    assert schedule.read(message) == {"when": when, "text": text}


@pytest.mark.parametrize(
    "message",
    [
        "Remind me to call Ann",
        "Remind me tomorrow that the film starts at 20:00",
        "Remind me today at 8 to run",
        "Tell me the date in 45 days",
        "What are the benefits of drinking water every day?",
    ],
)
def test_what_leaves_a_doubt_is_left_to_the_model(world: World, message: str) -> None:
    schedule = world.tools["schedule"]
    assert isinstance(schedule, Reading)
    assert schedule.read(message) is None
