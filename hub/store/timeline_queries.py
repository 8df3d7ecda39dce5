"""The port's queries for timelines alone, as SQL; explained by the same test as all others."""

from typing import Any

from sqlalchemy import func, select, union

from hub.records import Correction
from hub.store.queries import Query, of
from hub.store.tables import corrections, turns


def worked(task: str) -> Query:
    """What all turns of a task took."""
    tokens, ms = func.sum(turns.c.tokens_in + turns.c.tokens_out), func.sum(turns.c.ms)
    columns: list[Any] = [func.count().label("turns"), tokens.label("tokens"), ms.label("ms")]
    return select(*columns).where(turns.c.task == task)


def corrections_of_task(task: str, limit: int) -> Query:
    """Out of a task and into it."""
    ids = union(
        select(corrections.c.id).where(corrections.c.wrong == task),
        select(corrections.c.id).where(corrections.c.right == task),
    )
    return of(Correction).where(corrections.c.id.in_(ids)).order_by(corrections.c.id.desc()).limit(limit)
