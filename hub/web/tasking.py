"""The task that a request names."""

from hub.errors import NotFound
from hub.records import Task, TaskId
from hub.web.auth import Caller
from hub.web.chats import sees
from hub.web.problems import shown
from hub.web.services import Services


async def task_of(services: Services, caller: Caller, id: str) -> Task:
    """Return a task that this caller may see, by its id or their number for it; raises NotFound."""
    if id.isdecimal() and len(id) < 10:
        task = await services.store.task_by_number(caller.tenant, caller.person, int(id))
    else:
        task = await services.store.task(TaskId(id))
    if task is None or task.tenant != caller.tenant or not sees(caller, task.person):
        raise NotFound(f"task: there's no {shown(id)}; GET /v1/tasks lists them")
    return task
