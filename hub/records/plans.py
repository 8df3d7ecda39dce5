"""How a task is worked on over time: when it comes again, what shows that it's done, what it waits for."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.records.ids import TaskId

Missed = Literal["once", "all", "skip"]
"""What becomes of runs that were due while nothing could run: one for all of them, each of them, or none."""


class Schedule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a task comes again: by a crontab or every so many seconds; one of the two is set."""

    cron: str = ""
    """Five fields."""
    every: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds from one run's time to the next one's; whole days are days of the zone, 23 or 25 hours long at times."""
    zone: str = ""
    """As Europe/Berlin; empty is the hub's."""
    start: datetime | None = None
    """No run before it; `every` counts from it."""
    until: datetime | None = None
    """No run after it."""
    missed: Missed = "once"
    jitter: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds: each run begins at a moment of its own, at most so much later, for not all to begin at once."""


class FileExists(Struct, frozen=True, kw_only=True, tag="file", omit_defaults=True):
    """A file stands in the task's workspace."""

    path: str
    contains: str = ""
    """Words that must stand in it."""


class UrlAnswers(Struct, frozen=True, kw_only=True, tag="url", omit_defaults=True):
    """A URL is answered, as the hub's egress lets it be asked."""

    url: str
    status: int = 200
    contains: str = ""


class CommandExits(Struct, frozen=True, kw_only=True, tag="command", omit_defaults=True):
    """A command, in the sandbox and in the task's workspace, exits with a status; no shell reads it."""

    command: tuple[str, ...]
    status: int = 0


class ToolSays(Struct, frozen=True, kw_only=True, tag="tool", omit_defaults=True):
    """A tool that changes nothing, called so, gives a result with these words in it."""

    tool: str
    arguments: str
    """JSON."""
    contains: str


Check = FileExists | UrlAnswers | CommandExits | ToolSays
"""What can be looked at to see whether a task is done, whatever its agent says."""


class ForMessage(Struct, frozen=True, kw_only=True, tag="message"):
    """The person says something in the task."""


class ForTasks(Struct, frozen=True, kw_only=True, tag="tasks"):
    """All of these tasks have ended, or come to rest."""

    tasks: tuple[TaskId, ...]
    told: tuple[TaskId, ...] = ()
    """Of these, those that rest with a question already, of which the task that waits knows."""


class ForFile(Struct, frozen=True, kw_only=True, tag="file"):
    """A file of the task's workspace comes, goes or changes."""

    path: str
    seen: str = ""
    """SHA-256 of what it was; empty: it wasn't there."""


class ForUrl(Struct, frozen=True, kw_only=True, tag="url"):
    """What a URL answers changes."""

    url: str
    seen: str = ""
    """SHA-256 of the text it answered; empty: it didn't."""


Signal = ForMessage | ForTasks | ForFile | ForUrl
"""What a task may wait for besides a time."""


class Point(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point of a task's plan, as its person reads it."""

    text: str
    state: Literal["open", "done", "dropped"] = "open"
