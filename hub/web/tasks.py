"""/v1/tasks: what's to be done, and how far it is."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from bridges.http import convert
from hub.errors import BadRequest, NotFound
from hub.flow.artefacts import Artefact
from hub.flow.checking import MOST as MOST_CHECKS
from hub.flow.uploads import named
from hub.records import Check, Limits, MessageId, Point, TaskId, TaskState, new_id
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import MAIN, Cursor, IdempotencyKey, Limit, Name, messages_page
from hub.web.files import BYTES, answer_with
from hub.web.once import OWN, claimed
from hub.web.problems import PROBLEMS, shown
from hub.web.replaying import key_of
from hub.web.resources import MessageView, Page, TaskView, view_changed, view_task
from hub.web.schedules import NewSchedule, Words, schedule_of
from hub.web.services import Services
from hub.web.tasking import task_of
from hub.web.turns import TurnView, view_receipts
from hub.web.wishes import wished

MOST = 1_000_000_000
ANY = "any"


class NewLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the task may cost before its person is asked; what's left out is as the config says."""

    turns: Annotated[int, Meta(ge=1, le=MOST)] | None = None
    tokens: Annotated[int, Meta(ge=1, le=MOST)] | None = None
    minutes: Annotated[float, Meta(gt=0, le=MOST)] | None = None
    money: Annotated[float, Meta(ge=0, le=MOST)] | None = None


class NewAssignment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to be done, perhaps at a time or again and again."""

    text: str
    agent: Name | None = None
    due_at: Annotated[datetime, Meta(tz=True)] | None = None
    schedule: Words | NewSchedule | None = None
    """In words, as a crontab, or in full."""
    limits: NewLimits | None = None
    checks: Annotated[list[Check], Meta(max_length=MOST_CHECKS)] = []
    """What must hold before it's done; looked at after each turn, whatever its agent says."""


class NewPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan as its person wants it."""

    points: Annotated[list[Point], Meta(max_length=1_000)]


class TasksController(Controller):
    """What's to be done, and how far it is."""

    path = "/v1/tasks"
    tags = ("tasks",)

    @get(opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="List tasks")
    async def tasks(
        self,
        services: Hub,
        caller: Asker,
        states: Annotated[
            list[TaskState] | None, QueryParameter(name="state", description="Only in these states.", max_items=6)
        ] = None,
        parent: Annotated[
            str | None,
            QueryParameter(description="The subtasks of this one (its id or number), or `any` for those of all tasks."),
        ] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[TaskView]:
        """Return this person's tasks, newest first; those that were split off from others only if asked for."""
        if parent is not None and parent != ANY:
            return await _subtasks(services, caller, parent, states, cursor, limit)
        found = await services.store.tasks(
            caller.tenant,
            caller.person,
            states=states or (),
            before=TaskId(cursor) if cursor else None,
            limit=limit + 1,
            split=parent == ANY,
        )
        zone = services.config.hub.timezone
        items = [await view_changed(services.store, task, zone) for task in found[:limit]]
        return Page(items=items, next=items[-1].id if len(found) > limit else None)

    @post(status_code=201, opt={"scope": "tasks:write", OWN: True}, responses=PROBLEMS, summary="Assign a task")
    async def assign(
        self, services: Hub, caller: Asker, data: JSONBody[NewAssignment], idempotency_key: IdempotencyKey = None
    ) -> TaskView:
        """Have something done; the answer comes into the person's main chat."""
        if data.due_at is not None and data.schedule is not None:
            raise BadRequest("schedule", "came together with due_at; send one of them")
        agent = await wished(services, caller, data.agent)
        who = (caller.tenant, caller.person)
        schedule = await schedule_of(services, *who, data.schedule) if data.schedule else None
        key = key_of(idempotency_key)
        async with claimed(services, caller, "POST /v1/tasks", key, msgspec.json.encode(data)):
            task, _ = await services.tasks.assign(
                tenant=caller.tenant,
                person=caller.person,
                address=convert.address(caller.person, MAIN),
                text=data.text,
                agent=agent,
                # Not the external id of a message that came under the same key.
                external_id=new_id() if key is None else convert.keyed(caller.key.id, f"task:{key}"),
                limits=_limits(services, data.limits),
                due_at=data.due_at,
                schedule=schedule,
                checks=data.checks,
                key=caller.key.id,
            )
        return view_task(task, services.config.hub.timezone)

    @get("/{id:str}", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read a task")
    async def task(self, services: Hub, caller: Asker, id: FromPath[str]) -> TaskView:
        """Return a task, by its id or number, with what brought others' words into it."""
        task = await task_of(services, caller, id)
        taints = await services.store.taints(task.id)
        return await view_changed(services.store, task, services.config.hub.timezone, taints)

    @get("/{id:str}/messages", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read a task's messages")
    async def messages(
        self, services: Hub, caller: Asker, id: FromPath[str], cursor: Cursor = None, limit: Limit = 50
    ) -> Page[MessageView]:
        """Return a task's newest messages, oldest first; `next` leads to older ones."""
        task = await task_of(services, caller, id)
        before = MessageId(cursor) if cursor else None
        found = await services.store.messages_of_task(task.id, limit=limit + 1, before=before)
        return await messages_page(services.store, found, limit)

    @get("/{id:str}/turns", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read a task's turns")
    async def turns(
        self,
        services: Hub,
        caller: Asker,
        id: FromPath[str],
        cursor: Annotated[int | None, QueryParameter(ge=0, le=2**31, description="What `next` said.")] = None,
        limit: Limit = 50,
    ) -> Page[TurnView]:
        """Return a task's turns with their steps, newest first."""
        task = await task_of(services, caller, id)
        found = await services.store.turns(task.id, before=cursor, limit=limit + 1)
        items = [await view_receipts(services.store, turn) for turn in found[:limit]]
        return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)

    @put("/{id:str}/plan", opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Write a task's plan")
    async def plan(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[NewPlan]) -> TaskView:
        """Have an assignment's plan be this; it isn't done while points are open, unless its checks hold."""
        task = await task_of(services, caller, id)
        return view_task(await services.outlines.put(task.id, data.points), services.config.hub.timezone)

    @get("/{id:str}/artefacts", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="List what a task has made")
    async def artefacts(self, services: Hub, caller: Asker, id: FromPath[str]) -> Page[Artefact]:
        """Return the files that a task and its subtasks have made, and those they sent, oldest first."""
        task = await task_of(services, caller, id)
        return Page(items=list(await services.artefacts.of(task)) if services.artefacts else [])

    @get(
        "/{id:str}/artefacts/{sha256:str}",
        opt={"scope": "tasks:read"},
        responses={**PROBLEMS, 200: BYTES},
        summary="Read a file that a task has made",
    )
    async def artefact(self, services: Hub, caller: Asker, id: FromPath[str], sha256: FromPath[str]) -> Response[bytes]:
        """Return the bytes of a file that a task or one of its subtasks has made or sent."""
        task = await task_of(services, caller, id)
        made = await services.artefacts.of(task) if services.artefacts else ()
        file = next((each for each in made if each.sha256 == sha256), None)
        if file is None or services.artefacts is None:
            raise NotFound(
                f"file: task {task.number} has made no {shown(sha256)}; GET /v1/tasks/{task.number}/artefacts"
            )
        return answer_with(await services.artefacts.read(file), named(file.name), file.media_type)

    @post(
        "/{id:str}/cancel", status_code=200, opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Cancel a task"
    )
    async def cancel(self, services: Hub, caller: Asker, id: FromPath[str]) -> TaskView:
        """Give a task up."""
        return view_task(await services.tasks.cancel(await task_of(services, caller, id)), services.config.hub.timezone)

    @post(
        "/{id:str}/resume", status_code=200, opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Resume a task"
    )
    async def resume(self, services: Hub, caller: Asker, id: FromPath[str]) -> TaskView:
        """Go on with a task that was stopped or canceled; one that had spent its limits is granted as much again."""
        return view_task(await services.tasks.resume(await task_of(services, caller, id)), services.config.hub.timezone)

    @post("/{id:str}/stop", status_code=200, opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Stop a turn")
    async def stop(self, services: Hub, caller: Asker, id: FromPath[str]) -> TaskView:
        """Stop a task's running turn; the task then waits for its person."""
        return view_task(await services.tasks.stop(await task_of(services, caller, id)), services.config.hub.timezone)


async def _subtasks(
    services: Services, caller: Caller, parent: str, states: list[TaskState] | None, cursor: str | None, limit: int
) -> Page[TaskView]:
    """Return the subtasks of a task, newest first like all tasks."""
    above = await task_of(services, caller, parent)
    every = reversed(await services.store.split_off(above.id))
    found = [task for task in every if (not states or task.state in states) and (not cursor or task.id < cursor)]
    items = [view_task(task, services.config.hub.timezone) for task in found[:limit]]
    return Page(items=items, next=items[-1].id if len(found) > limit else None)


def _limits(services: Services, new: NewLimits | None) -> Limits | None:
    if new is None:
        return None
    config = services.config.limits
    return Limits(
        turns=new.turns or config.turns,
        tokens=new.tokens or config.tokens,
        minutes=new.minutes or config.minutes,
        money=new.money or 0.0,
    )
