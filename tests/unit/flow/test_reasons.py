"""Why a route is what it is, in words."""

import pytest

from hub.flow import weights
from hub.flow.reasons import PARTS, reason
from hub.records import Candidate, TaskId


def candidate(title: str, probability: float, **evidence: float) -> Candidate:
    task = TaskId(title) if title != "a new task" else None
    return Candidate(task=task, title=title, probability=probability, evidence=evidence)


def test_the_likeliest_is_compared_with_the_next_by_what_tells_them_apart() -> None:
    told = reason(
        [
            candidate("a trip", 0.1, read=-4.0, last=1.0),
            candidate("a party", 0.8, read=-0.2, echo=0.9, second=0.1),
            candidate("a new task", 0.1, new_read=-3.0),
        ]
    )

    assert told == (
        "Rather than “a trip”, for the reader finds that it goes on from what was said there and it answers what was "
        "asked there; against it: the times."
    )


def test_a_new_task_has_reasons_of_its_own() -> None:
    told = reason([candidate("a trip", 0.2, read=-2.0), candidate("a new task", 0.8, new_read=-0.1, new_opener=1.0)])

    assert "“a trip”" in told
    assert "nothing that was said" in told
    assert "it sounds like the beginning of something" in told


def test_where_nothing_tells_them_apart_it_says_so() -> None:
    assert reason([candidate("a trip", 0.5, last=0.1), candidate("a party", 0.5)]) == (
        "Rather than “a party”, for nothing tells them apart by much."
    )


def test_a_route_that_nothing_was_weighed_for_needs_no_reason() -> None:
    assert reason([]) == ""
    assert reason([candidate("a trip", 1.0)]) == ""


@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_evidence_that_is_weighed(part: str) -> None:
    tables = (weights.CHEAP, weights.SCORED, weights.READ, weights.READ_SCORED, weights.CHOSEN)

    assert any(root in name for root in PARTS[part] for table in tables for name in table)
