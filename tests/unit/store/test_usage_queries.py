"""No query of what was taken reads more the longer the history is, but for the days that are asked about."""

import pytest
from sqlalchemy import Engine

from hub.store import sqlite, usage_queries
from hub.store.queries import Query
from hub.store.schema import bring_up_to_date
from tests.unit.store.test_queries import plan

QUERIES: dict[str, Query] = {
    "total": usage_queries.total("t", "a", "b"),
    **{
        f"grouped by {by}": usage_queries.grouped("t", by, "a", "b", None, 5, "x")
        for by in ("day", "person", "key", "agent")
    },
    **{
        f"grouped of a person by {by}": usage_queries.grouped("t", by, "a", "b", "p", 5, None)
        for by in ("day", "key", "agent")
    },
    "grouped most": usage_queries.grouped("t", "person", "a", "b", None, 5, None, "tokens"),
    "last_used": usage_queries.last_used("t"),
    "of_person": usage_queries.of_person("t", "p", 5),
    "leaving": usage_queries.leaving(),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    database = tmp_path_factory.mktemp("queries") / "hub.db"
    bring_up_to_date(database)
    return sqlite.writing(database)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_answered_from_an_index(engine: Engine, name: str) -> None:
    steps = plan(engine, QUERIES[name])
    assert [step for step in steps if step.startswith("SCAN") and "tenants_leaving" not in step] == []
    assert any("INDEX" in step for step in steps)


def test_totals_read_a_row_for_each_day_and_persons_reads_only_that_persons(engine: Engine) -> None:
    for name in ("total", "grouped by day", "grouped of a person by day", "grouped of a person by agent"):
        [search] = [step for step in plan(engine, QUERIES[name]) if step.startswith("SEARCH")]
        assert "person=?" in search, name
        assert "day>?" in search, name


def test_every_query_is_explained() -> None:
    made = {
        name
        for name, made in vars(usage_queries).items()
        if callable(made) and made.__module__ == usage_queries.__name__ and not name.startswith("_")
    }
    assert made == {name.partition(" ")[0] for name in QUERIES}
