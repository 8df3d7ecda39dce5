"""How long work ends: goals handed over with what would show that they're reached, some of which nobody can reach."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from hub.evals.lines import read
from hub.evals.metrics import Cost, cost
from hub.records import Check, Limits, TaskState

Ends = Literal["done", "person"]
"""How a goal should end: reached, or with its person being asked or told what's missing."""


class Goal(Struct, frozen=True, kw_only=True):
    """Something to be done, and how to see whether it was."""

    id: str
    goal: str
    ends: Ends
    agent: str = ""
    """Empty: the default one."""
    files: Mapping[str, str] = {}
    """What stands in the task's workspace at the beginning, by path."""
    checks: tuple[Check, ...] = ()
    """What the hub is told to check before it calls the task complete."""
    proof: Mapping[str, str] = {}
    """What must stand in which file for the goal to be reached. The hub isn't told; `*` is the last answer."""
    limits: Limits = Limits(turns=8, tokens=40_000, minutes=20.0)

    def __post_init__(self) -> None:
        """Refuse a goal that ought to be reached, and whose being reached nothing shows."""
        if self.ends == "done" and not self.proof:
            raise ValueError(f"goal {self.id}: it ends done, so `proof` must say what shows that")


class Outcome(Struct, frozen=True, kw_only=True):
    """How the work on a goal ended."""

    id: str
    ends: Ends
    """How it should have."""
    state: TaskState
    said: str
    """What its person was told at the end."""
    why: str
    proved: bool
    """All of its proof was there; never for what nobody can reach."""
    turns: int
    tokens: int
    seconds: float
    within: bool
    """It ended by itself, within its limits."""

    @property
    def false_done(self) -> bool:
        """Whether it's called complete and isn't."""
        return self.state == "completed" and not self.proved

    @property
    def right(self) -> bool:
        """Whether it ended as it should have."""
        if self.ends == "done":
            return self.state == "completed" and self.proved
        return self.state == "input-required"


class Figures(Struct, frozen=True, kw_only=True):
    """How work on goals ends; counts, but for the costs."""

    goals: int
    reachable: int
    reached: int
    """Of these, called complete with all proof there."""
    unreachable: int
    asked: int
    """Of these, ended with a question, or with what's missing."""
    false_done: int
    within: int
    turns: Cost
    tokens: Cost
    seconds: Cost


def goals(path: Path, limit: int | None = None) -> Iterator[Goal]:
    """Yield a file's goals, the first `limit` of them; raises DataError."""
    for count, goal in enumerate(read(path, Goal)):
        if count == limit:
            return
        yield goal


def proved(goal: Goal, files: Mapping[str, str], answer: str) -> bool:
    """Say whether all that shows a goal reached is there: in the files, by path, and in the last answer."""
    found = {**files, "*": answer}
    return goal.ends == "done" and all(words in found.get(path, "") for path, words in goal.proof.items())


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Count."""
    reachable = [each for each in outcomes if each.ends == "done"]
    unreachable = [each for each in outcomes if each.ends == "person"]
    return Figures(
        goals=len(outcomes),
        reachable=len(reachable),
        reached=sum(each.right for each in reachable),
        unreachable=len(unreachable),
        asked=sum(each.right for each in unreachable),
        false_done=sum(each.false_done for each in outcomes),
        within=sum(each.within for each in outcomes),
        turns=cost([each.turns for each in outcomes]),
        tokens=cost([each.tokens for each in outcomes]),
        seconds=cost([each.seconds for each in outcomes]),
    )
