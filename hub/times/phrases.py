"""When something is to be done, out of how people say it: "tomorrow at 9", "every Monday at 8", "in half an hour".

What comes out is a time in the strict form that /schedule takes, too, and the words that are left.
"""

from datetime import datetime

from msgspec import Struct


class Timed(Struct, frozen=True, kw_only=True):
    """A time, and what was said besides it."""

    when: str
    """In the strict form: "in 20m", "2026-12-24 09:00", a crontab, or "every 5400s", with "from" and "until"."""
    rest: str
    others: tuple[str, ...] = ()
    """What else may be meant; the person has to say."""


def find(text: str, now: datetime) -> Timed | None:
    """Return the time in a text, as seen from `now`, and the rest; None if there's none.

    Raises BadRequest for a time that's over, that isn't one, or that leaves open what's meant.
    """
    # Late: a hub that starts has nobody's words to read, and the patterns of three languages take a while to make.
    from hub.times.reading import read  # noqa: PLC0415

    return read(text, now)
