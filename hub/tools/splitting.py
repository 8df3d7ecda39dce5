"""Subtasks: parts of an assignment that are worked on side by side, and whose results come back to it."""

import re
from collections.abc import Mapping

from msgspec import Struct

from hub.ports import Effect, Example, Splits, ToolCall
from hub.tools.schema import arguments, convert, text

GOALS = 8
GOAL = 500


class _Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    goals: tuple[str, ...]
    agent: str = ""
    turns: int | None = None


class Split:
    """Splits subtasks off an assignment."""

    name = "split"
    description = "Have several parts of a task worked on side by side, each as a subtask."
    schema: Mapping[str, object] = arguments(
        {
            "goals": {
                "type": "array",
                "description": "The subtasks, each in a sentence that says all that's needed to do it",
                "items": {"type": "string", "minLength": 1, "maxLength": GOAL},
                "minItems": 1,
                "maxItems": GOALS,
            }
        },
        {
            "agent": text("The agent that's to do them, if it isn't the usual one", 64),
            "turns": {"type": "integer", "description": "Turns that each may take", "minimum": 1, "maximum": 50},
        },
    )
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
            "Split it up: summarise a.txt and b.txt separately.",
            {"goals": ["Summarise the file a.txt", "Summarise the file b.txt"]},
        ),
    )
    others = ("Write down what you found.", "Book a hotel in Bonn.")

    def __init__(self, splits: Splits) -> None:
        self._splits = splits

    def fits(self, text: str) -> bool:
        """Say whether several things are wanted, each for itself."""
        return bool(_EACH.search(text))

    async def call(self, call: ToolCall) -> str:
        """Split the subtasks off, and return how they're called; raises ToolError."""
        wish = convert(call.arguments, _Wish)
        return await self._splits.split(call, wish.goals, wish.agent, wish.turns)


_EACH = re.compile(
    r"\bsub-?tasks?\b|\bsplit\b|\b(?:separately|side by side|in parallel|at the same time|one by one)\b"
    r"|\b(?:for|of|in|about) (?:each|every|all)\b|\beach (?:of|one|for)\b|\bcompare\b",
    re.IGNORECASE,
)
