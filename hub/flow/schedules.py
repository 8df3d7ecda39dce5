"""When a schedule is due: reckoned by APScheduler's triggers, in the schedule's time zone or the hub's.

A schedule speaks of what a clock on the wall shows. A time that a change of the clocks leaves out comes at the moment
of the change, once; one that the clocks show twice comes the first time only. A crontab for every hour, and an interval
of hours or minutes, count the hours that really pass.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from msgspec.structs import replace

from hub.errors import BadRequest
from hub.records import Schedule

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
A_DAY = 86_400
SHORTEST, LONGEST = 60, 366 * A_DAY
"""Seconds between two runs."""
LAST_YEAR = 2199
_INSTANT = timedelta(microseconds=1)
_FIRST_LOOK = timedelta(minutes=1)


def checked(schedule: Schedule, zone: str, now: datetime) -> Schedule:
    """Return a schedule as it's kept: its zone and what its interval counts from no longer depend on anything else.

    Raises BadRequest, which names the key at fault, for one that can't be or that has no run ahead.
    """
    if bool(schedule.cron) == bool(schedule.every):
        both = "has both cron and every; send one of them" if schedule.cron else "needs cron or every: when it comes"
        raise BadRequest("schedule", both)
    check_zone(schedule.zone)
    if schedule.every and not SHORTEST <= schedule.every <= LONGEST:
        raise BadRequest("schedule.every", f"{schedule.every:g} seconds; it's {SHORTEST} (a minute) to {LONGEST}")
    if schedule.jitter > A_DAY or (schedule.every and schedule.jitter >= schedule.every):
        raise BadRequest("schedule.jitter", f"{schedule.jitter:g} seconds; a day at most, and less than every")
    start = schedule.start or (now.replace(microsecond=0) if schedule.every else None)
    kept = replace(schedule, zone=schedule.zone or zone, start=start)
    if upcoming(kept, zone, now) is None:
        raise BadRequest("schedule.until" if schedule.until else "schedule", f"{_name(schedule)} never comes")
    return kept


def check_zone(zone: str) -> None:
    """Raise BadRequest for a time zone that there isn't; empty is none."""
    if zone and zone not in available_timezones():
        raise BadRequest("schedule.zone", f"unknown time zone {zone!r}; use a name like Europe/Berlin")


def upcoming(schedule: Schedule, zone: str, after: datetime) -> datetime | None:
    """Return the first time after `after` that a schedule names, None if there's no more; raises BadRequest."""
    here = ZoneInfo(schedule.zone or zone)
    if schedule.start is not None:
        after = max(after, schedule.start - _INSTANT)
    found = _upcoming(schedule, here, after)
    if found is None or (schedule.until is not None and found > schedule.until):
        return None
    return found


def runs(schedule: Schedule, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the times after `after` that a schedule names, one after another."""
    while (found := upcoming(schedule, zone, after)) is not None:
        yield found
        after = found


def latest(schedule: Schedule, zone: str, since: datetime, now: datetime, most: int) -> list[datetime]:
    """Return the last times from `since` on that a schedule named up to `now`, in order, but no more than `most`."""
    look = _FIRST_LOOK
    while True:
        # Nothing reckons backwards: so first the last minute is looked through, then twice as much, and so on.
        begin = max(since, now - look)
        found = list(takewhile(lambda run: run <= now, runs(schedule, zone, begin - _INSTANT)))
        if len(found) >= most or begin == since:
            return found[-most:]
        look *= 2


def moment_of(wall: datetime, here: ZoneInfo) -> datetime:
    """Return when a clock shows a time first, given as if it were UTC; if a change leaves it out, when they change."""
    local = wall.replace(tzinfo=here)
    moment = local.astimezone(UTC)
    if _wall(moment, here) == wall:
        return moment
    before, after = local.replace(fold=1).astimezone(UTC), moment
    offset = before.astimezone(here).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(here).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def next_time(crontab: str, zone: str, after: datetime) -> datetime:
    """Return the first time after `after` that a crontab names; raises BadRequest if it isn't one or never comes."""
    found = upcoming(Schedule(cron=crontab), zone, after)
    if found is None:
        raise BadRequest("schedule", f"{crontab!r} never comes")
    return found


def _name(schedule: Schedule) -> str:
    return repr(schedule.cron) if schedule.cron else f"every {schedule.every:g} s"


# --- what the triggers are asked


def _upcoming(schedule: Schedule, here: ZoneInfo, after: datetime) -> datetime | None:
    if schedule.cron.split()[1:2] == ["*"]:
        return _hourly(_cron(schedule.cron, UTC), here, after)
    if schedule.every and schedule.every % A_DAY:
        trigger = _interval(schedule, (schedule.start or after))
        found: datetime | None = trigger.get_next_fire_time(None, after + _INSTANT)
        return found.astimezone(UTC) if found else None
    # The trigger reckons with what a clock on the wall shows as if it were UTC, where no hour is left out or doubled.
    trigger = _cron(schedule.cron, UTC) if schedule.cron else _interval(schedule, _wall(schedule.start or after, here))
    wall: datetime | None = _wall(after, here)
    while wall is not None:
        wall = trigger.get_next_fire_time(None, wall + _INSTANT)
        if wall is not None and (moment := moment_of(wall, here)) > after:
            return moment
    return None


def _hourly(trigger: BaseTrigger, here: ZoneInfo, after: datetime) -> datetime | None:
    """Count the hours that really pass: what clocks show is reckoned from one change of them to the next.

    The trigger itself would step over an hour that's shown twice where the clocks don't change at a whole hour.
    """
    while True:
        offset = (after + _INSTANT).astimezone(here).utcoffset() or timedelta()
        wall: datetime | None = trigger.get_next_fire_time(None, after + offset + _INSTANT)
        if wall is None:
            return None
        found = wall - offset
        change = _change(after + _INSTANT, found, here)
        if change is None:
            return found
        after = change - _INSTANT


def _change(since: datetime, until: datetime, here: ZoneInfo) -> datetime | None:
    """Return when clocks change first after `since`, if that's not after `until`."""
    offset = since.astimezone(here).utcoffset()
    while since < until:
        later = min(since + timedelta(days=1), until)
        if later.astimezone(here).utcoffset() == offset:
            since = later
            continue
        while later - since > _INSTANT:
            middle = since + (later - since) / 2
            if middle.astimezone(here).utcoffset() == offset:
                since = middle
            else:
                later = middle
        return later
    return None


def _wall(moment: datetime, here: ZoneInfo) -> datetime:
    return moment.astimezone(here).replace(tzinfo=UTC, fold=0)


def _interval(schedule: Schedule, start: datetime) -> IntervalTrigger:
    return IntervalTrigger(seconds=schedule.every, start_date=start, timezone=UTC)


@lru_cache(maxsize=1024)
def _cron(crontab: str, zone: tzinfo) -> BaseTrigger:
    fields = crontab.split()
    try:
        if len(fields) != 5:
            raise ValueError(f"it has {len(fields)} fields")
        minute, hour, day, month, days = fields
        return CronTrigger(
            year=f"1970-{LAST_YEAR}",
            month=month,
            day=day.replace("_", " "),
            day_of_week=_with_named_days(days),
            hour=hour,
            minute=minute,
            timezone=zone,
        )
    except ValueError as error:
        raise BadRequest(
            "schedule", f"{crontab!r} isn't a crontab ({error}); five fields, as in '0 8 * * mon-fri'"
        ) from None


def _with_named_days(days: str) -> str:
    """Name the weekdays: in a crontab 0 and 7 are Sunday, for APScheduler 0 is Monday."""
    return ",".join(_named(item) for item in days.split(","))


def _named(days: str) -> str:
    found = re.fullmatch(r"(?:(\*)|([0-7])(?:-([0-7]))?)(?:/([1-7]))?", days)
    if found is None or days == "*":
        return days
    first = int(found[2] or 0)
    # "3/2" is every second day from Wednesday on, "3" Wednesday alone.
    last = int(found[3] or 6) if found[1] or found[3] or found[4] else first
    if last < first:
        return days
    return ",".join(dict.fromkeys(DAYS[day] for day in range(first, last + 1, int(found[4] or 1))))
