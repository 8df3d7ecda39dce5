"""What the reader is given: a message, and of each open task what it needs to tell whether the message belongs there.

The words are few whatever a task's length: a reader's work grows with the number of open tasks, not with their history.
"""

from collections.abc import Sequence
from datetime import datetime

from hub.flow.evidence import FUNCTION_WORDS, WORD, Seen

MOST_TASKS = 8
MESSAGE_CHARS = 200
GOAL_CHARS = 100
USER_CHARS = 90
AGENT_CHARS = 150
EARLIER_CHARS = 60
RANKS = ("first", "second", "third", "fourth", "fifth", "sixth")
AGES = ((90.0, "now"), (600.0, "minutes"), (7_200.0, "hour"), (86_400.0, "hours"))
MOST = 2_000
"""Characters of any text that are looked at."""


def question(text: str) -> str:
    """Return a message as the reader gets it."""
    return _cut(text, MESSAGE_CHARS, end=0.3)


def blocks(roster: Sequence[Seen], now: datetime) -> list[str]:
    """Return what the reader gets of each task, in the roster's order."""
    newest = sorted(range(len(roster)), key=lambda at: _last_at(roster[at]), reverse=True)
    ranks = {at: RANKS[min(rank, len(RANKS) - 1)] for rank, at in enumerate(newest)}
    return [_block(seen, ranks[at], now) for at, seen in enumerate(roster)]


def _block(seen: Seen, rank: str, now: datetime) -> str:
    goal = _cut(seen.task.goal, GOAL_CHARS, end=0.3)
    said = _cut(_latest(seen, "agent"), AGENT_CHARS, end=0.7)
    asked = _cut(_latest(seen, "user"), USER_CHARS, end=0.3)
    asked = "" if asked == goal else asked
    parts = (goal, _earlier(seen, f"{goal} {asked} {said}"), asked, said)
    return " | ".join([f"{rank} {_age(now, seen)}", *parts])


def _earlier(seen: Seen, shown: str) -> str:
    """Return words that were said before, the latest first: a name or a place tells two tasks of a kind apart."""
    known = set(FUNCTION_WORDS).union(WORD.findall(shown.lower()))
    found: list[str] = []
    room = EARLIER_CHARS
    for _, text, _ in reversed(seen.lines):
        for word in WORD.findall(text[:MOST].lower()):
            if word not in known and len(word) > 2 and room > len(word):
                known.add(word)
                found.append(word)
                room -= len(word) + 1
    return " ".join(found)


def _latest(seen: Seen, role: str) -> str:
    return next((text for who, text, _ in reversed(seen.lines) if who == role), "")


def _last_at(seen: Seen) -> datetime:
    return seen.lines[-1][2] if seen.lines else seen.task.updated_at


def _age(now: datetime, seen: Seen) -> str:
    seconds = (now - _last_at(seen)).total_seconds()
    return next((word for most, word in AGES if seconds < most), "days")


def _cut(text: str, chars: int, *, end: float) -> str:
    """Keep a text's beginning and that share of the room for its end, on one line."""
    line = " ".join((text if len(text) <= MOST else text[: MOST // 2] + text[-MOST // 2 :]).split())
    if len(line) <= chars:
        return line
    tail = int(chars * end)
    return f"{line[: chars - tail - 3]}...{line[len(line) - tail :]}"
