"""No query of the audit log, of hand-overs or of overviews reads more the longer the history is."""

import pytest
from sqlalchemy import Engine

from hub.store import deed_queries, handover_queries, overview_queries, sqlite
from hub.store.queries import Query
from hub.store.schema import bring_up_to_date
from hub.testing import NOON, a_task
from tests.unit.store.test_queries import plan

QUERIES: dict[str, Query] = {
    "deeds_of": deed_queries.deeds_of("t", 5, None, None, {}),
    "deeds_of before": deed_queries.deeds_of("t", 5, 7, None, {}),
    "deeds_of after": deed_queries.deeds_of("t", 5, None, 7, {}),
    "deeds_of who": deed_queries.deeds_of("t", 5, 7, None, {"who": "p"}),
    "deeds_of action": deed_queries.deeds_of("t", 5, 7, None, {"action": "a"}),
    "deeds_of object": deed_queries.deeds_of("t", 5, 7, None, {"object": "o"}),
    "last_deed": deed_queries.last_deed("t", NOON),
    "chain_of": deed_queries.chain_of("t"),
    "checkpoint_of": deed_queries.checkpoint_of("t"),
    "handover": handover_queries.handover("t", "h"),
    "handover_of": handover_queries.handover_of("t", "p"),
    "open_handovers": handover_queries.open_handovers("t", 5),
    "newest_handovers": handover_queries.newest_handovers("t", 5, None, None),
    "newest_handovers before": handover_queries.newest_handovers("t", 5, "h", None),
    "newest_handovers of person": handover_queries.newest_handovers("t", 5, "h", "p"),
    "due_handovers": handover_queries.due_handovers(NOON, 5),
    "draft": handover_queries.draft("t", "d"),
    "drafts_of": handover_queries.drafts_of("h", 5, "d"),
    "drafts_of_task": handover_queries.drafts_of_task("t", 5),
    "notes_of": handover_queries.notes_of("t", "p", 5, "n"),
    "talk": handover_queries.talk("t", "p", 5, "m"),
    "asking_tasks": handover_queries.asking_tasks(NOON, 5, None),
    "asking_tasks after": handover_queries.asking_tasks(NOON, 5, a_task()),
    "operators": handover_queries.operators("t", 5),
    "desk_rules_of": handover_queries.desk_rules_of("t"),
    "asked_pauses": overview_queries.asked_pauses("t", None, 5),
    "asked_pauses of person": overview_queries.asked_pauses("t", "p", 5),
    "decided_pauses": overview_queries.decided_pauses("t", 5),
    "held_entries": overview_queries.held_entries("t", None, 5),
    "held_entries of person": overview_queries.held_entries("t", "p", 5),
    "proposing_tasks": overview_queries.proposing_tasks("t", None, 5),
    "proposing_tasks of person": overview_queries.proposing_tasks("t", "p", 5),
    "routed_messages": overview_queries.routed_messages("t", None, 5, None, None),
    "routed_messages before": overview_queries.routed_messages("t", None, 5, "m", NOON),
    "routed_messages of person": overview_queries.routed_messages("t", "p", 5, "m", NOON),
    "corrections_among": overview_queries.corrections_among(["m", "n"]),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    database = tmp_path_factory.mktemp("queries") / "hub.db"
    bring_up_to_date(database)
    return sqlite.writing(database)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_answered_in_order_from_an_index(engine: Engine, name: str) -> None:
    steps = plan(engine, QUERIES[name])
    assert [step for step in steps if "SCAN" in step or "TEMP B-TREE" in step] == []
    assert any("INDEX" in step for step in steps)


def test_every_query_is_explained() -> None:
    made = {
        name
        for queries in (deed_queries, handover_queries, overview_queries)
        for name, made in vars(queries).items()
        if callable(made) and made.__module__ == queries.__name__
    }
    assert made == {name.partition(" ")[0] for name in QUERIES}
