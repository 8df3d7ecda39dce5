"""Splits subtasks off a task: within its depth, its number and what its budget has left."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.errors import Conflict, Duplicate, ToolError
from hub.flow import lanes
from hub.flow.choosing import Choosing
from hub.flow.family import children_of, total
from hub.flow.journal import Journal
from hub.flow.rights import Rights
from hub.flow.said import tag
from hub.flow.tasks import Tasks, title_of
from hub.manifests import Agent
from hub.ports import Add, Change, Clock, Store, ToolCall
from hub.records import OPEN, Limits, Task, TaskId, Usage

TRIES = 5
LONGEST = 500
"""Characters of a subtask's goal."""
ALIKE = 0.8
"""Two goals that share so many of their words are one."""
KEPT_BACK = 0.1
"""The part of what's left that the task itself keeps, to gather what came of its subtasks."""
OWN_TURNS = 2
"""The turn that splits, and one to gather."""
LEAST = 200
"""Tokens: with fewer no turn could be taken."""


class Share(Struct, frozen=True, kw_only=True):
    """What each of some subtasks may cost."""

    limits: Limits
    enough: bool


def share(limits: Limits, used: Usage, promised: Sequence[Limits], many: int, turns: int | None = None) -> Share:
    """Return what each of so many new subtasks may cost: together never more than is left.

    `promised` is what those may still cost that are at work, in whole; what they've used counts as `used` already.
    """
    left_turns = limits.turns - used.turns - OWN_TURNS - sum(each.turns for each in promised)
    left_tokens = (limits.tokens - used.tokens - sum(each.tokens for each in promised)) * (1 - KEPT_BACK)
    left_minutes = (limits.minutes - used.minutes - sum(each.minutes for each in promised)) * (1 - KEPT_BACK)
    left_money = limits.money - used.money - sum(each.money for each in promised)
    own = Limits(
        turns=min(left_turns // many, turns or left_turns),
        tokens=int(left_tokens / many),
        minutes=left_minutes / many,
        money=left_money * (1 - KEPT_BACK) / many if limits.money else 0.0,
    )
    poor = bool(limits.money) and own.money <= 0
    return Share(limits=own, enough=own.turns >= 1 and own.tokens >= LEAST and own.minutes > 0 and not poor)


def alike(one: str, other: str) -> bool:
    """Say whether two goals are the same in almost the same words: whoever splits it off goes in circles."""
    mine, theirs = (frozenset(re.findall(r"\w+", text.lower())) for text in (one, other))
    return mine == theirs or len(mine & theirs) >= ALIKE * len(mine | theirs) > 0


class Splitting:
    """Founds subtasks."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        rights: Rights,
        limits: LimitsConfig,
        agents: Mapping[str, Agent],
        choosing: Choosing,
    ) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._tasks = tasks
        self._rights = rights
        self._limits = limits
        self._agents = agents
        self._choosing = choosing

    async def split(self, call: ToolCall, goals: Sequence[str], agent: str = "", turns: int | None = None) -> str:
        """See Splits."""
        goals = list(dict.fromkeys(filter(None, (" ".join(goal.split()) for goal in goals))))
        ids = [_id(call, number, goal) for number, goal in enumerate(goals)]
        for _ in range(TRIES):
            parent = await self._parent(call)
            known = [task for id in ids if (task := await self._store.task(id))]
            if known:
                return _words(known)
            await self._check(parent, goals)
            who = await self._agent(call, agent)
            limits = await self._shared(parent, len(goals), turns)
            async with self._tasks.founding(parent.tenant, parent.person):
                number = await self._store.last_number(parent.tenant, parent.person)
                founded = [
                    self._child(parent, id, number + at, goal, who, limits)
                    for at, (id, goal) in enumerate(zip(ids, goals, strict=True), start=1)
                ]
                changes = [change for child in founded for change in await self._founding(parent, child)]
                try:
                    await self._journal.commit(*changes, wake=tuple(lanes.task(child.id) for child in founded))
                except (Duplicate, Conflict):
                    continue  # another hub took a number, or this very call was made twice
            return _words(founded)
        raise ToolError("Tasks are founded faster than they can be numbered; try again.")

    async def _parent(self, call: ToolCall) -> Task:
        parent = await self._store.task(call.task)
        if parent is None or parent.kind != "assignment":
            raise ToolError("This is a conversation: only an assignment has subtasks. Just answer.")
        return parent

    async def _check(self, parent: Task, goals: Sequence[str]) -> None:
        if not goals:
            raise ToolError("Name the subtasks, each in a sentence.")
        if long := next((goal for goal in goals if len(goal) > LONGEST), None):
            raise ToolError(f"A subtask has {LONGEST} characters at most: say {long[:40]!r} shorter.")
        if parent.depth >= self._limits.depth:
            raise ToolError(f"Subtasks stand {parent.depth} deep already: do it yourself, or say what's missing.")
        there = await children_of(self._store, parent)
        if len(there) + len(goals) > self._limits.subtasks:
            raise ToolError(
                f"A task has {self._limits.subtasks} subtasks at most, this one {len(there)} already: do it yourself."
            )
        for goal in goals:
            if await self._circles(parent, there, goal):
                raise ToolError(
                    f"{goal[:80]!r} is what this task is about itself, or was split off before: do it, or ask the user."
                )

    async def _circles(self, parent: Task, there: Sequence[Task], goal: str) -> bool:
        if any(alike(goal, child.goal) for child in there):
            return True
        above: Task | None = parent
        while above is not None:
            if alike(goal, above.goal):
                return True
            above = await self._store.task(above.parent) if above.parent else None
        return False

    async def _agent(self, call: ToolCall, wished: str) -> str:
        own, theirs = self._agents.get(call.agent), await self._choosing.theirs(call.tenant)
        handed = [name for name in (own.agents if own else ()) if name in theirs]
        if not wished:
            return handed[0] if handed else call.agent
        if wished not in {*handed, call.agent}:
            there = ", ".join(sorted({*handed, call.agent}))
            raise ToolError(f"Subtasks can't be given to {wished[:40]!r}; there are: {there}.")
        return wished

    async def _shared(self, parent: Task, many: int, turns: int | None) -> Limits:
        children = await children_of(self._store, parent)
        open_ones = [child for child in children if child.state in OPEN]
        over = [child for child in children if child.state not in OPEN]
        used = total(parent.used, over)
        found = share(parent.limits, used, [child.limits for child in open_ones], many, turns)
        if not found.enough:
            raise ToolError(f"What's left of the budget isn't enough for {many} subtasks: do it yourself.")
        return found.limits

    def _child(self, parent: Task, id: TaskId, number: int, goal: str, agent: str, limits: Limits) -> Task:
        now = self._clock.now()
        return Task(
            id=id,
            tenant=parent.tenant,
            person=parent.person,
            number=number,
            origin=parent.origin,
            title=title_of(goal),
            goal=goal,
            agent=agent,
            state="submitted",
            created_at=now,
            updated_at=now,
            kind="assignment",
            limits=limits,
            due_at=now,
            parent=parent.id,
            depth=parent.depth + 1,
        )

    async def _founding(self, parent: Task, child: Task) -> Sequence[Change]:
        pins = [Add(replace(pin, task=child.id)) for pin in await self._store.pins(parent.id)]
        inherited = await self._rights.inherited(parent, child)
        return (*self._journal.founded(child, "agent", f"split off from task {parent.number}"), *inherited, *pins)


def _id(call: ToolCall, number: int, goal: str) -> TaskId:
    """Return the same id for every attempt at a call; those of one call sort as they were named."""
    turn = call.key.partition(":")[0]
    digest = sha256(f"{call.key}:{number}:{goal}".encode()).hexdigest()
    return TaskId(f"{turn[:12]}{number:02x}{digest[:14]}")


def _words(children: Sequence[Task]) -> str:
    many = "1 subtask is" if len(children) == 1 else f"{len(children)} subtasks are"
    return f"{many} begun: {'; '.join(map(tag, children))}."
