"""How far an assignment is, in few tokens: what its agent is told in every turn."""

from hub.flow import planning
from hub.ports import Store
from hub.records import Task


async def bearings(store: Store, task: Task) -> str:
    """Return how far a task is by its plan, as it's kept at this moment; empty for a conversation."""
    if task.kind != "assignment":
        return ""
    fresh = await store.task(task.id) or task
    plan = planning.told(fresh.plan)
    return f"Plan: {plan}" if plan else ""
