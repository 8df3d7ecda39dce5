"""How far an assignment is, in few tokens: what its agent is told in every turn."""

from hub.flow import planning
from hub.flow.digest import clipped
from hub.flow.family import begun, children_of, told
from hub.flow.work import Work
from hub.ports import Store
from hub.records import Task

GOAL = 300
"""Characters of the goal that a subtask is a part of."""


class Bearings:
    """Tells where tasks stand."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def plan(self, task: Task) -> str:
        """Return how far a task is by its plan, as it's kept at this moment; empty without one."""
        fresh = await self._store.task(task.id) or task
        plan = planning.told(fresh.plan)
        return f"Plan: {plan}" if plan else ""

    async def of(self, work: Work) -> str:
        """Return how far a turn's task is by its plan and its subtasks; empty for a conversation.

        What a subtask came to after the turn had begun is told in the next: what taints it counts by then.
        """
        if work.task.kind != "assignment":
            return ""
        before = {child.id: child for child in work.children}
        children = [told(before.get(child.id) or begun(child)) for child in await children_of(self._store, work.task)]
        above = await self._store.task(work.task.parent) if work.task.parent else None
        part = (
            f"This is one part of what I want, which is: {clipped(above.goal, GOAL)} Do this part only."
            if above
            else ""
        )
        lines = ["What became of the subtasks:", *children] if children else []
        return "\n".join(filter(None, (part, await self.plan(work.task), *lines)))
