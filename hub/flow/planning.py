"""A task's plan: written, ticked off, told in few words. Pure functions over its points.

A point is called by its number, which it keeps until the plan is written anew.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from hub.errors import ToolError
from hub.records import Point, Task

POINTS = 12
"""Open points, at most."""
KEPT = 40
"""All points, those that are done among them."""
LONGEST = 160
"""Characters of a point."""
BOOKKEEPING = frozenset({"plan", "split"})
"""Tools whose calls aren't evidence of anything done: they only say what's to be done."""
TOLD = 6
"""Open points that stand in a prompt, the first ones."""

Plan = tuple[Point, ...]


def written(plan: Plan, texts: Sequence[str]) -> Plan:
    """Return a plan of these points: what was done stays, what was still to be done makes room. Raises ToolError.

    A text that's there already keeps what became of it.
    """
    wanted = list(dict.fromkeys(filter(None, (" ".join(text.split()) for text in texts))))
    if not wanted or len(wanted) > POINTS:
        raise ToolError(f"A plan has 1 to {POINTS} points; this one has {len(wanted)}.")
    if long := next((text for text in wanted if len(text) > LONGEST), None):
        raise ToolError(f"A point has {LONGEST} characters at most: say {long[:40]!r} shorter.")
    over = [point for point in plan if point.state == "done"][-(KEPT - POINTS) :]
    known = {point.text for point in over}
    return (*over, *(Point(text=text) for text in wanted if text not in known))


def changed(plan: Plan, *, points: Sequence[str] = (), done: Sequence[int] = (), drop: Sequence[int] = ()) -> Plan:
    """Return the plan with points ticked off and dropped, then written anew if points are given; raises ToolError."""
    marked = _marked(_marked(plan, drop, "dropped"), done, "done")
    return written(marked, points) if points else marked


def left(plan: Plan) -> tuple[tuple[int, Point], ...]:
    """Return the points that are still to be done, with their numbers."""
    return tuple((number, point) for number, point in enumerate(plan, start=1) if point.state == "open")


def told(plan: Plan) -> str:
    """Return how far a plan is, in few tokens: how many points are done, and which are open. Empty without a plan."""
    counted = [point for point in plan if point.state != "dropped"]
    if not counted:
        return ""
    open_points = left(plan)
    done = f"{len(counted) - len(open_points)} of {len(counted)} done."
    if not open_points:
        return done
    more = f" And {len(open_points) - TOLD} more." if len(open_points) > TOLD else ""
    return f"{done} Still to do: {'; '.join(f'{n}. {point.text}' for n, point in open_points[:TOLD])}.{more}"


def unfinished(task: Task) -> str:
    """Return why a task can't be done yet in view of its plan, in words for its agent; empty if nothing is open.

    Where checks were agreed upon and hold, they count and the plan doesn't: whoever judges looks at them first.
    """
    numbers = [str(number) for number, _ in left(task.plan)]
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"point {numbers[0]} of the plan is still open"
    return f"points {', '.join(numbers[:-1])} and {numbers[-1]} of the plan are still open"


def lines(plan: Plan) -> Iterator[str]:
    """Yield a plan as its person reads it, a line for each point."""
    marks = {"open": "☐", "done": "☑", "dropped": "–"}
    for number, point in enumerate(plan, start=1):
        yield f"{marks[point.state]} {number}. {point.text}"


def _marked(plan: Plan, numbers: Sequence[int], state: Literal["done", "dropped"]) -> Plan:
    for number in numbers:
        if not 1 <= number <= len(plan):
            there = f"The plan has {len(plan)} points." if plan else "There is no plan yet: write its points."
            raise ToolError(f"There is no point {number}. {there}")
    return tuple(
        replace(point, state=state) if number in numbers else point for number, point in enumerate(plan, start=1)
    )
