"""May this call be made unasked? By what the task has read, what the tool would do, and what its agent must ask for.

A task that has read a stranger's words is tainted, for good: a model may have been talked into anything by then. What
goes out of it, or can't be undone, needs its person's leave. What only looks, reckons or keeps needs none.
"""

from collections.abc import Sequence

from hub.flow.heard import brings, heard
from hub.manifests import Agent
from hub.ports import Add, Asking, Change, Clock, Foreign, Outward, Packaged, Store, Tool, ToolCall
from hub.records import Message, Taint, Task, TaskId, TenantId

DETAIL = 200
PLANNED_BY = "task "
"""What the source of a taint begins with that was inherited."""


GATHERED = "subtask "
"""What the source of a taint begins with that came with a subtask's result."""


class Rights:
    """Says what needs leave, and keeps what taints a task."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def tainted(self, task: Task) -> bool:
        """Say whether a task has read words of others than its person; where several people speak, it always has."""
        person = await self._store.person(task.tenant, task.person)
        return person is None or person.role == "group" or bool(await self._store.taints(task.id))

    async def why(self, agent: Agent, tool: Tool, call: ToolCall) -> str:
        """Return why a call needs leave, in words for its person; empty if it needs none."""
        if wished := _always(agent, tool):
            return wished
        outward = isinstance(tool, Outward)
        if not outward and tool.effect != "once":
            return ""
        task = await self._store.task(call.task)
        if task is None or not await self.tainted(task):
            # Of a task that isn't kept (a call tried by hand) nobody else has said anything.
            return ""
        return _out(tool, call, await heard(self._store, task))

    @staticmethod
    def why_unheard(agent: Agent, tool: Tool, call: ToolCall) -> str:
        """Return why a call needs leave that a program asks for in a person's name; empty if it needs none.

        Nobody here knows what that program has read, and nothing of it counts as the person's own words.
        """
        return _always(agent, tool) or _out(tool, call, "")

    async def marks(self, tool: Tool, call: ToolCall) -> tuple[Change, ...]:
        """Return what's kept before a call that brings strangers' words: what it does by errands is bound by it too."""
        if not (isinstance(tool, Foreign) and tool.outside):
            return ()
        return await self._taint(call.task, call.tenant, tool.name, _where(call))

    async def shown(self, task: Task, chosen: Tool, offered: Sequence[Tool]) -> tuple[Change, ...]:
        """Return what's kept once an LLM was offered tools: what a stranger's one says about itself are their words.

        What the chosen one says of itself isn't counted against it: its package may do what was granted to it.
        """
        own = chosen.package if isinstance(chosen, Packaged) else None
        for tool in offered:
            if isinstance(tool, Packaged) and isinstance(tool, Foreign) and tool.outside and tool.package != own:
                return await self._taint(task.id, task.tenant, tool.name, "what it says about itself")
        return ()

    async def brought(self, task: Task, messages: Sequence[Message]) -> tuple[Change, ...]:
        """Return what's kept as a turn begins: that its messages bring words of others along."""
        detail = next(filter(None, map(brings, messages)), "")
        return await self._taint(task.id, task.tenant, "message", detail) if detail else ()

    async def quoted(self, task: Task, source: str, detail: str) -> tuple[Change, ...]:
        """Return what's kept before words that somebody else wrote are told to a task's agent."""
        return await self._taint(task.id, task.tenant, source, " ".join(detail.split())[:DETAIL])

    async def inherited(self, by: Task, planned: Task) -> tuple[Change, ...]:
        """Return what taints a task that another has planned: all that tainted that one."""
        if not await self.tainted(by):
            return ()
        whose = ", ".join(taint.source for taint in await self._store.taints(by.id)) or "several people"
        return await self._taint(planned.id, planned.tenant, f"{PLANNED_BY}{by.number}", whose[:DETAIL])

    async def gathered(self, task: Task, children: Sequence[Task]) -> tuple[Change, ...]:
        """Return what's kept as a turn begins that's told of subtasks: what tainted them taints it too."""
        changes: tuple[Change, ...] = ()
        for child in children:
            if taints := await self._store.taints(child.id):
                whose = ", ".join(taint.source for taint in taints)
                changes += await self._taint(task.id, task.tenant, f"{GATHERED}{child.number}", whose[:DETAIL])
        return changes

    async def _taint(self, task: TaskId, tenant: TenantId, source: str, detail: str) -> tuple[Change, ...]:
        if any(taint.source == source for taint in await self._store.taints(task)):
            return ()
        return (Add(Taint(tenant=tenant, task=task, source=source, detail=detail, created_at=self._clock.now())),)


def digest_of(tool: Tool) -> str:
    """Return which edition a tool is, empty for one that came with the hub."""
    return tool.digest if isinstance(tool, Packaged) else ""


def _always(agent: Agent, tool: Tool) -> str:
    """Return why each call of a tool needs leave, whatever was read; or nothing."""
    if tool.name in agent.ask:
        return f"the agent {agent.name} asks before each call of {tool.name}"
    return f"{tool.name} asks before each call" if isinstance(tool, Asking) and tool.ask else ""


def _out(tool: Tool, call: ToolCall, heard: str) -> str:
    """Return why a call needs leave where strangers' words may be behind it; or nothing."""
    if isinstance(tool, Outward):
        return tool.goes_out(call, heard)
    return "what it does can't be undone" if tool.effect == "once" else ""


def _where(call: ToolCall) -> str:
    """Return what a call's result is about, for a person who wonders whose words those were."""
    words = [value for value in call.arguments.values() if isinstance(value, str)]
    best = next((word for word in words if "://" in word), words[0] if words else "")
    return " ".join(best.split())[:DETAIL]
