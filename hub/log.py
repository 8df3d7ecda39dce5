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
from typing import Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "[hidden]"
SHAPES = (
    re.compile(r"ah_[A-Za-z0-9_-]{16,}"),  # our own keys
    re.compile(r"(?<=bearer )[^\s'\"]+", re.IGNORECASE),
    re.compile(r"(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30,}"),  # Telegram's tokens, also in the middle of its URLs
)
LIFTED = re.compile(r"\b(message|task|turn|lane|bridge|entry|person|tool|package) (?=%s)")
PLACE = re.compile(r"%(?:%|[-#0 +]*\d*(?:\.\d+)?[a-zA-Z])")
IDS = "ids"
"""What a record has them under on its way through."""
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
        for shape in SHAPES:
            text = shape.sub(HIDDEN, text)
        return text


def configure(
    form: Literal["console", "json"], level: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> Redaction:
    """Have everything logged from now on go to stderr (or a stream), and nowhere else; return what hides secrets.

    Secrets learned later are told to it by `hide`.
    """
    redaction = Redaction(secrets)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(redaction, _renderers(form, colors=handler.stream.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for chatty in ("aiogram", "aiohttp", "alembic", "apscheduler", "boto3", "botocore", "httpcore", "httpx", "urllib3"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    # Even its warnings quote what people wrote; its bridge tells what went wrong in words of its own.
    for quoting in ("slixmpp", "slixmpp_omemo", "omemo", "oldmemo", "twomemo", "doubleratchet", "x3dh"):
        logging.getLogger(quoting).setLevel(logging.CRITICAL)
    return redaction


def about(**ids: str) -> AbstractContextManager[None]:
    """Have every line that's logged within, also by what's begun there, say what it's about."""
    return structlog.contextvars.bound_contextvars(**ids)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Hides secrets in the finished line: there, a message's arguments and a traceback's text are in it too."""

    def __init__(self, redaction: Redaction, processors: list[Processor]) -> None:
        super().__init__(foreign_pre_chain=_facts(), processors=processors)
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        # Here, for structlog hands on a record without its arguments.
        record.__dict__[IDS] = _ids(record)
        return self._redaction(super().format(record))


def _facts() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(form: Literal["console", "json"], *, colors: bool) -> list[Processor]:
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form == "json":
        return [_lift, clean, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Plain tracebacks: the pretty ones print local variables, and with them what people wrote.
    plain = structlog.dev.plain_traceback
    return [clean, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _ids(record: logging.LogRecord) -> dict[str, str]:
    """Return the ids in a line, each by the word that stands before it."""
    if not isinstance(record.msg, str) or not isinstance(record.args, tuple):
        return {}
    places = [found.start() for found in PLACE.finditer(record.msg) if found[0] != "%%"]
    ids = {found[1]: places.index(found.end()) for found in LIFTED.finditer(record.msg)}
    return {name: str(record.args[at]) for name, at in ids.items() if at < len(record.args)}


def _lift(_: object, __: str, event: EventDict) -> EventDict:
    """Make fields of the ids in a line."""
    for name, id in event["_record"].__dict__.get(IDS, {}).items():
        event.setdefault(name, id)
    return event
