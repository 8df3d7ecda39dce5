"""What the hub does for a tool, within the rights of the task that it's called for.

Tools are built before the flow that runs these errands: until `open` they're refused.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import BadRequest, Duplicate, ToolError
from hub.flow import planning
from hub.flow.exact import sealed
from hub.flow.heard import said_lately
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.flow.outlines import Outlines
from hub.flow.rights import PLANNED_BY, Rights
from hub.flow.said import tag
from hub.flow.splitting import Splitting
from hub.flow.tasks import Tasks
from hub.flow.toolbox import Toolbox
from hub.flow.whens import read
from hub.manifests import Agent
from hub.ports import Clock, Paused, Store, Tool, ToolCall
from hub.records import OPEN, File, Message, MessageId, Part, Task, TaskId, Text
from hub.times.zones import Zones

log = logging.getLogger(__name__)

NOTICES = 5
"""Of one turn."""
LONGEST = 2_000
PLANNED = 20
"""Tasks of one person that tools have planned and that still wait, or come again."""
SOONEST = timedelta(minutes=1)
DEEPEST = 3
MANY = 200
FILES = 20


class Parts(Struct, frozen=True):
    """What errands are run with."""

    store: Store
    journal: Journal
    outbox: Outbox
    clock: Clock
    tasks: Tasks
    toolbox: Toolbox
    rights: Rights
    outlines: Outlines
    splitting: Splitting
    agents: Mapping[str, Agent]
    zones: Zones


class FlowErrands:
    """Errands of a hub: see the port."""

    def __init__(self) -> None:
        self._parts: Parts | None = None

    def open(self, parts: Parts) -> None:
        """Run errands from now on."""
        self._parts = parts

    async def say(self, call: ToolCall, text: str) -> None:
        """See Errands. It stands under the tool's name: nobody is to take it for the hub's own word."""
        hub, task = await self._task(call)
        text = text.strip()
        if not text or len(text) > LONGEST:
            raise ToolError(f"A message has 1 to {LONGEST} characters; this one has {len(text)}.")
        await self._tell(hub, task, call, f"say:{call.key}:{_hash(text)}", Text(f"{call.tool}: {text}"))

    async def send(self, call: ToolCall, file: File) -> None:
        """See Parcels."""
        hub, task = await self._task(call)
        await self._tell(hub, task, call, f"say:{call.key}:{file.sha256}", file)

    async def received(self, call: ToolCall) -> tuple[File, ...]:
        """See Parcels."""
        hub, task = await self._task(call)
        recent = await hub.store.messages_of_task(task.id, limit=MANY)
        parts = (part for each in reversed(recent) if each.role == "user" for part in reversed(each.parts))
        return tuple(islice((part for part in parts if isinstance(part, File)), FILES))

    async def _tell(self, hub: Parts, task: Task, call: ToolCall, name: str, part: Part) -> None:
        recent = await hub.store.messages_of_task(task.id, limit=MANY)
        said = [each for each in recent if each.external_id.startswith(f"say:{_turn(call)}:")]
        if any(each.external_id == name for each in said):
            return
        over = await hub.store.handover_of(task.tenant, task.person)
        if over is not None and over.state == "taken":
            raise ToolError("A human answers here now, so nothing is said by itself: put it into the answer.")
        if len(said) >= NOTICES:
            raise ToolError(f"{NOTICES} messages were sent in this turn already; put the rest into the answer.")
        asked = next((each for each in reversed(recent) if each.role == "user"), None)
        told = notice(
            "",
            tenant=task.tenant,
            to=asked.address if asked else task.origin,
            person=task.person,
            now=hub.clock.now(),
            task=task.id,
        )
        told = replace(told, external_id=name, parts=(part,))
        with suppress(Duplicate):
            await hub.journal.commit(*hub.outbox.say(told), wake=(hub.outbox.lane(told),))

    async def said(self, call: ToolCall) -> tuple[str, ...]:
        """See Errands."""
        hub, task = await self._task(call)
        return await said_lately(hub.store, task.id)

    async def plan(self, call: ToolCall, when: str, text: str) -> str:
        """See Errands."""
        hub, task = await self._task(call)
        text, now = text.strip(), hub.clock.now()
        if not text or len(text) > LONGEST:
            raise ToolError(f"What's to be done has 1 to {LONGEST} characters; this has {len(text)}.")
        try:
            time = read(when, now, await hub.zones.of(task.tenant, task.person))
        except BadRequest as error:
            raise ToolError(f"{when!r} isn't a time: say in 20m, 08:30, daily 08:30, or a crontab. ({error})") from None
        if time.text:
            raise ToolError(f"{when!r} says more than a time: put what's to be done into the text.")
        if time.others:
            either = " or ".join(meant.words for meant in (time, *time.others))
            raise ToolError(f"{when!r} may be {either}. Ask the user which.")
        if time.due_at is not None and time.due_at < now + SOONEST:
            raise ToolError("That's too soon: a minute ahead at least.")
        id = TaskId(f"{_turn(call)[:12]}{_hash(f'{call.key}:{when}:{text}')[:16]}")
        known = await hub.store.task(id)
        if known is None:
            await self._check_planned(hub, task)
            goal = _as_said(replace(task, agent=call.agent), text, id)
            known = await hub.tasks.plan(
                goal, text, due_at=time.due_at, schedule=time.schedule, by=task, beside=hub.rights.inherited
            )
        return f"{tag(known)}: {time.words}."

    async def outline(
        self, call: ToolCall, points: Sequence[str], *, done: Sequence[int] = (), dropped: Sequence[int] = ()
    ) -> str:
        """See Outlining."""
        hub, task = await self._task(call)
        how = partial(planning.changed, points=points, done=done, drop=dropped)
        outlined = await hub.outlines.by_tool(task.id, how)
        return f"Plan: {planning.told(outlined.plan)}"

    async def split(self, call: ToolCall, goals: Sequence[str], agent: str = "", turns: int | None = None) -> str:
        """See Splits."""
        hub, _ = await self._task(call)
        return await hub.splitting.split(call, goals, agent, turns)

    async def use(self, call: ToolCall, tool: str, arguments: Mapping[str, object]) -> str:
        """See Errands. A tool whose calls can't be repeated may be used only by one whose own can't."""
        hub, _ = await self._task(call)
        agent, wanted = hub.agents.get(call.agent), hub.toolbox.named(tool)
        if agent is None or wanted is None or tool not in agent.tools:
            raise ToolError(f"There is no tool {tool!r} that may be used here.")
        if call.depth + 1 > DEEPEST:
            raise ToolError(f"{tool} isn't called: {DEEPEST} tools stand one behind the other already.")
        using = hub.toolbox.named(call.tool)
        if wanted.effect == "once" and (using is None or using.effect != "once"):
            raise ToolError(f"{tool} can only be called by the agent itself: its calls can't be repeated.")
        inner = replace(
            call,
            tool=tool,
            arguments=dict(arguments),
            key=f"{call.key}/{tool}:{_hash(sealed(arguments))[:16]}",
            depth=call.depth + 1,
        )
        if why := await hub.rights.why(agent, wanted, inner):
            raise ToolError(
                f"{tool} needs the person's leave ({why}): the agent must call it itself. Nothing was done."
            )
        return await self._used(hub, wanted, inner)

    async def _used(self, hub: Parts, tool: Tool, call: ToolCall) -> str:
        log.info("task %s: %s calls %s", call.task, call.key.partition("/")[0], call.tool)
        with suppress(Duplicate):
            if marks := await hub.rights.marks(tool, call):
                await hub.journal.commit(*marks)
        try:
            called = await hub.toolbox.call(tool, call)
        except Paused:
            raise ToolError(f"{tool.name} asks a question: the agent must call it itself.") from None
        if called.failed:
            raise ToolError(called.result)
        return called.result

    async def _task(self, call: ToolCall) -> tuple[Parts, Task]:
        if self._parts is None:
            raise ToolError("The hub is still starting; try again.")
        task = await self._parts.store.task(call.task)
        if task is None or (task.tenant, task.person) != (call.tenant, call.person):
            raise ToolError("This call belongs to no task, so nothing can be said, planned or used for it.")
        return self._parts, task

    @staticmethod
    async def _check_planned(hub: Parts, task: Task) -> None:
        if task.depth >= DEEPEST:
            raise ToolError(
                f"{DEEPEST} tasks have planned one another already: ask the person before there's a next one."
            )
        if any(taint.source.startswith(PLANNED_BY) for taint in await hub.store.taints(task.id)):
            raise ToolError("A task that was planned where others' words were read plans no further ones.")
        waiting = await hub.store.tasks(task.tenant, task.person, states=OPEN, limit=MANY, split=False)
        if sum(each.kind == "assignment" and each.due_at is not None for each in waiting) >= PLANNED:
            raise ToolError(f"{PLANNED} tasks are planned already; the person must end some first.")


def _as_said(task: Task, text: str, id: TaskId) -> Message:
    """Return the planned goal as a message would have brought it, for Tasks to found a task by; it isn't kept."""
    return Message(
        id=MessageId(id),
        tenant=task.tenant,
        address=task.origin,
        external_id=id,
        role="notice",
        person=task.person,
        parts=(Text(text),),
        state="answered",
        created_at=task.created_at,
        agent=task.agent,
    )


def _turn(call: ToolCall) -> str:
    return call.key.partition(":")[0]


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
