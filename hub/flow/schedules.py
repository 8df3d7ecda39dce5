"""When a schedule is next due: a five-field crontab, reckoned by APScheduler's trigger in the hub's time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from hub.errors import BadRequest


def next_time(schedule: str, zone: str, after: datetime) -> datetime:
    """Return the first time after `after` that a crontab names; raises BadRequest if it isn't one or never comes."""
    try:
        trigger = CronTrigger.from_crontab(schedule, timezone=ZoneInfo(zone))
    except ValueError as error:
        raise BadRequest(
            "schedule", f"{schedule!r} isn't a crontab ({error}); five fields, as in '0 8 * * mon-fri'"
        ) from None
    due: datetime | None = trigger.get_next_fire_time(after, after)
    if due is None:
        raise BadRequest("schedule", f"{schedule!r} never comes")
    return due.astimezone(UTC)
