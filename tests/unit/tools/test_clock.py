"""Time and dates, as seen from Sunday, 22 November 2026, 10:05 UTC."""

from datetime import UTC, datetime

import pytest

from hub.errors import ToolError
from hub.records import HOME, OWNER
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock
from hub.times.zones import Zones
from hub.tools.clock import ClockTool
from tests.unit.tools.calls import use, use_with

NOW = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
tool = ClockTool(FakeClock(NOW), Zones(MemoryDocuments(), "UTC"))


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({}, "It is 10:05 on Sunday, 22 November 2026."),
        ({"place": "Tokyo"}, "It is 19:05 in Tokyo on Sunday, 22 November 2026."),
        ({"place": "new york"}, "It is 05:05 in New York on Sunday, 22 November 2026."),
        ({"place": "Europe/Berlin"}, "It is 11:05 in Berlin on Sunday, 22 November 2026."),
        ({"date": "in 10 days"}, "It will be Wednesday, 2 December 2026, 10 days from today."),
        ({"date": "10 days"}, "It will be Wednesday, 2 December 2026, 10 days from today."),
        ({"date": "three weeks from now"}, "It will be Sunday, 13 December 2026, 21 days from today."),
        ({"date": "next Friday"}, "It will be Friday, 27 November 2026, 5 days from today."),
        ({"date": "2000-01-01"}, "It was Saturday, 1 January 2000, 9822 days ago."),
        ({"date": "tomorrow"}, "It will be Monday, 23 November 2026, 1 day from today."),
        ({"date": "in 3 hours"}, "It is Sunday, 22 November 2026 at 13:05, that is today."),
        ({"date": "My rent is due in 12 days."}, "It will be Friday, 4 December 2026, 12 days from today."),
        (
            {"date": "2026-01-01", "until": "2026-03-01"},
            "From Thursday, 1 January 2026 to Sunday, 1 March 2026: 59 days (8 weeks and 3 days).",
        ),
    ],
)
async def test_times_and_dates_come_in_a_sentence(arguments: dict[str, str], result: str) -> None:
    assert await use_with(tool, arguments) == result


async def test_dates_are_those_of_the_hubs_time_zone() -> None:
    evening = FakeClock(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))

    assert (
        await use(ClockTool(evening, Zones(MemoryDocuments(), "Asia/Tokyo")))
        == "It is 08:30 on Monday, 23 November 2026."
    )


async def test_dates_are_those_of_the_zone_that_the_person_has_chosen() -> None:
    zones = Zones(MemoryDocuments(), "UTC")
    await zones.choose(HOME, OWNER, "Tokyo")

    assert await use(ClockTool(FakeClock(NOW), zones)) == "It is 19:05 on Sunday, 22 November 2026."


@pytest.mark.parametrize(
    "arguments", [{"date": "soonish"}, {"place": "Nowhereville"}, {"date": "x" * 300}, {"when": "now"}]
)
async def test_what_cannot_be_read_is_said_with_a_way_out(arguments: dict[str, str]) -> None:
    with pytest.raises(ToolError, match=r"Write it like|Name a big city|Give them as"):
        await use_with(tool, arguments)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("What time is it?", {}),
        ("what's today's date?", {}),
        ("Is it Friday today?", {}),
        ("what time is it in tokyo right now?", {"place": "tokyo"}),
        ("What day is it in 10 days?", {"date": "in 10 days"}),
        ("What weekday was July 4, 1976?", {"date": "July 4, 1976"}),
        ("How many days until 24 December?", {"date": "24 December"}),
        ("How many days are between 2026-01-01 and 2026-03-01?", {"date": "2026-01-01", "until": "2026-03-01"}),
        ("My rent is due in 12 days. Which date is that?", {"date": "in 12 days"}),
        ("I was born on 4 July 1990. What weekday was that?", {"date": "4 July 1990"}),
    ],
)
def test_a_message_that_asks_for_nothing_else_is_read(message: str, arguments: dict[str, str]) -> None:
    read = tool.read(message)

    assert read is not None
    assert {name: str(value).removeprefix("on ") for name, value in read.items()} == arguments


@pytest.mark.parametrize(
    "message",
    [
        "How was your day?",
        "What is 17*23?",
        "It takes a lot of time.",
        "Remind me on Friday to call Ann",
        "When is my dentist appointment?",
        "What happened on 4 July 1976?",
        "Write a poem about the time in 10 days.",
    ],
)
def test_a_message_that_leaves_a_doubt_is_not_read(message: str) -> None:
    assert tool.read(message) is None


@pytest.mark.parametrize("message", ["hello", "tell me a joke", "Have a nice day!", "What is the capital of France?"])
def test_it_is_not_offered_for_plain_talk(message: str) -> None:
    assert not tool.fits(message)
