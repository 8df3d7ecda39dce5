"""A time once, out of how people say it."""

import calendar
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.errors import BadRequest
from hub.times import dates
from hub.times.clocks import Hours, counted, hours, without
from hub.times.patterns import CLOCK, FROM_NOW, ON, SPAN
from hub.times.phrases import Timed

AHEAD = timedelta(days=366)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORT = {"second": "s", "sec": "s", "s": "s", "minute": "m", "min": "m", "m": "m", "hour": "h", "h": "h"}
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def span(text: str, now: datetime) -> Timed | None:
    """Return the time that's so long from now, as in "in 20 minutes"."""
    found = SPAN.search(text) or FROM_NOW.search(text)
    if found is None:
        return None
    rest, named = without(text, found), found.groupdict()
    if minutes := _minutes(named):
        return Timed(when=f"in {minutes}m", rest=rest)
    number, unit = counted(named["number"]), named["unit"].lower()
    unit = unit if len(unit) == 1 else unit.rstrip("s")
    if unit in {"month", "year"}:
        day = _date(f"in {number:g} {unit}s", now)
        said = hours(rest)
        return Timed(when=at(_set(day, said), now), rest=said.rest)
    days = {"day": 1, "d": 1, "week": 7, "w": 7}.get(unit)
    if days is None:
        seconds = number * _SECONDS[_SHORT[unit]]
        whole = number == int(number)
        return Timed(when=f"in {int(number)}{_SHORT[unit]}" if whole else f"in {int(seconds // 60)}m", rest=rest)
    if CLOCK.search(rest):
        said = hours(rest)
        return Timed(when=at(_set(now + timedelta(days=number * days), said), now), rest=said.rest)
    return Timed(when=f"in {int(number * days)}d", rest=rest)


def once(text: str, now: datetime) -> Timed | None:
    """Return the day and the time of day that a text names, or either."""
    found, clock = ON.search(text), CLOCK.search(text)
    if found is None:
        return _today(hours(text), now) if clock else None
    part = found["part"] or found["tonight"] or ""
    said = hours(without(text, found), part)
    days = on(found, now)
    if (
        found["weekday"]
        and len(days) == 1
        and days[0] - now == timedelta(days=7)
        and (now.hour, now.minute) < said.times[0]
    ):
        days.append(now)  # said on a Wednesday, "on Wednesday" may be today
    dues = [day.replace(hour=hour, minute=minute) for day in days for hour, minute in said.times]
    return _one_of([at(due, now) for due in dues], said.rest)


def on(found: re.Match[str], now: datetime) -> list[datetime]:
    """Return the day that's found in a text; several, if it may be either."""
    if days := 2 if found["after"] else 1 if found["tomorrow"] else 7 if found["next_week"] else 0:
        return [now + timedelta(days=days)]
    if found["end"]:
        return [now.replace(day=calendar.monthrange(now.year, now.month)[1])]
    if found["weekday"]:
        return [_weekday(found["weekday"], now, in_next_week=bool(found["in_next_week"]))]
    if found["month_day"]:
        return [_month_day(int(re.sub(r"\D", "", found["month_day"])), now)]
    return _dates(found["date"], now) if found["date"] else [now]


def weekday(day: str) -> int:
    """Return a weekday's number; Monday is 0."""
    return _DAYS.index(day[:3].lower())


def at(due: datetime, now: datetime) -> str:
    """Return a time in the strict form. Raises BadRequest if it's over, or more than a year ahead."""
    if due <= now:
        raise BadRequest("schedule", f"{due:%Y-%m-%d %H:%M} is over. Ask for a time that's ahead.")
    if due - now > AHEAD:
        raise BadRequest("schedule", f"{due:%Y-%m-%d} is more than a year ahead: that can't be planned.")
    return f"{due:%Y-%m-%d %H:%M}"


def day_and_month(said: str, now: datetime) -> tuple[int, int]:
    """Return the day and the month of a date without its year."""
    found = _dates(said, now)[0]
    return found.day, found.month


def _minutes(named: dict[str, str | None]) -> int:
    if named.get("half"):
        return 30
    if named.get("quarter"):
        return 15
    if named.get("hour_and"):
        return 90
    return int(named["hours"] or 0) * 60 + int(named["minutes"] or 0) if named.get("hours") else 0


def _set(day: datetime, said: Hours) -> datetime:
    hour, minute = said.times[0]
    return day.replace(hour=hour, minute=minute)


def _today(said: Hours, now: datetime) -> Timed:
    dues = [now.replace(hour=hour, minute=minute) for hour, minute in said.times]
    return _one_of([at(due if due > now else due + timedelta(days=1), now) for due in dues], said.rest)


def _one_of(whens: Sequence[str], rest: str) -> Timed:
    return Timed(when=whens[0], rest=rest, others=tuple(dict.fromkeys(when for when in whens if when != whens[0])))


def _weekday(day: str, now: datetime, *, in_next_week: bool) -> datetime:
    number = weekday(day)
    if in_next_week:
        return now + timedelta(days=7 - now.weekday() + number)
    return now + timedelta(days=(number - now.weekday()) % 7 or 7)


def _month_day(day: int, now: datetime) -> datetime:
    for months in range(13):
        year, month = divmod(now.month - 1 + months, 12)
        last = calendar.monthrange(now.year + year, month + 1)[1]
        if day <= last and (months or day > now.day):
            return now.replace(year=now.year + year, month=month + 1, day=day)
    raise BadRequest("schedule", f"no month has a day {day}. Ask for another.")


def _dates(said: str, now: datetime) -> list[datetime]:
    """Return the days that a date stands for: 3/4/2026 may be in March or April."""
    if found := re.fullmatch(r"(\d{1,2})([./])(\d{1,2})\2(\d{4})", said.strip()):
        one, other, year = int(found[1]), int(found[3]), int(found[4])
        orders = [(one, other)] if found[2] == "." or one == other else [(one, other), (other, one)]
        days = [_on_calendar(year, month, day, now) for day, month in orders]
        if some := [day for day in days if day is not None]:
            return some
        raise _no_day(said)
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b|\bthe\b|\bon\b", "", said, flags=re.IGNORECASE)
    return [_date(plain, now)]


def _on_calendar(year: int, month: int, day: int, now: datetime) -> datetime | None:
    try:
        return now.replace(year=year, month=month, day=day)
    except ValueError:
        return None


def _date(said: str, now: datetime) -> datetime:
    found = dates.read(said, now, dates.LANGUAGES)
    # dateparser takes 31 February for a February of the year 2031.
    numbers = {number.lstrip("0") for number in re.findall(r"\d+", said)}
    if found is None or (not said.startswith("in ") and f"{found.day}" not in numbers):
        raise _no_day(said)
    return found.replace(second=0, microsecond=0) if said.startswith("in ") else found


def _no_day(said: str) -> BadRequest:
    return BadRequest("schedule", f"{said.strip()!r} is no day of the calendar. Ask for another.")
