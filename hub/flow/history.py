"""A schedule's history: the runs that there were, as the task's transitions tell."""

from datetime import datetime

from msgspec import Struct

from hub.flow.runs import noted
from hub.ports import Store
from hub.records import TaskId

PAGE = 200
PAGES = 50
"""So many transitions, at most, are looked through for one page of runs: 10,000 with 200 each."""


class Run(Struct, frozen=True, kw_only=True):
    """One run of a task by its schedule."""

    run_at: datetime
    """The time that the schedule named."""
    began_at: datetime
    turns: list[int]
    """The numbers of the turns it took, the first one first."""


async def runs_of(store: Store, task: TaskId, before: str | None, limit: int) -> tuple[tuple[Run, ...], str | None]:
    """Return a task's runs, newest first, and what leads to older ones; `before` is what led here."""
    newest = await store.turns(task, limit=1)
    cursor, _, first = (before or "").partition(":")
    following = int(first) if first.isdecimal() else (newest[0].number + 1 if newest else 1)
    found: list[Run] = []
    for _ in range(PAGES):
        changes = await store.transitions(task, before=cursor or None, limit=PAGE)
        for change in changes:
            cursor = change.id
            began = noted(change.why)
            if began is None or change.by != "schedule":
                continue
            turns = list(range(began.turn, max(following, began.turn + 1)))
            found.append(Run(run_at=began.run_at, began_at=change.at, turns=turns))
            following = began.turn
            if len(found) == limit:
                return tuple(found), f"{cursor}:{following}"
        if len(changes) < PAGE:
            break
    return tuple(found), None
