"""Time and dates: now, here or in a named zone; the weekday of a date; days from now and between dates.

Phrases such as "three weeks from now" are read by dateparser.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.errors import ToolError
from hub.ports import Clock, Effect, Example, ToolCall
from hub.times import dates
from hub.times.zones import Zones, named, places, simple
from hub.tools.schema import arguments, convert, text

LONGEST = 200
"""Of an argument, and of a message that's read by rule: in longer ones a date needn't be what they ask about."""


class _Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    date: str = ""
    until: str = ""
    place: str = ""


class ClockTool:
    """Says what time, date and weekday it is, was or will be."""

    name = "clock"
    description = "Tell the time, the date or the weekday, now, elsewhere or on another day."
    schema: Mapping[str, object] = arguments(
        {},
        {
            "date": text("A date such as 2026-12-24, or a phrase such as: in 10 days; leave out for now", LONGEST),
            "until": text("A second date, to count the days between", LONGEST),
            "place": text("A city or time zone, such as Tokyo; leave out for here", LONGEST),
        },
    )
    effect: Effect = "none"
    quotes = ("date", "until", "place")
    examples = (
        Example("The course starts in 3 weeks. Which date is that?", {"date": "in 3 weeks"}),
        Example("What time is it in Paris?", {"place": "Paris"}),
        Example("He died on 3 May 1950. Which weekday was it?", {"date": "3 May 1950"}),
    )
    others = ("That was a long night.", "Good things take time.", "What did people do at night in 1850?")

    def __init__(self, clock: Clock, zones: Zones) -> None:
        self._clock = clock
        self._zones = zones

    def fits(self, text: str) -> bool:
        """Say whether the message speaks of times or dates, and asks something or gives a number."""
        return bool(_TIME.search(text) and _WANTS.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return date, second date and place if the message asks for nothing but their time.

        The date may also stand in a sentence before the question: "It's due in 12 days. Which date is that?"
        """
        if len(text) > LONGEST or not self.fits(text):
            return None
        question = _SENTENCE.split(text.strip())[-1]
        rest, place = _take_place(_IS_IT.sub("is it today", question))
        now = self._now(ZoneInfo(self._zones.default))
        found = _search(rest, now)
        for span in found or ():
            rest = rest.replace(span, " ", 1)
        if found is None or len(found) > 2 or not _ASKS.search(rest) or _FILLER.sub(" ", rest).strip(_SIGNS):
            return None
        if question != text.strip():
            before = _search(text.strip().removesuffix(question), now)
            if found or place or not before or len(before) > 1 or not _THAT.search(question):
                return None
            found = before
        values = {"date": found[0] if found else "", "until": found[1] if len(found) > 1 else "", "place": place}
        return {name: value for name, value in values.items() if value}

    async def call(self, call: ToolCall) -> str:
        """Return the time, the date with its weekday and distance, or the days between two dates."""
        wish = convert(call.arguments, _Arguments)
        here = ZoneInfo(await self._zones.of(call.tenant, call.person))
        return await asyncio.to_thread(self._answer, wish, here)

    def _answer(self, wish: _Arguments, here: ZoneInfo) -> str:
        zone = find_zone(wish.place) if wish.place.strip() else here
        now = self._now(zone)
        if not wish.date.strip() and not wish.until.strip():
            where = f" in {zone.key.rpartition('/')[2].replace('_', ' ')}" if wish.place.strip() else ""
            return f"It is {now:%H:%M}{where} on {long(now)}."
        first = _read_date(wish.date, now) if wish.date.strip() else now
        if wish.until.strip():
            return _between(first, _read_date(wish.until, now))
        at = f" at {first:%H:%M}" if _CLOCK_TIME.search(wish.date) else ""
        days = (first.date() - now.date()).days
        verb = "is" if days == 0 else "will be" if days > 0 else "was"
        return f"It {verb} {long(first)}{at}, {_distance(days)}."

    def _now(self, zone: ZoneInfo) -> datetime:
        return self._clock.now().astimezone(zone)


def _read_date(phrase: str, now: datetime) -> datetime:
    """Return the time that a phrase means, or the only one in a sentence, as seen from `now`; raises ToolError."""
    if len(phrase.strip(_SIGNS)) > LONGEST:
        raise ToolError(f"A date of {len(phrase)} characters can't be read. Write it like 2026-12-24 or: in 10 days.")
    found = dates.read(phrase, now)
    if found is None:
        raise ToolError(f"{phrase!r} can't be read as a date. Write it like 2026-12-24 or: in 10 days.")
    return found


def find_zone(place: str) -> ZoneInfo:
    """Return the time zone of a city, or with that name, or of the place in a sentence; raises ToolError."""
    found = named(place) or named(_take_place(place)[1])
    if found is None:
        raise ToolError(f"No time zone is known for {place!r}. Name a big city in it, or a zone like Europe/Berlin.")
    return found


def long(time: datetime) -> str:
    """Write a date out, as Sunday, 22 November 2026, whatever the machine's language."""
    return f"{_WEEKDAYS[time.weekday()]}, {time.day} {_MONTHS[time.month - 1]} {time.year}"


def _between(one: datetime, other: datetime) -> str:
    days = abs((other.date() - one.date()).days)
    weeks = f" ({_count(days // 7, 'week')} and {_count(days % 7, 'day')})" if days >= 14 else ""
    return f"From {long(one)} to {long(other)}: {_count(days, 'day')}{weeks}."


def _distance(days: int) -> str:
    if not days:
        return "that is today"
    return f"{_count(days, 'day')} from today" if days > 0 else f"{_count(-days, 'day')} ago"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _search(text: str, now: datetime) -> list[str] | None:
    """Return the dates in a text, but for today; None if it holds what may be a date or not."""
    spans = [span for span in dates.search(text, now) if not _NOW.fullmatch(span)]
    # dateparser takes 17*23 and a lone "may" for dates: then a rule had better not decide.
    return spans if all(_A_DATE.search(span) for span in spans) else None


def _take_place(text: str) -> tuple[str, str]:
    for match in _IN.finditer(text):
        words = match["place"].split()
        for length in range(len(words), 0, -1):
            place = " ".join(words[:length])
            if simple(place) in places():
                return text.replace(match["in"] + place, " ", 1), place
    return text, ""


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_MONTH_NAMES = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_UNIT = r"(?:minute|hour|day|night|week|weekend|fortnight|month|year)s?"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_NUMERAL = r"\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty"
_TIME = re.compile(
    rf"\b(?:time|clock|date|dates|day|days|weekday|calendar|today|tonight|tomorrow|yesterday|{_DAY}|o['’]?clock"
    rf"|time ?zone|(?:{_NUMERAL}|next|last|this|what|which|how many) {_UNIT}"
    rf"|\d{{4}}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{{2,4}}"
    rf"|how (?:long|soon) (?:until|till|ago|is it)|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH_NAMES})"
    rf"|(?:{_MONTH_NAMES}) \d{{1,4}})\b",
    re.IGNORECASE,
)
_WANTS = re.compile(r"\?|\d|\b(?:what|which|when|how|whats|tell|give|show|say|count|date|weekday)\b", re.IGNORECASE)
_A_DATE = re.compile(
    rf"\b(?:{_DAY}|tomorrow|yesterday|today|{_UNIT}|\d{{4}}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{{2,4}})\b"
    rf"|\d.*\b(?:{_MONTH_NAMES})\b|\b(?:{_MONTH_NAMES})\b.*\d",
    re.IGNORECASE,
)
_CLOCK_TIME = re.compile(
    r"\b(?:hour|minute)s?\b|\d:\d\d|\b\d+ ?[ap]\.?m\b|o['’]?clock|\bnoon\b|midnight", re.IGNORECASE
)
_IS_IT = re.compile(rf"\bis (?:it|today) (?:an? )?(?:{_DAY})(?: today)?(?=\W*$)", re.IGNORECASE)
_NOW = re.compile(r"(?:right )?now|today|the (?:day|date)", re.IGNORECASE)
_SIGNS = " ?!.,:;'’\n"
_SENTENCE = re.compile(r"(?<=[a-z][.!]|\d[.!])\s+(?=[A-Z])")
_THAT = re.compile(r"\b(?:that|it|this|then)\b", re.IGNORECASE)
_ASKS = re.compile(r"\b(?:time|date|day|today|weekday|month|year|how (?:long|many|far)|when)\b", re.IGNORECASE)
_IN = re.compile(r"(?P<in>\b(?:in|at|for) )(?P<place>[^\W\d]\S*(?:[ ][^\W\d]\S*){0,3})", re.IGNORECASE)
_FILLER = re.compile(
    r"\b(?:what|which|when|how|many|long|far|is|was|will|are|were|would|be|it|its|that|the|a|there|this|day|days|week|weeks|date"
    r"|time|weekday|month|year|of|on|in|at|from|to|until|till|between|and|before|today|now|right|current|currently|local"
    r"|exact|please|tell|me|give|do|does|did|we|you|know|have|can|could|hey|hi|hello|ok|okay|so|fall|falls|thanks"
    r"|away|left|go|going|here|s)\b",
    re.IGNORECASE,
)
