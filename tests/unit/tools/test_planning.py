"""A plan: made for what has several things in it, and for nothing else."""

import pytest

from hub.errors import ToolError
from hub.testing import FakeErrands
from hub.tools.planning import Plan, several
from tests.unit.tools.calls import use


@pytest.mark.parametrize(
    "goal",
    [
        "Find a train to Bonn and then book it",
        "1. Read the lease\n2. Write down the notice period",
        "- milk\n- bread",
        "First look it up, finally tell me",
        "Read the page, and write a note; send it",
        "word " * 30,
    ],
)
def test_a_goal_with_several_things_in_it_wants_a_plan(goal: str) -> None:
    assert several(goal)


@pytest.mark.parametrize("goal", ["Write a poem about rain", "Reminder: call Ann", "What's 3 and 4?", "Milk and bread"])
def test_a_goal_that_is_one_thing_wants_none(goal: str) -> None:
    assert not several(goal)


async def test_a_call_that_says_nothing_is_refused_in_words() -> None:
    with pytest.raises(ToolError, match="Say which points"):
        await use(Plan(FakeErrands()))


async def test_points_are_ticked_off_and_dropped_by_their_numbers() -> None:
    errands = FakeErrands()
    await use(Plan(errands), points=["One", "Two", "Three"])
    await use(Plan(errands), done=[1], drop=[3])

    assert errands.outlined == [("One", "done"), ("Two", "open"), ("Three", "dropped")]
