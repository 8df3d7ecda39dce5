"""Quiet hours and times of day in somebody's zone, as clocks there show them; pure functions."""

import re
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.errors import BadRequest

_TIME = r"([01]?\d|2[0-3])(?::([0-5]\d))?"
_SPAN = re.compile(rf"{_TIME}\s*(?:-|–|to)\s*{_TIME}(?:\s+(\S+))?", re.IGNORECASE)
_CLOCK = re.compile(_TIME)


class Hours(Struct, frozen=True, kw_only=True):
    """From a time of day to another, over midnight if that comes first."""

    begin: time
    end: time
    zone: str = ""
    """Empty: the person's, or the hub's."""

    @property
    def words(self) -> str:
        """As people write it."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def hours(text: str) -> Hours:
    """Read `22:00-07:00` or `22-7 Europe/Berlin`; raises BadRequest."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise BadRequest("quiet", "say from when to when: `22:00-07:00`, perhaps with a zone: `22-7 Europe/Berlin`")
    begin, end = _time(found[1], found[2]), _time(found[3], found[4])
    if begin == end:
        raise BadRequest("quiet", "begins when it ends; give two times")
    zone = found[5] or ""
    if zone and zone not in zoneinfo.available_timezones():
        raise BadRequest("quiet", f"there's no time zone {zone[:60]!r}; they're called like Europe/Berlin")
    return Hours(begin=begin, end=end, zone=zone)


def clock_time(text: str, field: str) -> time:
    """Read a time of day as `08:00` or `8`; raises BadRequest."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise BadRequest(field, "say a time of day like 08:00")
    return _time(found[1], found[2])


def quiet_until(quiet: Hours, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours end that a moment lies in; None if it lies in none."""
    there, over_midnight = now.astimezone(zone).time(), quiet.begin > quiet.end
    begun, ended = there >= quiet.begin, there >= quiet.end
    within = begun or not ended if over_midnight else begun and not ended
    return next_time(quiet.end, now, zone) if within else None


def next_time(at: time, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when clocks next show a time: where it's left out in spring, when they'd have shown it."""
    today = now.astimezone(zone).date()
    return min(
        moment
        for day in range(3)
        for fold in (0, 1)
        if (moment := _moment(today + timedelta(days=day), at, zone, fold)) > now
    )


def on_day(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when clocks first show a time on a day."""
    return _moment(day, at, zone, 0)


def _moment(day: date, at: time, zone: ZoneInfo, fold: int) -> datetime:
    return datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC)


def _time(hour: str, minute: str | None) -> time:
    return time(int(hour), int(minute or 0))
