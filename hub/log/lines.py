"""A log's lines, rendered by structlog; loaded with the first one."""

import logging
import re

import structlog
from structlog.typing import EventDict, Processor

from hub.log import Form

LIFTED = re.compile(r"\b(message|task|turn|lane|bridge|entry|person|tool|package) (?=%s)")
PLACE = re.compile(r"%(?:%|[-#0 +]*\d*(?:\.\d+)?[a-zA-Z])")
IDS = "ids"
"""What a record has them under on its way through."""


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes a line of a record."""

    def __init__(self, form: Form, *, colors: bool) -> None:
        super().__init__(foreign_pre_chain=_facts(), processors=_renderers(form, colors=colors))

    def format(self, record: logging.LogRecord) -> str:
        # Here, for structlog hands on a record without its arguments.
        record.__dict__[IDS] = _ids(record)
        return super().format(record)


def _facts() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(form: Form, *, colors: bool) -> list[Processor]:
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
