"""The times of day in a text."""

import re

from msgspec import Struct

from hub.errors import BadRequest
from hub.times.patterns import CLOCK, IN_PART, MORE_CLOCK, WORDS

MORNING = 9
"""The hour that's meant where none is said."""
PARTS = {"morning": 9, "afternoon": 15, "evening": 19, "night": 21, "tonight": 20}
Time = tuple[int, int]


class Hours(Struct, frozen=True, kw_only=True):
    """Times of day, and what was said besides them."""

    times: tuple[Time, ...]
    rest: str
    either: bool = False
    """One of them is meant, and it isn't said which."""


def hours(text: str, part: str = "") -> Hours:
    """Return the times of day that a text names, else the usual one for a part of the day. Raises BadRequest."""
    if not part and (found := IN_PART.search(text)):
        part, text = found["part"], without(text, found)
    usual = PARTS.get(part.lower(), MORNING)
    found = CLOCK.search(text)
    if found is None:
        return Hours(times=((usual, 0),), rest=text)
    if found["noon"]:
        return Hours(times=((0 if found["noon"].lower() == "midnight" else 12, 0),), rest=without(text, found))
    times, either, end = [_time(found, usual)], False, found.end()
    while more := MORE_CLOCK.match(text, end):
        either, end = either or more["how"].lower() == "or", more.end()
        times.append(_time(more, usual))
    return Hours(times=tuple(dict.fromkeys(times)), rest=cut(text, found.start(), end), either=either)


def without(text: str, found: re.Match[str]) -> str:
    """Return a text without what was found in it."""
    return cut(text, found.start(), found.end())


def cut(text: str, start: int, end: int) -> str:
    """Return a text without a piece of it."""
    return f"{text[:start].rstrip(' ,')} {text[end:].lstrip(' ,')}".strip(" ,:")


def counted(said: str) -> float:
    """Return the number that a word stands for."""
    plain = " ".join(said.lower().split())
    return float(WORDS.get(plain, plain))


def _time(found: re.Match[str], usual: int) -> Time:
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower().replace(".", "")
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif usual >= 15 and 1 <= hour <= 11:
        # Tonight at 8, every evening at 7.
        hour += 12
    if hour > 23 or minute > 59:
        raise BadRequest("schedule", f"{found[0].strip()!r} is no time of a day. Say it like 9:00 or 17:30.")
    return hour, minute
