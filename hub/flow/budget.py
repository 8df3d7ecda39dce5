"""What a task may cost, and how it stands once that's spent: told from what's kept, not from claims."""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.flow.said import short
from hub.records import Done, Limits, Step, Task, Usage

FILES, TOOLS, POINTS = 8, 6, 6
"""So many are told by name."""
SHOWN = 120


class Spent(Exception):
    """The turn ends here: another step would cost more than the task may."""


class Gone(Spent):
    """The turn ends here: all that its tenant may take is taken."""


def so_far(task: Task) -> Usage:
    """Return what counts against a task's limits: what comes again has them each time anew."""
    return Usage() if task.schedule and isinstance(task.verdict, Done) else task.used


def plus(used: Usage, tokens: int, minutes: float, money: float) -> Usage:
    """Return a cost with some more of it."""
    return replace(used, tokens=used.tokens + tokens, minutes=used.minutes + minutes, money=used.money + money)


def spent(limits: Limits, used: Usage) -> str:
    """Return what's used up, in words; or nothing."""
    if used.turns >= limits.turns:
        return f"{limits.turns} turn" + ("" if limits.turns == 1 else "s")
    if used.tokens >= limits.tokens:
        return f"{limits.tokens:,} tokens"
    if used.minutes >= limits.minutes:
        return f"{limits.minutes:g} minutes"
    if limits.money and used.money >= limits.money:
        return f"a budget of {limits.money:g}"
    return ""


def left(task: Task, used: Usage) -> int:
    """Return how many tokens a task may still cost; raises Spent if it has used up anything."""
    if over := spent(task.limits, used):
        raise Spent(over)
    return task.limits.tokens - used.tokens


def granted(task: Task, more: LimitsConfig) -> Task:
    """Return a task that may cost as much again."""
    limits = Limits(
        turns=task.limits.turns + more.turns,
        tokens=task.limits.tokens + more.tokens,
        minutes=task.limits.minutes + more.minutes,
        money=task.limits.money * 2,
    )
    return replace(task, limits=limits)


def renewed(task: Task, more: LimitsConfig) -> Task:
    """Return a task that its person has go on: with as much again if it was spent, and not done any more if it was.

    What was done once, and is taken up again, is judged anew.
    """
    if task.kind == "assignment" and spent(task.limits, so_far(task)):
        task = granted(task, more)
    return replace(task, verdict=None) if isinstance(task.verdict, Done) and not task.schedule else task


def standing(task: Task, checks: Sequence[Step], calls: Sequence[Step], files: Sequence[str]) -> str:
    """Return what's done and what's left of a task, in lines for its person; "" if nothing is known of either."""
    done = [short(point.text, SHOWN) for point in task.plan if point.state == "done"][:POINTS]
    done += [short(step.result, SHOWN) for step in checks if not step.failed]
    left = [short(point.text, SHOWN) for point in task.plan if point.state == "open"][:POINTS]
    left += [short(step.result, SHOWN) for step in checks if step.failed]
    made = Counter(step.name for step in calls if not step.failed)
    named = [f"{name} {count}×" if count > 1 else name for name, count in made.most_common(TOOLS)]
    lines = {
        "Done": "; ".join(done),
        "Left": "; ".join(left),
        "Tools called": ", ".join(named),
        "Files": ", ".join(files[:FILES]) + (f" and {len(files) - FILES} more" if len(files) > FILES else ""),
    }
    return "\n".join(f"{name}: {told}." for name, told in lines.items() if told)
