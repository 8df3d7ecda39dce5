"""Reads a time in people's words: see phrases.py, which loads this when there are some.

Dates with a month's name are read by dateparser; hours aren't, for it takes "tomorrow at 9" for this time tomorrow.
"""

import re
from datetime import datetime

from msgspec.structs import replace

from hub.errors import BadRequest
from hub.times.again import again, vague
from hub.times.days import once, span
from hub.times.languages import as_said, in_english
from hub.times.patterns import SPAN
from hub.times.phrases import Timed

LONGEST = 500
"""Characters in which a time is looked for."""

_SECOND = re.compile(r"(?:,\s*)?(?:and|or|und|oder|y|o)\s+(?=\S)", re.IGNORECASE)


def read(text: str, now: datetime) -> Timed | None:
    """See phrases.find."""
    if len(text) > LONGEST:
        return None
    english, pieces = in_english(text)
    # "In 20 minutes, tell me what comes every day" is said of one time.
    first, second = (span, again) if SPAN.match(english) else (again, span)
    found = first(english, now) or second(english, now) or once(english, now)
    if found is None:
        vague(english)
        return None
    if (joined := _SECOND.match(found.rest)) and _time_at_the_beginning(found.rest[joined.end() :], now):
        raise BadRequest("schedule", "That names two times. Plan each by itself.")
    return replace(found, rest=as_said(found.rest, pieces))


def _time_at_the_beginning(text: str, now: datetime) -> bool:
    try:
        found = again(text, now) or span(text, now) or once(text, now)
    except BadRequest:
        return True
    return found is not None and (not found.rest or text.endswith(found.rest))
