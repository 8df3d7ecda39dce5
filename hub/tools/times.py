"""When something is to be done, out of how people say it: "tomorrow at 9", "every Monday at 8", "in half an hour".

What comes out is a time as /schedule takes it, and the words that are left. Dates with a month's name are read by
dateparser; hours aren't, for it takes "tomorrow at 9" for this time tomorrow.
"""

import re
from datetime import datetime, timedelta

from msgspec import Struct

from hub.errors import ToolError
from hub.tools.clock import read_date

LONGEST = 500
"""Characters in which a time is looked for."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PARTS = {"morning": 9, "afternoon": 15, "evening": 19, "night": 21, "tonight": 20}
_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "ten": 10,
    "a couple of": 2,
}
MORNING = 9
AHEAD = timedelta(days=366)


class Timed(Struct, frozen=True, kw_only=True):
    """A time, and what was said besides it."""

    when: str
    """As "in 20m", "2026-12-24 09:00", or a crontab."""
    rest: str


def find(text: str, now: datetime) -> Timed | None:
    """Return the time in a text, as seen from `now`, and the rest; None if there's none, or more than one.

    Raises ToolError for a time that's over, or that isn't one.
    """
    if len(text) > LONGEST:
        return None
    for reader in (_every, _span, _once):
        if found := reader(text, now):
            return found
    return None


def _every(text: str, now: datetime) -> Timed | None:
    rest = text
    if found := _EVERY_FEW.search(rest):
        number, unit = _number(found["number"] or "1"), found["unit"].lower()
        most = 59 if unit.startswith("minute") else 23
        if not 1 <= number <= most:
            raise ToolError(f"Every {number} {unit} can't be planned. Say a number up to {most}, or a day.")
        step = "*" if number == 1 else f"*/{number}"
        when = f"{step} * * * *" if unit.startswith("minute") else f"0 {step} * * *"
        return Timed(when=when, rest=_without(rest, found))
    found = _EVERY.search(rest)
    if not found:
        return None
    rest = _without(rest, found)
    hour, minute, rest = _clock(rest, _PARTS.get((found["part"] or found["part_of_day"] or "").lower(), MORNING))
    month = found["month_day"]
    days = ",".join(dict.fromkeys(day[:3].lower() for day in re.findall(_DAY, found["days"] or "", re.IGNORECASE)))
    if found["weekdays"]:
        days = "mon-fri"
    if found["weekend"]:
        days = "sat,sun"
    return Timed(when=f"{minute} {hour} {month or '*'} * {days or '*'}", rest=rest)


def _span(text: str, now: datetime) -> Timed | None:
    found = _SPAN.search(text)
    if not found:
        return None
    unit = found["unit"].lower().rstrip("s")
    if found["half"]:
        return Timed(when="in 30m", rest=_without(text, found))
    number = _number(found["number"])
    if unit in {"month", "year"}:
        day = read_date(f"in {number} {unit}s", now)
        hour, minute, rest = _clock(_without(text, found), MORNING)
        return Timed(when=_at(day.replace(hour=hour, minute=minute), now), rest=rest)
    rest = _without(text, found)
    if unit in {"day", "week"} and _CLOCK.search(rest):
        hour, minute, rest = _clock(rest, MORNING)
        day = now + timedelta(days=number * (7 if unit == "week" else 1))
        return Timed(when=_at(day.replace(hour=hour, minute=minute), now), rest=rest)
    short = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "d"}[unit]
    return Timed(when=f"in {number * 7 if unit == 'week' else number}{short}", rest=rest)


def _once(text: str, now: datetime) -> Timed | None:
    rest, day, usual = text, None, MORNING
    if found := _ON.search(text):
        day = _day(found, now)
        rest = _without(text, found)
        usual = _PARTS.get((found["part"] or found["tonight"] or "").lower(), MORNING)
    clock = _CLOCK.search(rest)
    if day is None and clock is None:
        return None
    hour, minute, rest = _clock(rest, usual)
    if day is None:
        due = now.replace(hour=hour, minute=minute)
        due = due if due > now else due + timedelta(days=1)
    else:
        due = day.replace(hour=hour, minute=minute)
    return Timed(when=_at(due, now), rest=rest)


def _day(found: re.Match[str], now: datetime) -> datetime:
    if found["after"]:
        return now + timedelta(days=2)
    if found["tomorrow"]:
        return now + timedelta(days=1)
    if found["weekday"]:
        ahead = (_DAYS.index(found["weekday"][:3].lower()) - now.weekday()) % 7
        return now + timedelta(days=ahead or 7)
    return _date(found["date"], now) if found["date"] else now


def _date(said: str, now: datetime) -> datetime:
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b|\bthe\b|\bon\b", "", said, flags=re.IGNORECASE)
    found = read_date(plain, now)
    # dateparser takes 31 February for a February of the year 2031.
    if f"{found.day}" not in {number.lstrip("0") for number in re.findall(r"\d+", plain)}:
        raise ToolError(f"{said!r} is no day of the calendar. Ask the user for another.")
    return found


def _at(due: datetime, now: datetime) -> str:
    if due <= now:
        raise ToolError(f"{due:%Y-%m-%d %H:%M} is over. Ask the user for a time that's ahead.")
    if due - now > AHEAD:
        raise ToolError(f"{due:%Y-%m-%d} is more than a year ahead: that can't be planned.")
    return f"{due:%Y-%m-%d %H:%M}"


def _clock(text: str, usual: int) -> tuple[int, int, str]:
    """Return the hour and the minute that a text names, else a usual hour, and the text without them."""
    found = _CLOCK.search(text)
    if not found:
        return usual, 0, text
    if found["noon"]:
        return (0 if found["noon"].lower() == "midnight" else 12), 0, _without(text, found)
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower().replace(".", "")
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif usual >= 15 and 1 <= hour <= 11:
        # Tonight at 8, every evening at 7.
        hour += 12
    if hour > 23 or minute > 59:
        raise ToolError(f"{found[0].strip()!r} is no time of a day. Say it like 9:00 or 17:30.")
    return hour, minute, _without(text, found)


def _number(said: str) -> int:
    plain = said.lower().strip()
    return _NUMBERS[plain] if plain in _NUMBERS else int(plain)


def _without(text: str, found: re.Match[str]) -> str:
    before, after = text[: found.start()].rstrip(" ,"), text[found.end() :].lstrip(" ,")
    return f"{before} {after}".strip(" ,")


_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_COUNT = r"(?:\d{1,4}|an?|one|two|three|four|five|six|ten|a couple of)"
_PART = r"(?P<part>morning|afternoon|evening|night)"
_EVERY_FEW = re.compile(rf"\b(?:every|each)\s+(?:(?P<number>{_COUNT})\s+)?(?P<unit>minutes?|hours?)\b", re.IGNORECASE)
_EVERY = re.compile(
    rf"\b(?:on\s+)?(?:(?:every|each)\s+(?:single\s+)?(?:(?P<days>{_DAY}(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+){_DAY})*)"
    rf"(?:\s+(?P<part_of_day>morning|afternoon|evening|night))?|(?P<weekdays>weekday|work(?:ing)?\s?day)s?|(?P<weekend>weekend)s?"
    rf"|month\s+on\s+the\s+(?P<month_day>[12]?\d|3[01])(?:st|nd|rd|th)?|day|{_PART})|daily)\b",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf"\bin\s+(?:(?P<half>half\s+an)\s+|(?P<number>{_COUNT})\s*)(?P<unit>(?:sec(?:ond)?|min(?:ute)?|hour|day|week|month|year)s?)"
    r"(?:['’]s?\s+time)?\b",
    re.IGNORECASE,
)
_ON = re.compile(
    rf"\b(?:(?P<after>(?:the\s+)?day\s+after\s+tomorrow)|(?P<tomorrow>tomorrow)|(?P<tonight>tonight)|today"
    rf"|(?:on\s+|next\s+|this\s+|on\s+next\s+)?(?P<weekday>{_DAY})"
    rf"|(?:on\s+)?(?P<date>\d{{4}}-\d\d-\d\d|(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s+\d{{4}})?"
    rf"|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?)|this(?=\s+(?:morning|afternoon|evening)))"
    rf"(?:\s+(?:in\s+the\s+)?{_PART})?\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?:\b(?:at|by|around)\s+)?(?:\b(?P<noon>noon|midday|midnight)\b"
    r"|(?:(?<=\bat\s)|(?<=\bby\s)|(?<=around\s)|(?=\d{1,2}(?:[:.]\d\d|\s*[ap]\.?m\b|\s*o['’]?clock)))"
    r"(?<![\d.:])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?:\s*(?P<half>[ap]\.?m)\b\.?)?(?:\s*o['’]?clock)?(?![\d:%€$]|\.\d))",
    re.IGNORECASE,
)
