"""When a schedule is next due: reckoned by APScheduler's triggers in the schedule's time zone, or the hub's."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from hub.errors import BadRequest
from hub.records import Schedule

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def upcoming(schedule: Schedule, zone: str, after: datetime) -> datetime:
    """Return the first time after `after` that a schedule names; raises BadRequest as `next_time` does."""
    if schedule.every:
        return after + timedelta(seconds=schedule.every)
    return next_time(schedule.cron, schedule.zone or zone, after)


def told(schedule: Schedule) -> str:
    """Return a schedule in few words: its crontab, or how many seconds lie between its runs."""
    return schedule.cron or f"every {schedule.every:g} s"


def next_time(schedule: str, zone: str, after: datetime) -> datetime:
    """Return the first time after `after` that a crontab names; raises BadRequest if it isn't one or never comes."""
    try:
        trigger = CronTrigger.from_crontab(_with_named_days(schedule), timezone=ZoneInfo(zone))
    except ValueError as error:
        raise BadRequest(
            "schedule", f"{schedule!r} isn't a crontab ({error}); five fields, as in '0 8 * * mon-fri'"
        ) from None
    due: datetime | None = trigger.get_next_fire_time(after, after)
    if due is None:
        raise BadRequest("schedule", f"{schedule!r} never comes")
    return due.astimezone(UTC)


def _with_named_days(schedule: str) -> str:
    """Name the weekdays: in a crontab 0 and 7 are Sunday, for APScheduler 0 is Monday."""
    *fields, days = schedule.split() or [""]
    return " ".join([*fields, ",".join(_named(item) for item in days.split(","))])


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
