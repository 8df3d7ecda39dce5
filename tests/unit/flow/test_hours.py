"""Quiet hours by the clocks of a place, also on the days on which these are changed."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from hub.errors import BadRequest
from hub.flow.hours import Hours, clock_time, hours, next_time, quiet_until

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(begin=time(22), end=time(7))


def there(text: str, fold: int = 0) -> datetime:
    """Return a moment as clocks in Berlin show it."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-05-01T21:59:59", None),
        ("2026-05-01T22:00", "2026-05-02T07:00"),
        ("2026-05-02T06:59", "2026-05-02T07:00"),
        ("2026-05-02T07:00", None),
        # An hour is left out on this night, and another comes twice on that one.
        ("2026-03-28T23:00", "2026-03-29T07:00"),
        ("2026-10-24T23:00", "2026-10-25T07:00"),
    ],
)
def test_a_night_is_over_when_clocks_there_show_its_end(now: str, until: str | None) -> None:
    assert quiet_until(NIGHT, there(now), BERLIN) == (there(until) if until else None)


def test_the_nights_of_a_change_last_seven_and_nine_hours_and_more() -> None:
    for begin, seconds in (("2026-03-28T22:00", 8 * 3600), ("2026-10-24T22:00", 10 * 3600)):
        until = quiet_until(NIGHT, there(begin), BERLIN)
        assert until is not None
        assert (until - there(begin)).total_seconds() == seconds


def test_hours_within_a_day_and_ends_that_come_twice_or_never() -> None:
    lunch = Hours(begin=time(12), end=time(13))
    assert quiet_until(lunch, there("2026-05-01T12:30"), BERLIN) == there("2026-05-01T13:00")
    assert quiet_until(lunch, there("2026-05-01T22:30"), BERLIN) is None
    until_half_past_two = Hours(begin=time(22), end=time(2, 30))
    assert quiet_until(until_half_past_two, there("2026-10-25T02:15", fold=1), BERLIN) == there("2026-10-25T02:30", 1)
    end = quiet_until(until_half_past_two, there("2026-03-29T01:59"), BERLIN)
    assert end == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # clocks showed 3:30 then


@pytest.mark.parametrize(
    ("text", "words", "zone"),
    [
        ("22:00-07:00", "22:00-07:00", ""),
        ("22-7", "22:00-07:00", ""),
        ("22:30 to 6 Europe/Berlin", "22:30-06:00", "Europe/Berlin"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, words: str, zone: str) -> None:
    read = hours(text)
    assert (read.words, read.zone) == (words, zone)


@pytest.mark.parametrize("text", ["", "at night", "25:00-07:00", "7-7", "22-7 Nowhere/Land", "22:00"])
def test_others_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match=r"22:00-07:00|give two|Europe/Berlin"):
        hours(text)


def test_a_time_of_day_comes_next_today_or_tomorrow() -> None:
    assert clock_time("8", "digest") == time(8)
    with pytest.raises(BadRequest, match="08:00"):
        clock_time("morning", "digest")
    assert next_time(time(8), there("2026-05-01T07:59"), BERLIN) == there("2026-05-01T08:00")
    assert next_time(time(8), there("2026-05-01T08:00"), BERLIN) == there("2026-05-02T08:00")
