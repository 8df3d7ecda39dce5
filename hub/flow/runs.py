"""A scheduled task's runs: which comes next, which were missed and what becomes of those, and how they're noted.

A run is missed if its time passed while the hub was away, or while the task's earlier run was still at work. A run that
has begun is under way until a turn's verdict ends it; then the next one follows from its time, not from now.
"""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from hub.flow.schedules import checked, latest, upcoming
from hub.records import Again, Schedule, Task, TaskId, Wait

GRACE = timedelta(minutes=1)
"""So late a run isn't missed yet."""
MOST = 100
"""Missed runs that are made up for, or counted, at most."""

_NOTE = re.compile(r"the run of (\S+): turn (\d+) begins")


class Began(Struct, frozen=True, kw_only=True):
    """What a note of a run's beginning says."""

    run_at: datetime
    turn: int


def planned(task: Task, schedule: Schedule, zone: str, now: datetime) -> Task:
    """Return a task that comes by a schedule from now on; raises BadRequest as `checked` does."""
    kept = checked(schedule, zone, now)
    return at(replace(task, schedule=kept), upcoming(kept, zone, now))


def at(task: Task, run_at: datetime | None) -> Task:
    """Return a task whose next run is that of a time; None: there's none any more."""
    return replace(task, run_at=run_at, due_at=due_of(task, run_at) if run_at else None)


def due_of(task: Task, run_at: datetime) -> datetime:
    """Return when the run of a time begins: with jitter somewhat later, but each time it's asked the same."""
    jitter = task.schedule.jitter if task.schedule else 0.0
    return run_at + timedelta(seconds=round(jitter * _share(task.id, run_at), 3)) if jitter else run_at


def begins(task: Task, now: datetime) -> bool:
    """Say whether a turn that's taken now is the first of a run: its time has come, and none was taken yet."""
    waits = task.run_at is not None and task.due_at == due_of(task, task.run_at)
    return waits and task.due_at is not None and task.due_at <= now


def note(task: Task, turn: int) -> str:
    """Return how it's noted that a run begins with a turn."""
    return f"the run of {(task.run_at or task.updated_at).astimezone(UTC).isoformat()}: turn {turn} begins"


def noted(why: str) -> Began | None:
    """Return what such a note says."""
    found = _NOTE.fullmatch(why)
    return Began(run_at=datetime.fromisoformat(found[1]), turn=int(found[2])) if found else None


def rested(task: Task, started_at: datetime, zone: str, now: datetime) -> tuple[Task, str]:
    """Return a scheduled task as a turn's verdict leaves it, and what's to be told of runs that were missed.

    A run that ended, also one that ended with a question or came to nothing, makes room for the next. Words said
    between two runs move none of them.
    """
    if task.schedule is None or task.run_at is None or task.state in {"canceled", "failed"}:
        return task, ""
    begun = due_of(task, task.run_at) <= started_at
    if isinstance(task.verdict, Again | Wait):
        pending = due_of(task, task.run_at)
        early = not begun and (task.due_at is None or pending < task.due_at)
        return (replace(task, due_at=pending) if early else task), ""
    told = ""
    if begun:
        task, told = _following(task, zone, now)
    else:
        task = at(task, task.run_at)
    comes_again = task.state == "completed" and task.run_at is not None
    return (replace(task, state="submitted") if comes_again else task), told


def _following(task: Task, zone: str, now: datetime) -> tuple[Task, str]:
    if task.schedule is None or task.run_at is None:
        return task, ""
    task = at(task, upcoming(task.schedule, zone, task.run_at))
    return caught_up(task, zone, now)


def caught_up(task: Task, zone: str, now: datetime) -> tuple[Task, str]:
    """Return a task with the run that its policy has taken now or next, and what's to be told of missed ones."""
    schedule, since = task.schedule, task.run_at
    if schedule is None or since is None or since > now:
        return task, ""
    late = latest(schedule, zone, since, now, MOST + 1)
    more, late = len(late) > MOST, late[-MOST:]
    run_at: datetime | None
    match schedule.missed:
        case "once":
            missed, run_at = len(late) - 1, late[-1]
            follows = "one for all of them comes now"
        case "all":
            missed, run_at = MOST if more else 0, late[0]
            follows = f"the last {MOST} come now, one after another"
        case "skip":
            on_time = [run for run in late if due_of(task, run) + GRACE >= now]
            missed, run_at = len(late) - len(on_time), next(iter(on_time), upcoming(schedule, zone, now))
            follows = "none is made up for"
    task = at(task, run_at)
    if not missed:
        return task, ""
    return task, f"{_count(missed + (schedule.missed == 'once'), more)} missed; {follows}{_next(task, zone, now)}"


def moment(time: datetime, zone: str) -> str:
    """Return a time as people read it, in a zone."""
    return f"{time.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"


def _count(number: int, more: bool) -> str:
    return f"more than {MOST} runs were" if more else "1 run was" if number == 1 else f"{number} runs were"


def _next(task: Task, zone: str, now: datetime) -> str:
    if task.run_at is None or task.run_at <= now:
        return ""
    return f", the next is on {moment(task.run_at, task.schedule.zone or zone if task.schedule else zone)}"


def _share(id: TaskId, run_at: datetime) -> float:
    """Return a number from 0 to 1 that's a run's own."""
    found = sha256(f"{id} {run_at.astimezone(UTC).isoformat()}".encode()).digest()
    return int.from_bytes(found[:8]) / 2**64
