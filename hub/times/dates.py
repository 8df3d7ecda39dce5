"""Dates in words, as "24 December" or "three weeks from now", in English, German and Spanish: read by dateparser."""

import re
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

LONGEST = 200
"""Characters."""
LANGUAGES = ("en", "de", "es")

_SIGNS = " ?!.,:;'’\n"
_UNIT = r"(?:minute|hour|day|night|week|weekend|fortnight|month|year)s?"
_reading = threading.Lock()
"""dateparser doesn't promise that two threads may read at a time."""


def read(phrase: str, now: datetime, languages: Sequence[str] = ("en",)) -> datetime | None:
    """Return the time that a phrase means, or the only one in a sentence, as seen from `now`; None if there's none."""
    plain = phrase.strip(_SIGNS)
    if len(plain) > LONGEST:
        return None
    if re.fullmatch(rf"(?:\d+) {_UNIT}", plain):
        plain = f"in {plain}"
    found = _parse(plain, now, languages)
    if found is None:
        spans = search(plain, now) or []
        found = _parse(spans[0], now, languages) if len(spans) == 1 else None
    return found


def search(text: str, now: datetime) -> list[str]:
    """Return the pieces of a text that dateparser takes for dates; some of them aren't."""
    with _reading:
        # Loading it takes a quarter of a second and 25 MB: that's for those who ask for dates, not for every start.
        from dateparser.search import search_dates  # noqa: PLC0415

        found = search_dates(text, languages=["en"], settings=_settings(now)) or []
    return [span for span, _ in found]


def _parse(phrase: str, now: datetime, languages: Sequence[str]) -> datetime | None:
    with _reading:
        from dateparser import parse  # noqa: PLC0415 - see search

        found = parse(phrase, languages=list(languages), settings=_settings(now))
    return found.replace(tzinfo=now.tzinfo) if found else None


def _settings(now: datetime) -> dict[str, Any]:
    return {"RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": "future"}
