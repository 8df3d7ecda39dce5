"""Times as people write them after /schedule."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.errors import BadRequest
from hub.flow.schedules import next_time
from hub.flow.whens import parse
from hub.records import Schedule

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due_at", "what"),
    [
        ("in 20m call Ann", NOON + timedelta(minutes=20), "call Ann"),
        ("in 2 hours call Ann", NOON + timedelta(hours=2), "call Ann"),
        ("IN 3 days call\nAnn", NOON + timedelta(days=3), "call\nAnn"),
        ("13:30 call Ann", NOON + timedelta(minutes=30), "call Ann"),
        ("2026-11-23 13:30 call Ann", NOON + timedelta(days=1, minutes=30), "call Ann"),
        ("on 2026-11-22T13:01 call Ann", NOON + timedelta(minutes=1), "call Ann"),
        ("at 12:59 call Ann", NOON + timedelta(hours=23, minutes=59), "call Ann"),
    ],
)
def test_a_time_once(text: str, due_at: datetime, what: str) -> None:
    when = parse(text, NOON, "Europe/Berlin")
    assert (when.due_at, when.schedule, when.text) == (due_at, None, what)


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("daily 08:30 wake me", "30 8 * * *"),
        ("every day at 8:30 wake me", "30 8 * * *"),
        ("0 8 * * 1-5 wake me", "0 8 * * 1-5"),
        ("*/5 * * * mon-fri wake me", "*/5 * * * mon-fri"),
    ],
)
def test_a_time_that_comes_again(text: str, schedule: str) -> None:
    when = parse(text, NOON, "UTC")
    assert (when.due_at, when.schedule, when.text) == (None, Schedule(cron=schedule, zone="UTC"), "wake me")


@pytest.mark.parametrize("text", ["", "soon call Ann", "in 20m", "25:00 call Ann", "in 900000d x", "61 8 * * * x"])
def test_what_is_no_time_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(BadRequest, match="schedule"):
        parse(text, NOON, "UTC")


def test_a_crontab_keeps_its_hour_when_the_clocks_change() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    first = next_time("0 8 * * *", "Europe/Berlin", before)
    assert first == datetime(2026, 3, 29, 6, tzinfo=UTC)
    assert next_time("0 8 * * *", "Europe/Berlin", before - timedelta(days=1)) == datetime(2026, 3, 28, 7, tzinfo=UTC)


def test_a_crontab_that_never_comes_is_refused() -> None:
    with pytest.raises(BadRequest, match="never comes"):
        next_time("0 0 30 2 *", "UTC", NOON)


@pytest.mark.parametrize(
    ("days", "due"),
    [
        ("1-5", "Mon 23"),
        ("0", "Sun 29"),
        ("7", "Sun 29"),
        ("6", "Sat 28"),
        ("2,4", "Tue 24"),
        ("4-7", "Thu 26"),
        ("*/3", "Wed 25"),
        ("3/2", "Wed 25"),
        ("tue-thu", "Tue 24"),
        ("*", "Mon 23"),
    ],
)
def test_weekdays_are_counted_as_every_crontab_counts_them(days: str, due: str) -> None:
    assert f"{next_time(f'0 8 * * {days}', 'UTC', NOON):%a %d}" == due


@pytest.mark.parametrize("days", ["8", "5-1", "1-", "", "0/0", "someday"])
def test_weekdays_that_are_none_are_refused(days: str) -> None:
    with pytest.raises(BadRequest, match="isn't a crontab"):
        next_time(f"0 8 * * {days}", "UTC", NOON)


@pytest.mark.parametrize(
    "text", ["2026-02-30 08:00 x", "2026-11-22 12:59 x", "2028-01-01 08:00 x", "2026-13-01 08:00 x"]
)
def test_a_time_of_a_date_is_ahead_and_in_the_calendar(text: str) -> None:
    with pytest.raises(BadRequest, match="schedule"):
        parse(text, NOON, "Europe/Berlin")
