"""What agents say about the end of their tasks, within the rights of these.

Tools are built before the flow that they speak to: until `open` they're refused.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec import Struct

from hub.errors import BadRequest, Conflict, ToolError
from hub.flow.agreeing import Agreeing
from hub.flow.checking import Checks, in_words
from hub.flow.watching import MINUTE, Watching
from hub.flow.whens import read
from hub.manifests import Agent
from hub.ports import Clock, Store, ToolCall
from hub.records import Check, ForFile, ForMessage, ForUrl, Task
from hub.times.zones import Zones

A_DAY, LONGEST = timedelta(days=1), timedelta(days=30)


class Told(Struct, frozen=True):
    """Whom it's told."""

    store: Store
    clock: Clock
    agreeing: Agreeing
    checks: Checks
    watching: Watching
    agents: Mapping[str, Agent]
    zones: Zones


class FlowAims:
    """Aims of a hub: see the port."""

    def __init__(self) -> None:
        self._told: Told | None = None

    def open(self, told: Told) -> None:
        """Listen from now on."""
        self._told = told

    async def propose(self, call: ToolCall, checks: Sequence[Check]) -> str:
        """See Aims."""
        hub, task = await self._task(call)
        if not checks:
            raise ToolError("Name something that can be looked at: a file, an address, a program, a tool.")
        try:
            hub.checks.refuse(checks, hub.agents[call.agent])
            await hub.agreeing.propose(task.id, checks)
        except (BadRequest, Conflict) as error:
            raise ToolError(f"{error}.") from None
        except KeyError:
            raise ToolError(f"There is no agent {call.agent!r} any more.") from None
        return f"The person is asked whether it's done when {', and '.join(map(in_words, checks))}."

    async def wait(self, call: ToolCall, until: str, on: ForMessage | ForFile | ForUrl | None) -> str:
        """See Aims."""
        hub, task = await self._task(call)
        now = hub.clock.now()
        if not until.strip() and on is None:
            raise ToolError("Say until when, or for what: a time, a file, an address.")
        due = now + A_DAY
        if until.strip():
            try:
                time = read(until, now, await hub.zones.of(task.tenant, task.person))
            except BadRequest:
                raise ToolError(f"{until!r} isn't a time: say in 20m, 08:30, or 2026-12-24 08:30.") from None
            if time.due_at is None or time.text or time.others:
                raise ToolError(f"{until!r} isn't one time: say in 20m, 08:30, or 2026-12-24 08:30.")
            due = time.due_at
        if not now + MINUTE <= due <= now + LONGEST:
            raise ToolError("A task waits for a minute at least, and for thirty days at most.")
        return msgspec.json.encode(await hub.watching.begin(task, due, on)).decode()

    async def _task(self, call: ToolCall) -> tuple[Told, Task]:
        if self._told is None:
            raise ToolError("The hub is still starting; try again.")
        task = await self._told.store.task(call.task)
        if task is None or (task.tenant, task.person) != (call.tenant, call.person) or task.kind != "assignment":
            raise ToolError("That's only for work that takes turn after turn, not for a conversation.")
        return self._told, task
