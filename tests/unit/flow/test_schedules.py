"""When schedules are due, held against a statement of the rule that looks at every minute and knows no trigger."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadRequest
from hub.flow.schedules import checked, latest, runs, upcoming
from hub.records import Schedule

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "UTC"),
    *("Africa/Casablanca", "Pacific/Apia", "America/St_Johns", "Asia/Tehran", "Pacific/Chatham", "Europe/Dublin"),
)


def due_in(
    minutes: set[int], hours: set[int] | None, days: set[int], zone: str, since: datetime, span: int
) -> list[datetime]:
    """State the rule: a clock shows the time, for the first time that day; or the clocks skip it, and it's then.

    A crontab for every hour (`hours` None) comes whenever a clock shows it, and skips what they skip.
    """
    here = ZoneInfo(zone)

    def fits(wall: datetime) -> bool:
        return wall.minute in minutes and (hours is None or wall.hour in hours) and wall.weekday() in days

    found = []
    for number in range(span):
        moment = since + number * A_MINUTE
        wall, before = moment.astimezone(here), (moment - A_MINUTE).astimezone(here)
        skipped, shown = before.replace(tzinfo=None) + A_MINUTE, wall.replace(tzinfo=None)
        left_out = []
        while skipped < shown:
            left_out.append(skipped)
            skipped += A_MINUTE
        once = fits(wall) and (hours is None or not wall.fold)
        if once or (hours is not None and any(map(fits, left_out))):
            found.append(moment)
    return found


def changes(zone: str, year: int) -> list[datetime]:
    """Return when the clocks of a zone change in a year."""
    here, hours = ZoneInfo(zone), [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(8760)]
    return [
        one for one in hours if one.astimezone(here).utcoffset() != (one - A_MINUTE * 60).astimezone(here).utcoffset()
    ]


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw a zone and a moment in it, mostly near a change of its clocks."""
    zone, year = draw(st.sampled_from(ZONES)), draw(st.integers(1995, 2037))
    near = draw(st.sampled_from([datetime(year, 6, 1, tzinfo=UTC), *changes(zone, year)]))
    return zone, near - timedelta(minutes=draw(st.integers(0, 3000)))


@settings(max_examples=80, deadline=None)
@given(
    moments(),
    st.sets(st.integers(0, 59), min_size=1, max_size=3),
    st.none() | st.sets(st.integers(0, 23) | st.integers(0, 3), min_size=1, max_size=4),
    st.just(set(range(7))) | st.sets(st.integers(0, 6), min_size=3),
)
def test_a_crontab_comes_as_the_rule_says_in_every_zone_and_year(
    moment: tuple[str, datetime], minutes: set[int], hours: set[int] | None, days: set[int]
) -> None:
    zone, since = moment
    fields: tuple[set[Any], ...] = (minutes, hours or {"*"}, {"*"}, {"*"}, {(day + 1) % 7 for day in days})
    crontab = " ".join(",".join(map(str, sorted(field, key=str))) for field in fields)
    end = since + timedelta(days=4)

    found = list(takewhile(lambda run: run < end, runs(Schedule(cron=crontab), zone, since - A_MINUTE / 60)))

    assert found == due_in(minutes, hours, days, zone, since, 4 * 24 * 60)


def test_an_hour_that_is_shown_twice_is_counted_twice_wherever_the_clocks_change() -> None:
    """In Newfoundland they used to change at a minute past midnight."""
    since = datetime(1995, 10, 29, 2, 30, 59, tzinfo=UTC)
    found = list(islice(runs(Schedule(cron="1 * * * *"), "America/St_Johns", since), 3))
    assert found == [datetime(1995, 10, 29, hour, 31, tzinfo=UTC) for hour in (2, 3, 4)]


@settings(max_examples=60, deadline=None)
@given(moments(), st.integers(1, 40), st.integers(1, 5))
def test_every_so_many_days_comes_at_the_same_time_of_day(moment: tuple[str, datetime], back: int, days: int) -> None:
    zone, since = moment
    here, start = ZoneInfo(zone), since - timedelta(days=back)
    schedule = Schedule(every=days * 86_400.0, start=start, zone=zone)
    shown = start.astimezone(here).replace(tzinfo=None)

    for run in islice(runs(schedule, "UTC", since), 8):
        wall = run.astimezone(here).replace(tzinfo=None)
        left_out = wall.time() != shown.time()
        assert not left_out or run.astimezone(here).utcoffset() != (run - A_MINUTE).astimezone(here).utcoffset()
        assert ((wall.date() - shown.date()).days % days == 0) or left_out
        assert not run.astimezone(here).fold


@given(st.integers(60, 500_000).filter(lambda every: every % 86_400), st.integers(0, 10**7), st.integers(0, 999_999))
def test_every_so_many_seconds_counts_from_its_start_and_never_drifts(every: int, later: int, micro: int) -> None:
    schedule = Schedule(every=float(every), start=NOON)
    after = NOON + timedelta(seconds=later, microseconds=micro)

    found = upcoming(schedule, "Europe/Berlin", after)

    assert found is not None
    assert (found - NOON).total_seconds() % every == 0
    assert timedelta() < found - after <= timedelta(seconds=every)


@settings(max_examples=50, deadline=None)
@given(moments(), st.integers(1, 12), st.integers(0, 3000))
def test_the_latest_runs_are_the_last_of_all(moment: tuple[str, datetime], most: int, minutes: int) -> None:
    zone, since = moment
    now = since + minutes * A_MINUTE
    for schedule in (Schedule(cron="*/7 * * * *"), Schedule(cron="10 2,3 * * *"), Schedule(every=5_400, start=since)):
        all_of_them = list(takewhile(lambda run: run <= now, runs(schedule, zone, since - A_MINUTE / 60)))
        assert latest(schedule, zone, since, now, most) == all_of_them[-most:]


def test_berlin_as_its_people_see_it() -> None:
    """The clocks skip 02:00 to 03:00 on 29 March 2026, and show that hour twice on 25 October."""
    night = Schedule(cron="30 2 * * *", zone="Europe/Berlin")
    march, october = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert [f"{run:%d %H:%M}" for run in islice(runs(night, "UTC", march), 2)] == ["29 01:00", "30 00:30"]
    assert [f"{run:%d %H:%M}" for run in islice(runs(night, "UTC", october), 2)] == ["25 00:30", "26 01:30"]
    hourly = Schedule(cron="30 * * * *", zone="Europe/Berlin")
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert [f"{run:%H:%M}" for run in islice(runs(hourly, "UTC", first), 3)] == ["00:30", "01:30", "02:30"]


def test_a_day_that_is_left_out_has_its_run_at_its_end() -> None:
    """Samoa had no 30 December 2011."""
    after = datetime(2011, 12, 29, 20, tzinfo=UTC)
    found = [
        run.astimezone(ZoneInfo("Pacific/Apia"))
        for run in islice(runs(Schedule(cron="0 8 * * *"), "Pacific/Apia", after), 2)
    ]
    assert [f"{run:%d %H:%M}" for run in found] == ["31 00:00", "31 08:00"]


def test_a_schedule_begins_and_ends_when_it_is_to() -> None:
    days = Schedule(cron="0 7 * * *", start=NOON + timedelta(days=2), until=NOON + timedelta(days=4))
    assert [f"{run:%a %H:%M}" for run in runs(days, "UTC", NOON)] == ["Wed 07:00", "Thu 07:00"]
    every = Schedule(every=3600, start=NOON + timedelta(hours=3))
    assert upcoming(every, "UTC", NOON) == NOON + timedelta(hours=3)


def test_what_is_kept_depends_on_nothing_else() -> None:
    kept = checked(Schedule(every=7200), "Europe/Berlin", NOON + timedelta(microseconds=5))
    assert (kept.zone, kept.start) == ("Europe/Berlin", NOON)
    assert checked(Schedule(cron="0 8 * * *", zone="Asia/Tokyo"), "UTC", NOON).zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("schedule", "key"),
    [
        (Schedule(), "schedule"),
        (Schedule(cron="0 8 * * *", every=60), "schedule"),
        (Schedule(cron="0 8 * *"), "schedule"),
        (Schedule(cron="0 8 30 2 *"), "schedule"),
        (Schedule(cron="0 8 * * *", zone="Mars/Olympus"), "schedule.zone"),
        (Schedule(every=59), "schedule.every"),
        (Schedule(every=1e9), "schedule.every"),
        (Schedule(every=60, jitter=60), "schedule.jitter"),
        (Schedule(cron="0 8 * * *", jitter=1e6), "schedule.jitter"),
        (Schedule(cron="0 8 * * *", until=NOON), "schedule.until"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_by_the_key_at_fault(schedule: Schedule, key: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked(schedule, "UTC", NOON)
    assert str(refused.value).startswith(f"{key}: ")
