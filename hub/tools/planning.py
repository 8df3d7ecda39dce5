"""A plan that an agent makes for its task, and ticks off: kept with the task, where its person reads it."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from hub.errors import ToolError
from hub.ports import Effect, Example, Outlining, ToolCall
from hub.records import Point
from hub.tools.schema import arguments, convert

POINTS = 12
TEXT = 160
LARGEST = 40
LONG = 30
"""Words: whoever says so much about what's to be done mostly wants several things."""


def _numbers(description: str) -> dict[str, object]:
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST}
    return {"type": "array", "description": description, "items": number, "maxItems": POINTS}


class _Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    points: tuple[str, ...] = ()
    done: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()


class Plan:
    """Writes, ticks off and drops the points of an assignment's plan."""

    name = "plan"
    description = "Write down the steps of a task, and tick off by their numbers those that are done."
    schema: Mapping[str, object] = arguments(
        {},
        {
            "points": {
                "type": "array",
                "description": "The steps that are still to be done, in their order",
                "items": {"type": "string", "minLength": 1, "maxLength": TEXT},
                "maxItems": POINTS,
            },
            "done": _numbers("Numbers of the points that are done"),
            "drop": _numbers("Numbers of the points that aren't needed any more"),
        },
    )
    effect: Effect = "idempotent"
    for_assignments = True
    examples = (
        Example(
            "Find a train to Bonn and then book a hotel.",
            {"points": ["Find a train to Bonn", "Book a hotel"]},
        ),
        Example("Plan: 1 of 3 done. Still to do: 2. Book a hotel; 3. Call Ann.\nI've booked a hotel.", {"done": [2]}),
    )
    others = ("What is the plan of this house?", "Two steps to the left.")

    def __init__(self, outlining: Outlining) -> None:
        self._outlining = outlining

    def fits(self, text: str) -> bool:
        """Say whether it's about a plan, or about several things."""
        return bool(_ABOUT.search(text)) or several(text)

    def when(self, goal: str, plan: Sequence[Point]) -> Literal["before", "after", ""]:
        """Say that a plan is made before a task with several things in it is begun, and looked at after each turn."""
        if any(point.state == "open" for point in plan):
            return "after"
        return "before" if not plan and several(goal) else ""

    async def call(self, call: ToolCall) -> str:
        """Change the plan, and return how it stands; raises ToolError."""
        change = convert(call.arguments, _Change)
        if not (change.points or change.done or change.drop):
            raise ToolError("Say which points are to be done, which are done, or which aren't needed any more.")
        return await self._outlining.outline(call, change.points, done=change.done, dropped=change.drop)


def several(goal: str) -> bool:
    """Say whether a goal has several things in it, so that a plan helps."""
    return len(_LIST.findall(goal)) > 1 or bool(_THEN.search(goal)) or len(goal.split()) >= LONG


_ABOUT = re.compile(r"\b(?:plans?|steps?|tick(?:ed)? off|still to do)\b", re.IGNORECASE)
_LIST = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.MULTILINE)
_THEN = re.compile(
    r"\b(?:and then|then|after that|afterwards|finally|first(?:ly)?|step by step)\b|[;,] and \w+|;\s+\w+",
    re.IGNORECASE,
)
