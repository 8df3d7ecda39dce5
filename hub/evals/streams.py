"""Labelled streams, as the router would see them: one person, one chat, several tasks on the go.

The protocol of the evaluation and of the training, in one place. Teacher-forced, the history is set right after each
answer; on-line, the router lives with what it chose, and a task that it made stands for the gold task of the message
that founded it.
"""

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.evals.lines import DataError, read
from hub.flow.evidence import Line, Seen
from hub.flow.router import LINES
from hub.records import HOME, OWNER, Address, Task, TaskId, TaskState

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FLAGS = ("short", "twin_open", "shift")

Kind = Literal["new", "stay", "switch"]


class Labelled(Struct, frozen=True, kw_only=True):
    """A message of a stream with its labels, which no router sees."""

    i: int
    t: float
    """Seconds since the stream began."""
    role: Literal["user", "agent"]
    text: str
    gold_task: str
    kind: Kind | None = None
    """Follows from the gold tasks where it isn't told."""
    short: bool = False
    twin_open: bool = False
    shift: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """What's special about it, by name."""
        return tuple(flag for flag in FLAGS if getattr(self, flag))


class Stream(Struct, frozen=True, kw_only=True):
    """What one person and the agents said, in order."""

    stream: str
    messages: tuple[Labelled, ...]

    def __post_init__(self) -> None:
        """Refuse a stream that can't be replayed."""
        if not self.messages or self.messages[0].role != "user":
            raise ValueError("a stream begins with a user's message")
        if any(later.t < earlier.t for earlier, later in zip(self.messages, self.messages[1:], strict=False)):
            raise ValueError("a stream's times `t` don't go back")
        if not all(abs(message.t) <= 1e9 for message in self.messages):
            raise ValueError("a stream's times `t` are seconds since it began")


class Item(Struct, frozen=True, kw_only=True):
    """A message to be routed: what the router sees, and the right places (none: its task isn't offered).

    A place is a task's in the roster; the one behind the last stands for a new task.
    """

    stream: str
    message: Labelled
    kind: Kind
    roster: tuple[Seen, ...]
    right: tuple[int, ...]
    fresh: str
    """What a new task would be called."""
    now: datetime

    def label(self, place: int) -> str:
        """Return what the task at a place is called."""
        return self.roster[place].task.id if place < len(self.roster) else self.fresh


def streams(path: Path, limit: int | None = None) -> Iterator[Stream]:
    """Yield a file's streams, the first `limit` of them; raises DataError."""
    for count, stream in enumerate(read(path, Stream)):
        if count == limit:
            return
        yield stream


def replay(stream: Stream, *, forced: bool, limits: LimitsConfig) -> Generator[Item, int, None]:
    """Yield each of the person's messages with the tasks made so far; take the chosen place back."""
    made: dict[str, Seen] = {}
    founded: dict[str, str] = {}
    """The gold task of the message that founded each."""
    last = chosen = ""
    met: set[str] = set()
    for message in stream.messages:
        at = EPOCH + timedelta(seconds=message.t)
        if message.role == "user":
            gold = message.gold_task
            kind: Kind = message.kind or ("new" if gold not in met else "stay" if gold == last else "switch")
            roster = _roster(made, at, limits)
            right = _right(gold, kind, roster, founded)
            fresh = f"R{len(made) + 1}"
            item = Item(
                stream=stream.stream, message=message, kind=kind, roster=roster, right=right, fresh=fresh, now=at
            )
            place = yield item
            chosen = item.label(place)
            last = gold
        if forced:
            whose = {gold: name for name, gold in founded.items()}
            chosen = whose.get(message.gold_task, f"R{len(made) + 1}")
        met.add(message.gold_task)
        if chosen not in made:
            made[chosen] = Seen(task=_task(chosen, message.text, at), lines=(), asked=False)
            founded[chosen] = message.gold_task
        made[chosen] = _with_line(made[chosen], (message.role, message.text, at))


def _roster(made: dict[str, Seen], now: datetime, limits: LimitsConfig) -> tuple[Seen, ...]:
    """Return what the router would look up in the store: open tasks and those just finished, the latest first."""
    since = now - timedelta(hours=limits.reopen_hours)
    found = [seen for seen in made.values() if seen.task.state != "completed" or seen.task.updated_at >= since]
    return tuple(sorted(found, key=lambda seen: seen.task.updated_at, reverse=True)[: limits.candidates])


def _right(gold: str, kind: Kind, roster: Sequence[Seen], founded: dict[str, str]) -> tuple[int, ...]:
    """On-line a task may have been made twice: each that a message of the gold task founded is right."""
    if kind == "new":
        return (len(roster),)
    return tuple(place for place, seen in enumerate(roster) if founded[seen.task.id] == gold)


def _with_line(seen: Seen, line: Line) -> Seen:
    """Return a task after something was said: as the hub does, it waits for an answer if the agent ended by asking."""
    role, text, at = line
    asked = role == "agent" and text.rstrip().endswith("?")
    state: TaskState = "working" if role == "user" else "input-required" if asked else "completed"
    task = replace(seen.task, state=state, updated_at=at)
    return Seen(task=task, lines=(*seen.lines, line)[-LINES:], asked=asked)


def _task(name: str, goal: str, at: datetime) -> Task:
    return Task(
        id=TaskId(name),
        tenant=HOME,
        person=OWNER,
        number=1,
        origin=Address(bridge="http", chat="owner/main"),
        title=goal[:60],
        goal=goal,
        agent="default",
        state="working",
        created_at=at,
        updated_at=at,
    )


__all__ = ["FLAGS", "DataError", "Item", "Kind", "Labelled", "Stream", "replay", "streams"]
