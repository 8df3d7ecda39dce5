"""A time that comes again, out of how people say it."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.errors import BadRequest
from hub.times.clocks import Hours, counted, hours, without
from hub.times.days import day_and_month, on, weekday
from hub.times.patterns import (
    BARE,
    CLOCK,
    DAY,
    EVERY,
    FOR,
    FROM,
    INTERVAL,
    MONTHLY,
    ON,
    ON_DAYS,
    ORDINALS,
    OTHER_DAY,
    UNTIL,
    VAGUE,
    YEARLY,
)
from hub.times.phrases import Timed

A_DAY = 86_400
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SUFFIX = {1: "st", 2: "nd", 3: "rd"}


def again(text: str, now: datetime) -> Timed | None:
    """Return the time that comes again in a text, as in "every Monday at 8 until Christmas". Raises BadRequest."""
    for reader in (_yearly, _other_day, _monthly, _interval, _every):
        if found := reader(text, now):
            return found
    return None


def vague(text: str) -> None:
    """Raise BadRequest for a text that says that something comes again, but not on which day."""
    if found := VAGUE.search(text):
        raise BadRequest(
            "schedule", f"{found[0]!r} leaves open on which day. Say every Monday, or the 1st of each month."
        )


def bounds(text: str, now: datetime) -> tuple[str, str]:
    """Return from when and until when a text says that something comes, in the strict form, and what's left of it."""
    said = ""
    if (found := FROM.search(text)) and (day := ON.match(text, found.end())):
        start = on(day, now)[0].replace(hour=0, minute=0)
        said += f" from {start:%Y-%m-%d %H:%M}"
        text = _cut(text, found.start(), day.end())
    if (found := UNTIL.search(text)) and (day := ON.match(text, found.end())):
        end, last = day.end(), on(day, now)[0].replace(hour=23, minute=59)
        if clock := re.compile(r"\s+").match(text, end):
            rest = hours(text[clock.end() :]) if CLOCK.match(text, clock.end()) else None
            if rest is not None:
                last, end = last.replace(hour=rest.times[0][0], minute=rest.times[0][1]), len(text) - len(rest.rest)
        said += f" until {last:%Y-%m-%d %H:%M}"
        text = _cut(text, found.start(), end)
    elif found := FOR.search(text):
        days = {"d": 1, "w": 7, "m": 30}[found["unit"][0].lower()] * counted(found["number"])
        said += f" until {now + timedelta(days=days):%Y-%m-%d %H:%M}"
        text = without(text, found)
    return said, text


# --- each way of saying it


def _yearly(text: str, now: datetime) -> Timed | None:
    found = YEARLY.search(text)
    if found is None:
        return None
    day, month = day_and_month(found["date"] or found["each"] or found["before"], now)
    return _by_cron(without(text, found), now, lambda times: _cron(times, f"{day}", f"{month}"))


def _other_day(text: str, now: datetime) -> Timed | None:
    """Every other Monday is each second one; every second Monday may be that, or the second one of each month."""
    found = OTHER_DAY.search(text)
    if found is None:
        return None
    said = hours(without(text, found))
    ahead = (weekday(found["day"]) - now.weekday()) % 7
    fortnight = _counted_from(now + timedelta(days=ahead), said, 14, now)
    limits, rest = bounds(said.rest, now)
    second = (_cron(said, f"2nd_{found['day'][:3].lower()}") + limits,) if found["which"].lower() == "second" else ()
    return Timed(when=fortnight + limits, rest=rest, others=second)


def _monthly(text: str, now: datetime) -> Timed | None:
    found = next(filter(None, (pattern.search(text) for pattern in MONTHLY)), None)
    if found is None:
        return None
    which = [_ordinal(word) for word in re.split(r"\s*(?:,|and|&)\s*(?:the\s+)?", found["which"])]
    if found["day"]:
        if len(which) > 1:
            raise BadRequest("schedule", f"{found[0]!r} are two schedules. Plan each by itself.")
        day = f"{_nth(which[0])}_{found['day'][:3].lower()}"
    else:
        day = ",".join(f"{number}" if number else "last" for number in which)
    return _by_cron(without(text, found), now, lambda said: _cron(said, day))


def _interval(text: str, now: datetime) -> Timed | None:
    found = INTERVAL.search(text)
    if found is None:
        return None
    unit = "hour" if found["hourly"] else "minute" if found["half"] else found["unit"].lower().rstrip("s")
    number = 30.0 if found["half"] else 2.0 if found["other"] else counted(found["number"] or "1")
    rest = without(text, found)
    if unit in {"second", "minute", "hour"}:
        limits, rest = bounds(rest, now)
        return Timed(when=_often(number, unit, now, limits), rest=rest)
    days = ON_DAYS.match(rest) if unit == "week" else None
    if unit == "week" and number == 1 and days:
        return _every(f"every {days['days']} {rest[days.end() :]}", now)
    if unit == "month" or number == 1:
        return None
    if days is None:
        return _every_few(number * (7 if unit == "week" else 1), now, rest, now)
    first = [weekday(day) for day in re.findall(DAY, days["days"], re.IGNORECASE)]
    if len(first) > 1:
        raise BadRequest("schedule", f"{days['days']!r} are two schedules there. Plan each by itself.")
    begin = now + timedelta(days=(first[0] - now.weekday()) % 7)
    return _every_few(number * 7, begin, rest[days.end() :], now)


def _every(text: str, now: datetime) -> Timed | None:
    found = EVERY.search(text) or BARE.search(text)
    if found is None:
        return None
    named = found.groupdict()
    part = named.get("part") or named.get("part_of_day") or ("night" if found[0].lower() == "nightly" else "")
    days = _on_days(named)
    return _by_cron(without(text, found), now, lambda said: _cron(said, days=days), part)


def _on_days(named: dict[str, str | None]) -> str:
    if named.get("weekdays") or named.get("on_weekdays"):
        return "mon-fri"
    if named.get("weekend") or named.get("on_weekends"):
        return "sat,sun"
    first, last = named.get("first"), named.get("last")
    if first and last:
        begin, count = weekday(first), (weekday(last) - weekday(first)) % 7 + 1
        numbers = [(begin + number) % 7 for number in range(count)]
        named_days = [_DAYS[number] for number in numbers]
        return f"{named_days[0]}-{named_days[-1]}" if begin + count <= 7 else ",".join(named_days)
    said = re.findall(DAY, named.get("days") or named.get("plural") or "", re.IGNORECASE)
    return ",".join(dict.fromkeys(day[:3].lower() for day in said)) or "*"


# --- the strict form


def _by_cron(text: str, now: datetime, crontab: Callable[[Hours], str], part: str = "") -> Timed:
    said = hours(text, part)
    limits, rest = bounds(said.rest, now)
    if said.either:
        first, *others = [crontab(Hours(times=(time,), rest="")) + limits for time in said.times]
        return Timed(when=first, rest=rest, others=tuple(others))
    return Timed(when=crontab(said) + limits, rest=rest)


def _cron(said: Hours, day: str = "*", month: str = "*", days: str = "*") -> str:
    minutes = {minute for _, minute in said.times}
    if len(minutes) > 1:
        both = " and ".join(f"{hour}:{minute:02}" for hour, minute in said.times)
        raise BadRequest("schedule", f"{both} are two schedules. Plan each by itself.")
    named = ",".join(f"{hour}" for hour in sorted({hour for hour, _ in said.times}))
    return f"{minutes.pop()} {named} {day} {month} {days}"


def _often(number: float, unit: str, now: datetime, limits: str) -> str:
    whole = 60 if unit == "minute" else 24
    if unit != "second" and number == int(number) and number and whole % int(number) == 0 and number < whole:
        step = "*" if number == 1 else f"*/{int(number)}"
        return (f"{step} * * * *" if unit == "minute" else f"0 {step} * * *") + limits
    seconds = int(number * {"second": 1, "minute": 60, "hour": 3600}[unit])
    if not 60 <= seconds <= 366 * A_DAY:
        raise BadRequest("schedule", f"Every {number:g} {unit}s can't be planned: a minute at least, a year at most.")
    return f"every {seconds}s{limits}"


def _every_few(days: float, begin: datetime, text: str, now: datetime) -> Timed:
    said = hours(text)
    limits, rest = bounds(said.rest, now)
    if " from " in limits:
        start, _, limits = limits.removeprefix(" from ").partition(" until ")
        begin = begin.replace(year=int(start[:4]), month=int(start[5:7]), day=int(start[8:10]))
        limits = f" until {limits}" if limits else ""
    return Timed(when=_counted_from(begin, said, days, now) + limits, rest=rest)


def _counted_from(begin: datetime, said: Hours, days: float, now: datetime) -> str:
    """Return what comes every so many days, the first time on a day or, if that time is over, the next that fits."""
    if len(said.times) > 1:
        raise BadRequest("schedule", "Several times of a day are several schedules. Plan each by itself.")
    hour, minute = said.times[0]
    start = begin.replace(hour=hour, minute=minute)
    if start <= now:
        start += timedelta(days=7 if days % 7 == 0 and begin.date() == now.date() and days > 1 else 1)
    return f"every {int(days) * A_DAY}s from {start:%Y-%m-%d %H:%M}"


def _ordinal(word: str) -> int:
    return ORDINALS.get(word.lower(), int(re.sub(r"\D", "", word) or 0))


def _nth(number: int) -> str:
    if number > 5:
        raise BadRequest("schedule", f"No month has a weekday {number} times. Say the 1st to the 4th, or the last.")
    return f"{number}{_SUFFIX.get(number, 'th')}" if number else "last"


def _cut(text: str, start: int, end: int) -> str:
    return f"{text[:start].rstrip(' ,')} {text[end:].lstrip(' ,')}".strip(" ,:")
