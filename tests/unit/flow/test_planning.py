"""Plans, told in few words and never losing what's done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ToolError
from hub.flow.planning import KEPT, POINTS, changed, left, lines, told, unfinished
from hub.records import Point
from hub.testing import a_task

PLAN = changed((), points=["Find a train", "Book it", "Tell Ann"])


def test_only_open_points_and_how_many_are_done_are_told() -> None:
    plan = changed(PLAN, done=[1])

    assert told(plan) == "1 of 3 done. Still to do: 2. Book it; 3. Tell Ann."
    assert told(changed(plan, done=[2], drop=[3])) == "2 of 2 done."
    assert told(()) == ""


def test_a_long_plan_is_told_in_part() -> None:
    plan = changed((), points=[f"Point {number} {'x' * 140}" for number in range(POINTS)])

    assert told(plan).endswith("And 6 more.")
    assert len(told(plan)) < 1_200


def test_a_task_isnt_done_while_points_are_open() -> None:
    task = a_task(kind="assignment", plan=PLAN)

    assert unfinished(task) == "points 1, 2 and 3 of the plan are still open"
    assert unfinished(a_task(plan=changed(PLAN, done=[1], drop=[3]))) == "point 2 of the plan is still open"
    assert unfinished(a_task(plan=changed(PLAN, done=[1, 2], drop=[3]))) == ""
    assert unfinished(a_task()) == ""


def test_a_person_reads_a_line_for_each_point() -> None:
    assert list(lines(changed(PLAN, done=[1], drop=[2]))) == ["☑ 1. Find a train", "– 2. Book it", "☐ 3. Tell Ann"]


def test_what_was_done_stays_in_a_plan_that_is_written_anew() -> None:
    plan = changed(changed(PLAN, done=[1]), points=["Find a train", "Book another"])

    assert [(point.text, point.state) for point in plan] == [("Find a train", "done"), ("Book another", "open")]


@given(st.lists(st.lists(st.text(min_size=1, max_size=20).filter(str.strip), min_size=1, max_size=POINTS), max_size=20))
def test_a_plan_never_grows_beyond_what_is_kept(rewritten: list[list[str]]) -> None:
    plan: tuple[Point, ...] = ()
    for texts in rewritten:
        plan = changed(plan, points=texts)
        plan = changed(plan, done=[number for number, _ in left(plan)])

    assert len(plan) <= KEPT


def test_a_number_that_isnt_there_is_refused_in_words() -> None:
    with pytest.raises(ToolError, match="3 points"):
        changed(PLAN, done=[4])
    with pytest.raises(ToolError, match="no plan yet"):
        changed((), done=[1])
