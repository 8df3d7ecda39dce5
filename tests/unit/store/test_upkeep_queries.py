"""No query of upkeep reads more the longer the history is, either."""

import pytest
from sqlalchemy import Engine

from hub.store import sqlite, upkeep_queries
from hub.store.queries import Query
from hub.store.schema import bring_up_to_date
from hub.testing import NOON, a_task
from tests.unit.store.test_queries import plan

OF_WHAT_IS_UNDER_WAY = {"entries_ready", "entries_not_done", "tasks_open"}
"""Indexes of unsettled entries and open tasks alone: reading one through is reading what waits, not the history."""
QUERIES: dict[str, Query] = {
    "oldest": upkeep_queries.oldest(NOON),
    "open_tasks": upkeep_queries.open_tasks("t"),
    "open_tasks of all": upkeep_queries.open_tasks(None),
    "done_entries": upkeep_queries.done_entries(NOON, 5),
    "ended_tasks": upkeep_queries.ended_tasks(NOON, 5, None),
    "ended_tasks after": upkeep_queries.ended_tasks(NOON, 5, a_task()),
    "loose_messages": upkeep_queries.loose_messages(NOON, 5, None),
    "loose_messages after": upkeep_queries.loose_messages(NOON, 5, "m"),
    "all_messages_of_task": upkeep_queries.all_messages_of_task("t", 5, "m"),
    "messages_of_person": upkeep_queries.messages_of_person("t", "p", 5, "m"),
    "messages_in_groups": upkeep_queries.messages_in_groups("t", "p", 5, "m"),
    "messages_with_any_file": upkeep_queries.messages_with_any_file(5, None),
    "messages_with_any_file after": upkeep_queries.messages_with_any_file(5, "m"),
    "entries_of": upkeep_queries.entries_of("m"),
    "corrections_of": upkeep_queries.corrections_of("m"),
    "keys_of": upkeep_queries.keys_of("t", "p"),
    "replays_of": upkeep_queries.replays_of("k", 5),
    "followed_by": upkeep_queries.followed_by("t", "p"),
    "leaving": upkeep_queries.leaving(),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    database = tmp_path_factory.mktemp("queries") / "hub.db"
    bring_up_to_date(database)
    return sqlite.writing(database)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_answered_in_order_from_an_index(engine: Engine, name: str) -> None:
    steps = plan(engine, QUERIES[name])
    whole = [step for step in steps if step.startswith("SCAN") and " INDEX " not in step]
    partial = [
        step
        for step in steps
        if "SCAN" in step and not _of_partial(step) and not OF_WHAT_IS_UNDER_WAY & set(step.split())
    ]
    assert (whole, partial) == ([], [])
    assert any("INDEX" in step for step in steps)


def _of_partial(step: str) -> bool:
    """Say whether an index of few rows is read from its beginning, as far as the limit."""
    return bool({"persons_leaving", "messages_of_no_task", "messages_with_any_file", "tasks_ended"} & set(step.split()))


def test_every_query_is_explained() -> None:
    made = {
        name
        for name, made in vars(upkeep_queries).items()
        if callable(made) and made.__module__ == upkeep_queries.__name__ and not name.startswith("_")
    }
    assert made == {name.partition(" ")[0] for name in QUERIES}
