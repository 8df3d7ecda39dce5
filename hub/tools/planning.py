"""A plan that an agent makes for its task, and ticks off: kept with the task, where its person reads it."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from hub.errors import ToolError
from hub.ports import Effect, Example, Outlining, Tool, ToolCall
from hub.records import Point
from hub.tools.schema import arguments, convert
from hub.tools.splitting import wants_parts

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


_POINTS: dict[str, object] = {
    "type": "array",
    "description": "The steps that are still to be done, in their order",
    "items": {"type": "string", "minLength": 1, "maxLength": TEXT},
    "minItems": 1,
    "maxItems": POINTS,
}
_DONE = _numbers("Numbers of the points that are done")
_DROP = _numbers("Numbers of the points that aren't needed any more")
_WRITING = (
    Example(
        "Find a train to Bonn and then book a hotel.",
        {"points": ["Find a train to Bonn", "Book a hotel"]},
    ),
    Example(
        "I want to paint my door: buy paint, then sand it; finally paint it twice.",
        {"points": ["Buy paint", "Sand the door", "Paint the door twice"]},
    ),
)
_TICKING = (
    Example("Plan: 1 of 3 done. Still to do: 2. Book a hotel; 3. Call Ann.\nI've booked a hotel.", {"done": [2]}),
    Example("Plan: 0 of 2 done. Still to do: 1. Find a flat; 2. Rent it.\nI found no flat yet.", {"done": []}),
)


class Plan:
    """Writes, ticks off and drops the points of an assignment's plan."""

    name = "plan"
    description = "Write down the steps of a task, and tick off by their numbers those that are done."
    effect: Effect = "idempotent"
    for_assignments = True
    others = ("What is the plan of this house?", "Two steps to the left.")

    def __init__(
        self,
        outlining: Outlining,
        schema: Mapping[str, object] | None = None,
        examples: tuple[Example, ...] = (_WRITING[0], _TICKING[0]),
    ) -> None:
        self._outlining = outlining
        self.schema: Mapping[str, object] = schema or arguments({}, {"points": _POINTS, "done": _DONE, "drop": _DROP})
        self.examples = examples

    def fits(self, text: str) -> bool:
        """Say whether it's about a plan, or about several things."""
        return bool(_ABOUT.search(text)) or several(text)

    def when(self, goal: str, plan: Sequence[Point]) -> Literal["before", "after", ""]:
        """Say that a plan is made before a task with several things in it is begun, and looked at after each turn."""
        if any(point.state == "open" for point in plan):
            return "after"
        return "before" if not plan and several(goal) and not wants_parts(goal) else ""

    def at(self, when: Literal["before", "after"]) -> Tool:
        """Return it so that a plan can only be written, or only be ticked off."""
        if when == "before":
            return Plan(self._outlining, arguments({"points": _POINTS}), _WRITING)
        return Plan(self._outlining, arguments({"done": _DONE}), _TICKING)

    async def call(self, call: ToolCall) -> str:
        """Change the plan, and return how it stands; raises ToolError."""
        change = convert(call.arguments, _Change)
        if not (change.points or change.done or change.drop) and "done" not in call.arguments:
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
