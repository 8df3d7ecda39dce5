"""When and what, as people write it after /schedule: in words, or as a crontab. Tools and the API read by it, too.

One reader for all three: `hub.times` finds the time in what's said and puts it strictly, here it's reckoned.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import BadRequest
from hub.flow.cadence import in_words
from hub.flow.runs import moment
from hub.flow.schedules import checked, moment_of, upcoming
from hub.records import Schedule
from hub.times.phrases import find

LONGEST = timedelta(days=366)
HEAD = 300
"""Characters of a text in which a time is looked for."""
HOW = (
    "say when and what: `in 20m TEXT`, `tomorrow at 9 TEXT`, `2026-12-24 08:30 TEXT`, `every weekday at 8 TEXT`, or a"
    " crontab `0 8 * * 1-5 TEXT`"
)

_A_FIELD = r"[\d*][\d*,/-]*"
_A_DAY = rf"(?:{_A_FIELD}|last(?:_[a-z]{{3}})?|\d(?:st|nd|rd|th)_[a-z]{{3}}|[\d,]+,last)"
_A_MONTH = rf"(?:{_A_FIELD}|[a-z]{{3}}(?:[,-][a-z]{{3}})*)"
_A_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d"
_LIMITS = rf"(?: from ({_A_TIME}))?(?: until ({_A_TIME}))?"
_CRON = re.compile(
    rf"({_A_FIELD}\s+{_A_FIELD}\s+{_A_DAY}\s+{_A_MONTH}\s+[\d*a-z][\d*a-z,/-]*){_LIMITS}(?:\s+(.+))?",
    re.DOTALL | re.IGNORECASE,
)
_EVERY = re.compile(rf"every (\d+)s{_LIMITS}(?:\s+(.+))?", re.DOTALL)
_IN = re.compile(r"in (\d{1,6})([smhd])")
_ONCE = re.compile(_A_TIME)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class When(Struct, frozen=True, kw_only=True):
    """A time once (`due_at`) or again and again (`schedule`), what's to be done then, and how that's said."""

    text: str
    words: str
    due_at: datetime | None = None
    schedule: Schedule | None = None
    others: "tuple[When, ...]" = ()
    """What else may be meant: the person has to say."""
    strictly: str = ""
    """The time as it's read the same again."""


def parse(text: str, now: datetime, zone: str) -> When:
    """Read when and what out of a text; raises BadRequest, with examples, where either is missing."""
    when = read(text, now, zone)
    if not when.text:
        raise BadRequest("schedule", f"{when.words} – and what's to be done then? Say it behind the time")
    return when


def read(text: str, now: datetime, zone: str) -> When:
    """Read a time, and what's said besides it, out of a text; raises BadRequest, with examples, if there's none."""
    text = text.strip()
    if when := _strictly(text, now, zone):
        return when
    head, tail = (text[:HEAD].rpartition(" ")[0], text) if len(text) > HEAD else (text, "")
    head = re.sub(r"(\d{4}-\d\d-\d\d)T(?=\d)", r"\1 ", head)
    found = find(head, now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0))
    if found is None:
        raise BadRequest("schedule", HOW)
    rest = found.rest + tail[len(head) :]
    meant = [_strictly(strict, now, zone) for strict in (found.when, *found.others)]
    first, *others = [replace(when, text=rest) for when in meant if when is not None]
    return replace(first, others=tuple(others))


def _strictly(text: str, now: datetime, zone: str) -> When | None:
    if found := _IN.fullmatch(text):
        span = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if span > LONGEST:
            raise BadRequest("schedule", f"{found[1]}{found[2]} is more than a year ahead")
        return _once(now + span, zone, text)
    if _ONCE.fullmatch(text):
        due_at = _moment(text, zone)
        if due_at <= now:
            raise BadRequest("schedule", f"{moment(due_at, zone)} is over")
        return _once(due_at, zone, text)
    if found := _CRON.fullmatch(text):
        crontab = " ".join(found[1].split())
        return _again(Schedule(cron=crontab), found, now, zone)
    if found := _EVERY.fullmatch(text):
        return _again(Schedule(every=float(found[1])), found, now, zone)
    return None


def _once(due_at: datetime, zone: str, strictly: str) -> When:
    return When(text="", due_at=due_at, words=f"due {moment(due_at, zone)}", strictly=strictly)


def _again(schedule: Schedule, found: re.Match[str], now: datetime, zone: str) -> When:
    start, until = (_moment(time, zone) if time else None for time in (found[2], found[3]))
    kept = checked(replace(schedule, start=start, until=until), zone, now)
    next_at = upcoming(kept, zone, now)
    words = f"{in_words(kept, zone)}, next {moment(next_at, zone)}" if next_at else in_words(kept, zone)
    rest = found[4] or ""
    return When(text=rest, schedule=kept, words=words, strictly=found[0].removesuffix(rest).strip())


def _moment(time: str, zone: str) -> datetime:
    try:
        return moment_of(datetime.fromisoformat(time).replace(tzinfo=UTC), ZoneInfo(zone))
    except ValueError:
        raise BadRequest("schedule", f"{time} is no time of the calendar") from None
