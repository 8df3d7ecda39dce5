"""When, as people write it after /schedule: a span, a time of day or of a date, every day at a time, or a crontab."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.errors import BadRequest
from hub.flow.schedules import next_time
from hub.records import Schedule

SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=366)

_IN = re.compile(r"in\s+(\d{1,6})\s*(s|m|h|d)[a-z]*\s+(.+)", re.DOTALL | re.IGNORECASE)
_AT = re.compile(r"(?:at\s+)?([01]?\d|2[0-3]):([0-5]\d)\s+(.+)", re.DOTALL | re.IGNORECASE)
_ON = re.compile(r"(?:on\s+)?(\d{4}-\d\d-\d\d)[ T]([01]?\d|2[0-3]):([0-5]\d)\s+(.+)", re.DOTALL | re.IGNORECASE)
_DAILY = re.compile(r"(?:daily|every\s+day)\s+(?:at\s+)?([01]?\d|2[0-3]):([0-5]\d)\s+(.+)", re.DOTALL | re.IGNORECASE)
_CRON = re.compile(r"((?:[\d*][\d*,/-]*\s+){4}[\d*a-zA-Z][\d*a-zA-Z,/-]*)\s+(.+)", re.DOTALL)


class When(Struct, frozen=True, kw_only=True):
    """A time once (`due_at`) or a schedule for ever (`schedule`), what's to be done then, and how that's said."""

    text: str
    words: str
    due_at: datetime | None = None
    schedule: Schedule | None = None


def parse(text: str, now: datetime, zone: str) -> When:
    """Read the beginning of a text as a time; raises BadRequest with examples if it isn't one."""
    text = text.strip()
    if found := _IN.fullmatch(text):
        span = timedelta(**{SPANS[found[2].lower()]: int(found[1])})
        if span > LONGEST:
            raise BadRequest("schedule", f"{found[1]}{found[2]} is more than a year ahead")
        due_at = now + span
        return When(text=found[3], due_at=due_at, words=f"due {_local(due_at, zone)}")
    if found := _ON.fullmatch(text):
        due_at = _on(found[1], now, zone, int(found[2]), int(found[3]))
        return When(text=found[4], due_at=due_at, words=f"due {_local(due_at, zone)}")
    if found := _AT.fullmatch(text):
        due_at = _next(now, zone, int(found[1]), int(found[2]))
        return When(text=found[3], due_at=due_at, words=f"due {_local(due_at, zone)}")
    if found := _DAILY.fullmatch(text):
        return _crontab(f"{int(found[2])} {int(found[1])} * * *", found[3], now, zone)
    if found := _CRON.fullmatch(text):
        return _crontab(" ".join(found[1].split()), found[2], now, zone)
    raise BadRequest(
        "schedule",
        "say when and what: `in 20m TEXT`, `08:30 TEXT`, `2026-12-24 08:30 TEXT`, `daily 08:30 TEXT`, or a crontab "
        "`0 8 * * 1-5 TEXT`",
    )


def _crontab(schedule: str, text: str, now: datetime, zone: str) -> When:
    due_at = next_time(schedule, zone, now)
    return When(text=text, schedule=Schedule(cron=schedule), words=f"due by `{schedule}`, next {_local(due_at, zone)}")


def _next(now: datetime, zone: str, hour: int, minute: int) -> datetime:
    local = now.astimezone(ZoneInfo(zone))
    due = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (due if due > local else due + timedelta(days=1)).astimezone(UTC)


def _on(day: str, now: datetime, zone: str, hour: int, minute: int) -> datetime:
    try:
        due_at = datetime.fromisoformat(day).replace(hour=hour, minute=minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except ValueError:
        raise BadRequest("schedule", f"{day} is no day of the calendar") from None
    if due_at <= now:
        raise BadRequest("schedule", f"{_local(due_at, zone)} is over")
    if due_at - now > LONGEST:
        raise BadRequest("schedule", f"{day} is more than a year ahead")
    return due_at


def _local(due_at: datetime, zone: str) -> str:
    return f"{due_at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"
