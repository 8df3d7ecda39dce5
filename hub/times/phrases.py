"""When something is to be done, out of how people say it: "tomorrow at 9", "every Monday at 8", "in half an hour".

What comes out is a time in the strict form that /schedule takes, too, and the words that are left. Dates with a month's
name are read by dateparser; hours aren't, for it takes "tomorrow at 9" for this time tomorrow.
"""

import re
from datetime import datetime

from msgspec.structs import replace

from hub.errors import BadRequest
from hub.times.again import again, vague
from hub.times.days import Timed, once, span
from hub.times.languages import as_said, in_english
from hub.times.patterns import SPAN

LONGEST = 500
"""Characters in which a time is looked for."""

_SECOND = re.compile(r"(?:,\s*)?(?:and|or|und|oder|y|o)\s+(?=\S)", re.IGNORECASE)


def find(text: str, now: datetime) -> Timed | None:
    """Return the time in a text, as seen from `now`, and the rest; None if there's none.

    Raises BadRequest for a time that's over, that isn't one, or that leaves open what's meant.
    """
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


__all__ = ["Timed", "find"]
