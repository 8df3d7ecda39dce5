"""Labelled streams (routing.*.jsonl.gz), as the router would see them."""

import gzip
import json
import random
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.flow.evidence import Line, Seen
from hub.records import HOME, OWNER, Address, Task, TaskId

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CANDIDATES = 5
KEPT_LINES = 8
SEED = 20261122


class Item:
    """A message to be routed: what the router sees, and the places of right answers (none: its task isn't offered)."""

    def __init__(self, stream: str, message: dict[str, Any], roster: list[Seen], right: Sequence[int]) -> None:
        self.stream = stream
        self.message = message
        self.text: str = message["text"]
        self.roster = roster
        self.right = right
        self.now = EPOCH + timedelta(seconds=message["t"])


def streams(path: str, count: int) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines]
    return random.Random(SEED).sample(every, count) if count < len(every) else every


def replay(stream: dict[str, Any], *, forced: bool) -> Generator[Item, int, None]:
    """Yield each user message with the tasks made so far; take the chosen place back."""
    made: dict[str, Seen] = {}
    founded: dict[str, str] = {}
    chosen = ""
    for message in stream["messages"]:
        at = EPOCH + timedelta(seconds=message["t"])
        if message["role"] == "user":
            roster = sorted(made.values(), key=lambda seen: seen.lines[-1][2], reverse=True)[:CANDIDATES]
            right = _right(message, roster, founded, forced=forced)
            place = yield Item(stream["stream"], message, roster, right)
            if forced:
                chosen = message["gold_task"]
            else:
                chosen = roster[place].task.id if place < len(roster) else f"R{len(made) + 1}"
            if chosen not in made:
                made[chosen] = Seen(task=_task(chosen, message["text"], at), lines=(), asked=False)
                founded[chosen] = message["gold_task"]
        line: Line = (message["role"], message["text"], at)
        seen = made[chosen]
        made[chosen] = Seen(task=seen.task, lines=(*seen.lines, line)[-KEPT_LINES:], asked=False)


def _right(message: dict[str, Any], roster: Sequence[Seen], founded: dict[str, str], *, forced: bool) -> list[int]:
    """On-line a task may have been made twice: each that a message of the gold task founded is right."""
    if message["kind"] == "new":
        return [len(roster)]
    whose = [seen.task.id if forced else founded[seen.task.id] for seen in roster]
    return [place for place, task in enumerate(whose) if task == message["gold_task"]]


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


def forced_items(stream: dict[str, Any]) -> Iterable[Item]:
    walk = replay(stream, forced=True)
    item = next(walk, None)
    while item is not None:
        yield item
        try:
            item = walk.send(0)
        except StopIteration:
            return
