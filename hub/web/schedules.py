"""/v1/tasks/{id}/schedule and /runs: when a task comes again, and when it came; and whose clock that goes by."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct
from msgspec.structs import replace

from hub.errors import BadRequest
from hub.flow.history import Run, runs_of
from hub.records import Missed, PersonId, Schedule, TenantId
from hub.web.auth import ANY, Asker, Hub
from hub.web.chats import Limit
from hub.web.problems import PROBLEMS
from hub.web.resources import Page, TaskView, view_task
from hub.web.services import Services
from hub.web.tasking import task_of

Words = Annotated[str, Meta(min_length=1, max_length=300)]
Seconds = Annotated[float, Meta(ge=0, le=10**9)]


class NewSchedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a task comes again: `when` in words, `cron` or `every`; one of the three."""

    when: Words | None = None
    """As after /schedule: every weekday at 8."""
    cron: Words | None = None
    """Five fields."""
    every: Seconds | None = None
    """Seconds."""
    zone: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    """As Europe/Berlin; else the person's."""
    missed: Missed = "once"
    jitter: Seconds = 0.0
    """Seconds."""
    start: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


class Rescheduling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a task comes by from now on."""

    schedule: Words | NewSchedule


class ChosenZone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose clock a person's times go by."""

    timezone: Annotated[str, Meta(max_length=60)]
    """As Europe/Berlin, or a big city; empty: the hub's."""


class SchedulesController(Controller):
    """When tasks come again."""

    path = "/v1"
    tags = ("tasks",)

    @put(
        "/tasks/{id:str}/schedule", opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Change a task's schedule"
    )
    async def change(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Rescheduling]) -> TaskView:
        """Have a task come by another schedule from now on; a run that's under way goes on."""
        task = await task_of(services, caller, id)
        schedule = await schedule_of(services, task.tenant, task.person, data.schedule)
        return view_task(await services.timetable.reschedule(task, schedule), services.config.hub.timezone)

    @delete(
        "/tasks/{id:str}/schedule",
        status_code=200,
        opt={"scope": "tasks:write"},
        responses=PROBLEMS,
        summary="End a task's schedule",
    )
    async def end(self, services: Hub, caller: Asker, id: FromPath[str]) -> TaskView:
        """Have a task come no more; a run that's under way is done to its end. Once more is no error."""
        task = await task_of(services, caller, id)
        left = await services.timetable.unschedule(task) if task.schedule else task
        return view_task(left, services.config.hub.timezone)

    @get("/tasks/{id:str}/runs", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read a task's runs")
    async def runs(
        self,
        services: Hub,
        caller: Asker,
        id: FromPath[str],
        cursor: Annotated[str | None, QueryParameter(max_length=100, description="What `next` said.")] = None,
        limit: Limit = 50,
    ) -> Page[Run]:
        """Return a task's runs, newest first: which time of its schedule each was for, and which turns it took."""
        task = await task_of(services, caller, id)
        found, further = await runs_of(services.store, task.id, cursor, limit)
        return Page(items=list(found), next=further)

    @put("/whoami/timezone", opt={"scope": ANY}, responses=PROBLEMS, summary="Choose a time zone")
    async def choose_zone(self, services: Hub, caller: Asker, data: JSONBody[ChosenZone]) -> ChosenZone:
        """Have the times of the key's person be those of a zone; an empty one is the hub's."""
        return ChosenZone(timezone=await services.zones.choose(caller.tenant, caller.person, data.timezone))


async def schedule_of(services: Services, tenant: TenantId, person: PersonId, given: str | NewSchedule) -> Schedule:
    """Return the schedule that's asked for. Raises BadRequest with the key at fault."""
    if isinstance(given, str):
        return await services.timetable.read(tenant, person, given)
    if sum(bool(one) for one in (given.when, given.cron, given.every)) != 1:
        raise BadRequest("schedule", "needs one of when, cron and every")
    kept = Schedule(cron=given.cron or "", every=given.every or 0.0)
    if given.when:
        kept = await services.timetable.read(tenant, person, given.when, given.zone or "")
    return replace(
        kept,
        zone=given.zone or kept.zone,
        missed=given.missed,
        jitter=given.jitter,
        start=given.start or kept.start,
        until=given.until or kept.until,
    )
