"""Subtasks: parts of an assignment that are worked on side by side, and whose results come back to it."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from hub.ports import Effect, Example, Splits, Tool, ToolCall
from hub.records import Point
from hub.tools.schema import arguments, convert, text

GOALS = 8
GOAL = 500


class _Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    goals: tuple[str, ...]
    agent: str = ""
    turns: int | None = None


_GOALS: dict[str, object] = {
    "type": "array",
    "description": "The subtasks, each in a sentence that says all that's needed to do it",
    "items": {"type": "string", "minLength": 1, "maxLength": GOAL},
    "minItems": 1,
    "maxItems": GOALS,
}
_OPTIONAL: dict[str, object] = {
    "agent": text("The agent that's to do them, if it isn't the usual one", 64),
    "turns": {"type": "integer", "description": "Turns that each may take", "minimum": 1, "maximum": 50},
}


class Split:
    """Splits subtasks off an assignment."""

    name = "split"
    description = "Have several parts of a task worked on side by side, each as a subtask."
    effect: Effect = "keyed"
    for_assignments = True
    parting = True
    examples = (
        Example(
            "Compare the weather in Bonn, Rome and Oslo: have each looked up as a subtask.",
            {
                "goals": [
                    "Look up the weather in Bonn",
                    "Look up the weather in Rome",
                    "Look up the weather in Oslo",
                ]
            },
        ),
        Example(
            "Greet my friends Lea and Max, each as a subtask.",
            {"goals": ["Greet my friend Lea", "Greet my friend Max"]},
        ),
    )
    others = ("Write down what you found.", "Book a hotel in Bonn.")

    def __init__(self, splits: Splits, optional: Mapping[str, object] | None = None) -> None:
        self._splits = splits
        self.schema: Mapping[str, object] = arguments({"goals": _GOALS}, _OPTIONAL if optional is None else optional)

    def fits(self, text: str) -> bool:
        """Say whether several things are wanted, each for itself."""
        return bool(_EACH.search(text))

    def when(self, goal: str, plan: Sequence[Point]) -> Literal["before", "after", ""]:
        """Say that a task is split before it's begun if its person has asked for that in so many words."""
        return "before" if not plan and wants_parts(goal) else ""

    def at(self, when: Literal["before", "after"]) -> Tool:
        """Return it so that it takes nothing but the goals."""
        return Split(self._splits, {})

    async def call(self, call: ToolCall) -> str:
        """Split the subtasks off, and return how they're called; raises ToolError."""
        wish = convert(call.arguments, _Wish)
        return await self._splits.split(call, wish.goals, wish.agent, wish.turns)


def wants_parts(goal: str) -> bool:
    """Say whether a goal is to be split, in so many words."""
    return bool(_PARTS.search(goal))


_PARTS = re.compile(
    r"\b(?:as|in|into|by|with|make|begin|start|use|have)(?: \w+){0,2} sub-?tasks?\b|\bsplit (?:it|this|that|them)\b",
    re.IGNORECASE,
)
_EACH = re.compile(
    r"\bsub-?tasks?\b|\bsplit\b|\b(?:separately|side by side|in parallel|at the same time|one by one)\b"
    r"|\b(?:for|of|in|about) (?:each|every|all)\b|\beach (?:of|one|for)\b|\bcompare\b",
    re.IGNORECASE,
)
