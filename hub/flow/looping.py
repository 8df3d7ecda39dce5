"""Does a task go round in circles? Seen from what was called and said, turn after turn, since its person last decided.

What's seen is put to the person: nothing here ends a task, or lets it go on.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from hub.records import Again, Done, Step, Task, Turn, Wait

REMEMBERED = 4
"""Turns back in which the same answer is noticed: of agents that repeat themselves, some do so by turns."""
SAME = 0.95
"""Two answers as alike as that are one answer given twice."""
CALLS = 3
"""So often a call may be made before it's a loop, with the same arguments and the same result."""
SWINGS = 6
"""Calls of two tools by turns."""
IDLE = 5
"""Turns in a row that may come without anything new."""
COMPARED = 2_000


def window(before: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns before, newest first, that had no end: the person, or a wait, came before those."""
    return tuple(itertools.takewhile(lambda turn: turn.verdict is None or isinstance(turn.verdict, Again), before))


def seen(task: Task, turn: Turn, before: Sequence[Turn], earlier: Sequence[Step], calls: Sequence[Step]) -> str:
    """Return in what way a task repeats itself, as it's told to its person; or nothing.

    `before` are the turns before, newest first; `earlier` the tool calls of those in the window, oldest first; `calls`
    this turn's.
    """
    if _answered_before(task, turn, before):
        return "my last turns came to the same answer"
    every = (*earlier, *calls)
    if repeated := _repeated(every):
        return repeated
    if swinging := _swinging(every):
        return swinging
    turns = window(before)[: IDLE - 1]
    if len(turns) == IDLE - 1 and not turn.messages and not _is_new(earlier, calls) and _idle(turns, earlier):
        return f"nothing new has come of my last {IDLE} turns"
    return ""


def _answered_before(task: Task, turn: Turn, before: Sequence[Turn]) -> bool:
    # What comes again may say the same each time; what waits says each time that it does.
    others = itertools.takewhile(lambda other: not (task.schedule and isinstance(other.verdict, Done)), before)
    recent = itertools.islice((other for other in others if not isinstance(other.verdict, Wait)), REMEMBERED)
    return bool(turn.answer) and any(_same(other.answer, turn.answer) for other in recent)


def _repeated(calls: Sequence[Step]) -> str:
    # A failed call is the same whatever its words of regret.
    made = Counter((step.name, step.request, "" if step.failed else step.result) for step in calls)
    for step in reversed(calls[-SWINGS:]):
        count = made[step.name, step.request, "" if step.failed else step.result]
        if count >= CALLS:
            came = "failed" if step.failed else "gave me the same"
            return f"I called {step.name} {count} times with the same arguments, and each time it {came}"
    return ""


def _swinging(calls: Sequence[Step]) -> str:
    last = calls[-SWINGS:]
    ones, others = last[::2], last[1::2]
    if len(last) < SWINGS or last[0].name == last[1].name:
        return ""
    if _alike(ones) and _alike(others):
        return f"I call {last[0].name} and {last[1].name} by turns, and get nowhere"
    return ""


def _alike(steps: Sequence[Step]) -> bool:
    """Say whether calls are of one tool, and either were asked the same or came to the same."""
    return len({step.name for step in steps}) == 1 and (
        len({step.request for step in steps}) == 1 or len({(step.result, step.failed) for step in steps}) == 1
    )


def _idle(turns: Sequence[Turn], earlier: Sequence[Step]) -> bool:
    for turn in turns:
        own = [step for step in earlier if step.turn == turn.id]
        older = earlier[: earlier.index(own[0])] if own else earlier
        if turn.messages or _is_new(older, own):
            return False
    return True


def _is_new(older: Sequence[Step], calls: Sequence[Step]) -> bool:
    known = {(step.name, step.request, step.result) for step in older}
    return any(not step.failed and (step.name, step.request, step.result) not in known for step in calls)


def _same(one: str, other: str) -> bool:
    return SequenceMatcher(None, one[:COMPARED], other[:COMPARED], autojunk=False).ratio() >= SAME
