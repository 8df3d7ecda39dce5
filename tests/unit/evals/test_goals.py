"""How the ends of long work are counted."""

from pathlib import Path
from typing import Any

import pytest

from hub.evals.goals import Goal, Outcome, figures, goals, proved
from hub.evals.lines import DataError
from tests.unit.evals.data import write

OURS = Path(__file__).parents[2] / "data" / "goals.jsonl"


def an_outcome(**fields: Any) -> Outcome:
    given: dict[str, Any] = {
        "id": "g-1",
        "ends": "done",
        "state": "completed",
        "said": "Done.",
        "why": "",
        "proved": True,
        "turns": 2,
        "tokens": 100,
        "seconds": 1.0,
        "within": True,
    }
    return Outcome(**(given | fields))


def test_what_is_called_complete_without_its_proof_is_falsely_done() -> None:
    reached = an_outcome()
    claimed = an_outcome(proved=False)
    invented = an_outcome(ends="person", proved=False)
    asked = an_outcome(ends="person", state="input-required", proved=False)
    given_up = an_outcome(state="input-required", proved=False, within=False)

    found = figures([reached, claimed, invented, asked, given_up])

    assert (found.goals, found.reachable, found.reached) == (5, 3, 1)
    assert (found.unreachable, found.asked) == (2, 1)
    assert (found.false_done, found.within) == (2, 4)
    assert (found.turns.mean, found.tokens.median) == (2, 100)


def test_all_proof_must_be_there_in_the_files_and_in_the_last_answer() -> None:
    goal = Goal(id="g-1", goal="Count", ends="done", proof={"count.txt": "3", "*": "three"})
    assert proved(goal, {"count.txt": "3\n"}, "There are three.")
    assert not proved(goal, {"count.txt": "4\n"}, "There are three.")
    assert not proved(goal, {}, "There are three.")
    assert not proved(goal, {"count.txt": "3"}, "There are 3.")


def test_what_nobody_can_reach_is_never_proved() -> None:
    assert not proved(Goal(id="g-1", goal="Count the stars", ends="person"), {}, "Many.")


def test_a_goal_to_be_reached_says_what_shows_it(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", {"id": "g-1", "goal": "Count", "ends": "done"})
    with pytest.raises(DataError, match="g-1: it ends done, so `proof`"):
        list(goals(path))


def test_half_of_our_own_goals_can_not_be_reached() -> None:
    ours = list(goals(OURS))
    assert len({goal.id for goal in ours}) == len(ours) == 20
    assert sum(goal.ends == "person" for goal in ours) == 10
