"""What's planned: listed, changed, given up; said in commands or asked for by the API."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, NotFound
from hub.flow.cadence import in_words
from hub.flow.journal import Journal
from hub.flow.meant import Meant
from hub.flow.runs import moment, planned
from hub.flow.said import Answer, Said, parted, tag
from hub.flow.schedules import check_zone
from hub.flow.tasks import Tasks
from hub.flow.whens import LONGEST, When, parse, read
from hub.ports import Clock, Store
from hub.records import OPEN, Choice, Message, PersonId, Schedule, Task, TenantId
from hub.times.zones import Zones

MANY = 500
SHOWN = 30
TRIES = 5

_CANCEL = re.compile(r"(?:cancel|end|remove)\s+#?(\d{1,9})", re.IGNORECASE)
_CHANGE = re.compile(r"change\s+#?(\d{1,9})\s+(?:to\s+)?(.+)", re.IGNORECASE | re.DOTALL)


class Timetable:
    """Plans tasks for their times, and changes when they come."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, tasks: Tasks, zones: Zones, meant: Meant) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._tasks = tasks
        self._zones = zones
        self._meant = meant

    @property
    def commands(self) -> dict[str, Callable[[Said], Awaitable[str | Answer]]]:
        """Return what it obeys, by name."""
        return {"schedule": self._schedule, "timezone": self._timezone}

    async def reschedule(self, task: Task, schedule: Schedule) -> Task:
        """Have a task come by another schedule from now on; raises BadRequest for one that can't be."""
        if task.kind != "assignment":
            raise BadRequest("task", "is a conversation: only an assignment comes by a schedule")
        zone = await self._zones.of(task.tenant, task.person)

        def by_it(task: Task) -> Task:
            moved = planned(task, schedule, zone, self._clock.now())
            # What's under way goes on; its end is followed by the new schedule's run.
            under_way = task.state == "working"
            return replace(moved, due_at=task.due_at) if under_way else replace(moved, state="submitted")

        kept = planned(task, schedule, zone, self._clock.now()).schedule
        return await self._change(task, by_it, f"comes {in_words(kept or schedule, zone)}")

    async def unschedule(self, task: Task) -> Task:
        """Have a task come no more; what's under way is done to its end."""

        def once(task: Task) -> Task:
            waits = task.state == "submitted" and task.run_at is not None
            left = replace(task, schedule=None, run_at=None)
            if task.state == "working":
                return left
            return replace(left, due_at=None, state="completed" if waits else task.state)

        return await self._change(task, once, "comes no more")

    async def read(self, tenant: TenantId, person: PersonId, words: str, zone: str = "") -> Schedule:
        """Return the schedule that a person says in words or as a crontab, in a zone or in theirs.

        Raises BadRequest, with the way out.
        """
        check_zone(zone)
        when = read(words, self._clock.now(), zone or await self._zones.of(tenant, person))
        if when.text:
            raise BadRequest("schedule", f"{words[:100]!r} says more than a time ({when.text[:60]!r}); leave that out")
        if when.others:
            either = " or ".join(meant.strictly for meant in (when, *when.others))
            raise BadRequest("schedule", f"{words[:100]!r} may be {either}; send one of them")
        if when.schedule is None:
            raise BadRequest("schedule", f"{words[:100]!r} comes once: send due_at; or say every day at 8")
        return when.schedule

    async def plan(self, command: Message, strictly: str) -> Answer:
        """Plan what a command asked for, at that of its times which its person has chosen."""
        rest = parted(command).rest
        now, zone = self._clock.now(), await self._zones.of(command.tenant, command.person)
        when = parse(rest, now, zone)
        chosen = next((meant for meant in (when, *when.others) if meant.strictly == strictly), None)
        if chosen is None:
            raise NotFound("that time is over; say it anew")
        return await self._planned(command, chosen)

    # --- commands

    async def _schedule(self, said: Said) -> str | Answer:
        message = said.message
        if said.rest.lower() in {"", "list"}:
            return await self._listed(message)
        if found := _CANCEL.fullmatch(said.rest):
            return await self._canceled(await self._meant.task(said, found[1]))
        if found := _CHANGE.fullmatch(said.rest):
            return await self._changed(await self._meant.task(said, found[1]), found[2])
        when = parse(said.rest, self._clock.now(), await self._zones.of(message.tenant, message.person))
        if when.others:
            meant = (when, *when.others)
            choices = tuple(Choice(id=f"plan/{message.id}/{each.strictly}", text=_short(each)) for each in meant)
            return Answer(text="Which do you mean?", choices=choices)
        return await self._planned(message, when)

    async def _planned(self, command: Message, when: When) -> Answer:
        task = await self._tasks.plan(command, when.text, due_at=when.due_at, schedule=when.schedule)
        again = f" `/schedule change {task.number} WHEN` changes it." if when.schedule else ""
        cancel = Choice(id=f"task/{task.id}/cancel", text="Cancel it")
        return Answer(text=f"{tag(task)}: {when.words}.{again}", choices=(cancel,))

    async def _listed(self, message: Message) -> str:
        who = (message.tenant, message.person)
        zone, now = await self._zones.of(*who), self._clock.now()
        found = await self._store.tasks(*who, states=OPEN, limit=MANY)
        coming = [task for task in found if task.schedule or _is_for_later(task, now)]
        if not coming:
            return "Nothing is planned. `/schedule every weekday at 8 TEXT` or `/schedule tomorrow at 9 TEXT` plans it."
        far = now + LONGEST
        coming.sort(key=lambda task: task.run_at or task.due_at or far)
        lines = [f"- {tag(task)} – {when_of(task, zone)}" for task in coming[:SHOWN]]
        lines += [f"- and {len(coming) - SHOWN} more"] if len(coming) > SHOWN else []
        return "\n".join([*lines, "`/schedule cancel N` ends one, `/schedule change N WHEN` moves it."])

    async def _canceled(self, task: Task) -> str:
        if task.state in OPEN:
            await self._tasks.cancel(task)
        return f"{tag(task)} won't come any more."

    async def _changed(self, task: Task, words: str) -> str:
        zone = await self._zones.of(task.tenant, task.person)
        when = read(words, self._clock.now(), zone)
        if when.text:
            raise BadRequest("schedule", f"{words[:100]!r} says more than a time: leave out {when.text[:60]!r}")
        if when.others:
            raise BadRequest("schedule", f"that may be {' or '.join(meant.words for meant in (when, *when.others))}")
        if when.schedule is not None:
            await self.reschedule(task, when.schedule)
        else:
            await self._once(task, when)
        return f"{tag(task)}: {when.words}."

    async def _timezone(self, said: Said) -> str:
        who = (said.message.tenant, said.message.person)
        if said.rest:
            zone = await self._zones.choose(*who, "" if said.rest.lower() == "hub" else said.rest)
        else:
            zone = await self._zones.of(*who)
        chosen = "yours" if await self._zones.chosen(*who) else "the hub's"
        return f"{moment(self._clock.now(), zone)} – {chosen}. What's planned already keeps its zone."

    # --- inside

    async def _once(self, task: Task, when: When) -> Task:
        def at_that_time(task: Task) -> Task:
            state = task.state if task.state == "working" else "submitted"
            return replace(task, schedule=None, run_at=None, due_at=when.due_at, state=state)

        return await self._change(task, at_that_time, when.words)

    async def _change(self, task: Task, how: Callable[[Task], Task], why: str) -> Task:
        for _ in range(TRIES):
            now = await self._store.task(task.id)
            if now is None:
                raise NotFound("that task is gone")
            if now.state == "canceled":
                raise BadRequest("task", f"#{now.number} is canceled; /resume {now.number} takes it up again")
            changed = replace(how(now), updated_at=self._clock.now())
            note = () if changed.state != now.state else (self._journal.noted(changed, "person", why),)
            try:
                await self._journal.commit(*self._journal.changed(changed, now.state, "person", why), *note)
            except Conflict:
                continue
            return changed
        raise Conflict(f"task {task.number} changes all the time")


def _is_for_later(task: Task, now: datetime) -> bool:
    return task.kind == "assignment" and task.due_at is not None and task.due_at > now


def when_of(task: Task, zone: str) -> str:
    """Return when a task comes, in words; in its schedule's zone, else in the given one."""
    if task.schedule is None:
        return f"due {moment(task.due_at, zone)}" if task.due_at else "resting"
    next_at = f"next {moment(task.run_at, task.schedule.zone or zone)}" if task.run_at and task.due_at else "resting"
    return f"{in_words(task.schedule, zone)}, {next_at}"


def _short(when: When) -> str:
    return when.words.removeprefix("due ")
