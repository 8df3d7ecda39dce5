"""A task and the tasks that were split off from it: what they've come to, what they cost, when it goes on.

A task that has split waits for its subtasks at no cost. Each of them that ends, or comes to rest, looks whether it was
the last one; then the task falls due in the very same commit.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Literal

from msgspec.structs import replace

from hub.errors import Conflict
from hub.flow import lanes
from hub.flow.journal import Journal
from hub.ports import Change, Clock, Store
from hub.records import OPEN, Ask, Blocked, Done, ForTasks, Spent, Task, TaskId, Usage, Verdict, Wait

LOOK = timedelta(hours=1)
"""So often a task that waits is looked at all the same: two subtasks that end in one moment may miss each other."""
SUMMARY = 240
"""Characters of what became of a subtask, in its parent's prompt."""
RUNS = 50
"""Turns back in which the begin of a run is looked for, of a task that comes again."""

Standing = Literal["at work", "asks", "done", "blocked", "stopped", "failed", "canceled"]


def standing_of(task: Task) -> Standing:
    """Return how a subtask stands, for the one that it was split off from."""
    match task.state:
        case "submitted" | "working":
            return "at work"
        case "completed":
            return "done"
        case "failed" | "canceled":
            return task.state
        case _:
            return "asks" if isinstance(task.verdict, Ask) else "blocked" if _missing(task) else "stopped"


def told(task: Task) -> str:
    """Return in few tokens what a subtask has come to: what was done, what's missing, or what it asks."""
    standing = standing_of(task)
    verdict = task.verdict
    words = ""
    if standing == "done" and isinstance(verdict, Done):
        words = verdict.summary
    elif standing == "asks" and isinstance(verdict, Ask):
        words = verdict.question or verdict.why
    elif standing == "blocked":
        words = _missing(task)
    line = " ".join(words.split())
    line = line if len(line) <= SUMMARY else f"{line[: SUMMARY - 1]}…"
    asked = "asks the user" if standing == "asks" else "given up" if standing == "canceled" else standing
    return f"#{task.number} {task.title}: {asked}{f': {line}' if line else ''}"


def begun(task: Task) -> Task:
    """Return a subtask as it was founded, whatever it has come to since."""
    return replace(task, state="submitted", verdict=None)


def arrived(task: Task, told: Collection[TaskId] = ()) -> bool:
    """Say whether a subtask has ended, or rests; with a question that was told before, it rests on."""
    standing = standing_of(task)
    return standing != "at work" and not (standing == "asks" and task.id in told)


def total(own: Usage, children: Iterable[Task]) -> Usage:
    """Return what a task has cost together with its subtasks; `own` may have an older sum of these in it."""
    before, below = own.subtasks or Spent(), Spent()
    for child in children:
        below = Spent(
            turns=below.turns + child.used.turns,
            tokens=below.tokens + child.used.tokens,
            minutes=below.minutes + child.used.minutes,
            money=below.money + child.used.money,
        )
    return Usage(
        turns=own.turns - before.turns + below.turns,
        tokens=own.tokens - before.tokens + below.tokens,
        minutes=own.minutes - before.minutes + below.minutes,
        money=own.money - before.money + below.money,
        subtasks=below if below != Spent() else None,
    )


def as_subtask(task: Task, verdict: Verdict) -> Verdict:
    """Return how a verdict holds for a subtask: what isn't a question of its own is for its parent to see to.

    Whether it may go on, eight subtasks would ask their person one after another.
    """
    if task.parent and isinstance(verdict, Ask) and verdict.choices:
        return Blocked(missing=verdict.why or verdict.question)
    return verdict


async def children_of(store: Store, task: Task) -> tuple[Task, ...]:
    """Return a task's subtasks, oldest first; of one that comes again those of its last run."""
    if task.kind != "assignment":
        return ()
    children = await store.split_off(task.id)
    if not children or task.schedule is None:
        return children
    turns = await store.turns(task.id, limit=RUNS)
    done = next((turn for turn in turns if isinstance(turn.verdict, Done)), None)
    return tuple(child for child in children if done is None or child.created_at > done.started_at)


class Family:
    """Sees to tasks that were split."""

    def __init__(self, store: Store, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock

    def waits(self, children: Sequence[Task], told: Sequence[Task]) -> Wait | None:
        """Return that a task waits after a turn: for what's at work, asks its person, or arrived meanwhile.

        `told` are the subtasks as the turn was told of them.
        """
        before = {child.id: child.revision for child in told}
        fresh = {child.id for child in children if before.get(child.id) != child.revision}
        left = [child for child in children if standing_of(child) in {"at work", "asks"} or child.id in fresh]
        if not left:
            return None
        asking = tuple(child.id for child in left if standing_of(child) == "asks" and child.id not in fresh)
        here = all(arrived(child, asking) for child in left)
        names = ", ".join(f"#{child.number}" for child in left)
        return Wait(
            until=self._clock.now() if here else self._clock.now() + LOOK,
            why=f"waits for {'subtask' if len(left) == 1 else 'subtasks'} {names}",
            on=ForTasks(tasks=tuple(child.id for child in left), told=asking),
        )

    async def ended(self, child: Task) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """Return what's kept together with a task's end or rest, and the lanes to wake.

        The last one that its parent waits for has that fall due.
        """
        parent = await self._store.task(child.parent) if child.parent else None
        awaited = _awaited(parent) if parent else None
        if parent is None or awaited is None or child.id not in awaited.tasks or standing_of(child) == "at work":
            return (), ()
        lane = (lanes.task(parent.id),)
        if not await self._all_here(parent, child):
            return (), lane  # another may arrive at this very moment: whoever is woken looks again
        due = replace(parent, due_at=self._clock.now())
        return self._journal.changed(due, parent.state, "hub", "its subtasks have ended"), lane

    async def left_open(self, parent: Task) -> tuple[Change, ...]:
        """Return what ends the subtasks that still rest when their parent is done."""
        changes: tuple[Change, ...] = ()
        for child in await self._store.split_off(parent.id):
            if child.state in OPEN:
                over = replace(child, state="canceled", due_at=None, updated_at=self._clock.now())
                changes += self._journal.changed(over, child.state, "hub", f"task {parent.number} is done")
        return changes

    async def look(self, task: Task) -> bool | None:
        """Say whether a task that waits for others may go on now; None if it waits for none.

        One that's looked at in vain is looked at later again.
        """
        if _awaited(task) is None:
            return None
        if await self._all_here(task):
            return True
        if task.due_at is not None and task.due_at <= self._clock.now():
            later = replace(task, due_at=self._clock.now() + LOOK)
            with suppress(Conflict):  # it was changed at this very moment: then somebody else looks at it
                await self._journal.commit(*self._journal.changed(later, task.state, "hub", "still waits"))
        return False

    async def _all_here(self, parent: Task, child: Task | None = None) -> bool:
        """Say whether all that a task waits for have arrived; `child` as it's about to be kept."""
        awaited = _awaited(parent)
        for id in awaited.tasks if awaited else ():
            found = child if child and child.id == id else await self._store.task(id)
            if awaited and found is not None and not arrived(found, awaited.told):
                return False
        return True


def _awaited(task: Task) -> ForTasks | None:
    waits = task.verdict
    if task.state != "working" or not isinstance(waits, Wait) or not isinstance(waits.on, ForTasks):
        return None
    return waits.on


def _missing(task: Task) -> str:
    return task.verdict.missing if isinstance(task.verdict, Blocked) else ""
