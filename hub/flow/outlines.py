"""Keeps a task's plan as it's changed: by its agent through a tool, or by its person."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, NotFound, ToolError
from hub.flow.journal import Journal
from hub.flow.planning import KEPT, LONGEST, Plan
from hub.ports import Clock, Store
from hub.records import Actor, Point, Task, TaskId

TRIES = 5


class Outlines:
    """Changes plans."""

    def __init__(self, store: Store, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock

    async def change(self, id: TaskId, how: Callable[[Plan], Plan], by: Actor) -> Task:
        """Change an assignment's plan and return the task; changed to what it was, nothing is kept.

        Raises NotFound, BadRequest for a conversation, and what `how` raises.
        """
        for _ in range(TRIES):
            task = await self._store.task(id)
            if task is None:
                raise NotFound("that task is gone")
            if task.kind != "assignment":
                raise BadRequest("task", "is a conversation: only an assignment has a plan")
            plan = how(task.plan)
            if plan == task.plan:
                return task
            changed = replace(task, plan=plan, updated_at=self._clock.now())
            try:
                await self._journal.commit(*self._journal.changed(changed, task.state, by, "the plan was changed"))
            except Conflict:
                continue
            return changed
        raise Conflict(f"task {id} changes all the time")

    async def put(self, id: TaskId, points: Sequence[Point]) -> Task:
        """Have a plan be what its person says, to the letter; raises BadRequest and NotFound."""
        if len(points) > KEPT:
            raise BadRequest("points", f"are {len(points)}; a plan has {KEPT} at most")
        plan = tuple(replace(point, text=" ".join(point.text.split())) for point in points)
        for number, point in enumerate(plan):
            if not 0 < len(point.text) <= LONGEST:
                raise BadRequest(
                    f"points[{number}].text", f"has {len(point.text)} characters; a point has 1 to {LONGEST}"
                )
        return await self.change(id, lambda _: plan, "person")

    async def by_tool(self, id: TaskId, how: Callable[[Plan], Plan]) -> Task:
        """Change a plan for a tool; raises ToolError."""
        try:
            return await self.change(id, how, "agent")
        except BadRequest:
            raise ToolError("This is a conversation: only an assignment has a plan. Just answer.") from None
