"""How far a task is, in words its person reads: from what's kept of it, never from what its agent says of itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from hub.flow.said import short
from hub.records import (
    OPEN,
    Again,
    Ask,
    Blocked,
    Done,
    ForFile,
    ForMessage,
    ForTasks,
    ForUrl,
    Signal,
    Step,
    Task,
    Turn,
    Usage,
    Wait,
)

RESULT = 80
"""Characters of a tool's result."""
WHY = 200


def is_over(task: Task) -> bool:
    """Say whether a task has ended, or this run of it: one that comes again rests then until its next."""
    if task.state not in OPEN:
        return True
    return task.schedule is not None and task.state == "submitted" and isinstance(task.verdict, Done)


def spent(task: Task) -> Usage:
    """Return what this run of a task has cost so far: before its first turn has ended, nothing."""
    between = task.schedule is not None and isinstance(task.verdict, Done) and task.state == "working"
    return Usage() if between else task.used


def standing(task: Task, running: Turn | None, steps: Sequence[Step], now: datetime, zone: ZoneInfo) -> str:
    """Return how far a task is: what it does or waits for, its plan, the last tool's result, what it has cost."""
    used = spent(task)
    lines = [_doing(task, running, used, now, zone)]
    if task.plan:
        lines.append(_plan(task))
    if called := next((step for step in reversed(steps) if step.kind == "tool"), None):
        lines.append(f"Last: {receipt(called)}")
    lines.append(f"Used: {budget(task, used)}")
    return "\n".join(lines)


def ended(task: Task) -> str:
    """Return how a task, or this run of it, has ended: one line."""
    turns = f"{task.used.turns} {'turn' if task.used.turns == 1 else 'turns'}"
    return f"{ENDS.get(task.state, 'Done')} after {turns}, {span(timedelta(minutes=task.used.minutes))}"


ENDS = {"completed": "Done", "failed": "Failed", "canceled": "Canceled"}


def receipt(step: Step) -> str:
    """Return what came of a tool's call, in a line."""
    result = short(step.result, RESULT)
    return f"{step.name} {'failed' if step.failed else 'gave'}{f': {result}' if result else ' nothing'}"


def budget(task: Task, used: Usage) -> str:
    """Return how much of what a task may cost is spent."""
    limits = task.limits
    parts = [
        f"{used.turns} of {limits.turns} turns",
        f"{used.tokens:,} of {limits.tokens:,} tokens",
        f"{used.minutes:.1f} of {limits.minutes:g} minutes",
    ]
    if used.money or limits.money:
        parts.append(f"{used.money:.2f}{f' of {limits.money:.2f}' if limits.money else ''} money")
    return ", ".join(parts)


def waiting_for(task: Task, now: datetime, zone: ZoneInfo) -> str:
    """Return what a task that rests waits for, and until when; nothing if it's at work or over."""
    if task.state == "input-required":
        return _person(task)
    if task.state in OPEN and task.due_at is not None and task.due_at > now:
        at = moment(task.due_at, now, zone)
        match task.verdict:
            case Wait(on=on, why=why):
                what = f"for {awaited(on)}, " if on else ""
                return f"Waits {what}until {at}{f': {short(why, WHY)}' if why else ''}"
            case Again(why=why):
                return f"Goes on at {at}{f': {short(why, WHY)}' if why else ''}"
        return f"{'Next run' if task.schedule else 'Begins'} at {at}"
    return ""


def awaited(signal: Signal) -> str:
    """Return what a task waits for besides a time."""
    match signal:
        case ForMessage():
            return "a word from you"
        case ForTasks(tasks=tasks):
            return "another task" if len(tasks) == 1 else f"{len(tasks)} other tasks"
        case ForFile(path=path):
            return f"the file {path}"
        case ForUrl(url=url):
            return f"a change of {url}"
        case _:
            assert_never(signal)


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return a time as a person says it: today's without a date."""
    there = at.astimezone(zone)
    return f"{there:%H:%M}" if there.date() == now.astimezone(zone).date() else f"{there:%a %Y-%m-%d %H:%M}"


def span(lasted: timedelta) -> str:
    """Return how long something lasted: 8 s, 2 min, 1 h 5 min."""
    seconds = round(lasted.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _doing(task: Task, running: Turn | None, used: Usage, now: datetime, zone: ZoneInfo) -> str:
    if running is not None:
        return f"Working: turn {used.turns + 1} of {task.limits.turns}"
    return waiting_for(task, now, zone) or f"Working: turn {used.turns + 1} of {task.limits.turns} is next"


def _plan(task: Task) -> str:
    points = [point for point in task.plan if point.state != "dropped"]
    done = sum(point.state == "done" for point in points)
    following = next((point.text for point in points if point.state == "open"), "")
    return f"Plan: {done} of {len(points)} points done{f'; next: {short(following, WHY)}' if following else ''}"


def _person(task: Task) -> str:
    match task.verdict:
        case Ask(question=question):
            return f"Waits for your answer: {short(question, WHY)}"
        case Blocked(missing=missing):
            return f"Can't go on: {short(missing, WHY)}"
    return f"Stopped; /resume {task.number} goes on"
