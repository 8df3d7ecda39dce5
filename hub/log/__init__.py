"""Logging for the whole process: stdlib loggers, rendered by structlog, with secrets kept out of every line.

Modules write `log = logging.getLogger(__name__)` and ids, never what somebody said. In JSON an id is a field of its
own, by the word before it: `log.info("turn %s: stopped", id)` has a field `turn`. So have all lines within
`about(turn=id)`.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Literal, TextIO
from urllib.parse import quote

Form = Literal["console", "json"]
HIDDEN = "[hidden]"
SHAPES = (
    re.compile(r"ah_[A-Za-z0-9_-]{16,}"),  # our own keys
    re.compile(r"in_[A-Za-z0-9_-]{43,}"),  # the addresses that other systems post to
    re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}"),  # what webhooks are signed by
    re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),  # passes, and others' JSON Web Tokens
    re.compile(r"(?<=bearer )[^\s'\"]+", re.IGNORECASE),
    re.compile(r"(?<=basic )[A-Za-z0-9+/=_-]{8,}", re.IGNORECASE),
    re.compile(r"(?<=://)[^\s/?#@'\"]*:[^\s/?#@'\"]*(?=@)"),  # who and password in a URL
    re.compile(r"(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30,}"),  # Telegram's tokens, also in the middle of its URLs
)
OWN = ("hub", "bridges", "__main__")
"""Whose lines are told as finely as the config says. Of libraries only warnings are: some of them tell, at their most
talkative, each frame, each statement's values and each header that they see."""
LEAST = 6
"""A shorter secret would black out half of every line."""


class Redaction:
    """What must never be read in a log: secrets by their shape, and those that were told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._told: set[str] = set()
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Keep these out from now on, as they are and as they stand in URLs and JSON."""
        for secret in secrets:
            if len(secret) >= LEAST:
                self._told |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}

    def __call__(self, text: str) -> str:
        """Return a text with every secret in it hidden."""
        for secret in sorted(self._told, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return without_secrets(text)


def without_secrets(text: str) -> str:
    """Return a text with all hidden that has a secret's shape."""
    for shape in SHAPES:
        text = shape.sub(HIDDEN, text)
    return text


def configure(form: Form, level: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None) -> Redaction:
    """Have everything logged from now on go to stderr (or a stream), and nowhere else; return what hides secrets.

    Secrets learned later are told to it by `hide`.
    """
    redaction = Redaction(secrets)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines(redaction, form, colors=handler.stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    finest = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(logging.WARNING, finest))
    for own in OWN:
        logging.getLogger(own).setLevel(finest)
    logging.captureWarnings(capture=True)
    # Even its warnings quote what people wrote; its bridge tells what went wrong in words of its own.
    for quoting in ("slixmpp", "slixmpp_omemo", "omemo", "oldmemo", "twomemo", "doubleratchet", "x3dh"):
        logging.getLogger(quoting).setLevel(logging.CRITICAL)
    return redaction


def about(**ids: str) -> AbstractContextManager[None]:
    """Have every line that's logged within, also by what's begun there, say what it's about."""
    from structlog.contextvars import bound_contextvars  # noqa: PLC0415 - see _Lines

    return bound_contextvars(**ids)


class _Lines(logging.Formatter):
    """Makes the lines, and hides secrets in the finished ones: there, arguments and a traceback's text are in it, too.

    What it takes is loaded with the first line: a hub has nothing to tell until it's up.
    """

    def __init__(self, redaction: Redaction, form: Form, *, colors: bool) -> None:
        super().__init__()
        self._redaction = redaction
        self._form: Form = form
        self._colors = colors

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction(self._formatter.format(record))

    @cached_property
    def _formatter(self) -> logging.Formatter:
        from hub.log.lines import Formatter  # noqa: PLC0415

        return Formatter(self._form, colors=self._colors)
