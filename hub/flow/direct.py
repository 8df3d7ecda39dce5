"""Tools called by a program in a person's name, without any agent's turn: with that person's rights, and no more.

What goes out, or can't be undone, isn't done at once: it becomes a task that waits for the person's leave, and is then
done exactly so, with what came of it told in that task.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from hub.config import Config
from hub.errors import Conflict, Duplicate, TooLarge, ToolError, TooMany
from hub.flow import asking
from hub.flow.exact import LONGEST, legible, sealed
from hub.flow.journal import Journal
from hub.flow.offering import allowed_of, for_assignments
from hub.flow.outbox import Outbox
from hub.flow.pauses import resting
from hub.flow.rights import Rights, digest_of
from hub.flow.schemas import fit
from hub.flow.taming import tame
from hub.flow.tasks import Tasks
from hub.flow.toolbox import Toolbox
from hub.manifests import Agent
from hub.ports import Add, Change, Clock, Filing, OfTask, Store, Timely, Tool, ToolCall, Tracking
from hub.records import (
    Address,
    Ask,
    Message,
    MessageId,
    Pause,
    PauseId,
    PersonId,
    Route,
    Task,
    TaskId,
    TenantId,
    Text,
    Turn,
    TurnId,
    new_id,
)

log = logging.getLogger(__name__)

WAITING = 10
"""Calls that may wait for a person's leave while programs ask for more."""
TRIES = 5
SOURCE = "a program"
"""What a task is tainted by that a program's call began."""


class Lent(Struct, frozen=True):
    """A tool that can be called without a task, and the agent that has it."""

    tool: Tool
    agent: Agent


class Program(Struct, frozen=True, kw_only=True):
    """Who calls: a program with a key, in a person's name; and the chat in which the person is asked."""

    tenant: TenantId
    person: PersonId
    name: str
    address: Address


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a call, or the call that waits for leave with its task."""

    result: str = ""
    failed: bool = False
    asked: Pause | None = None
    task: Task | None = None


class Direct:
    """Lends agents' tools to programs."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        clock: Clock,
        tasks: Tasks,
        toolbox: Toolbox,
        rights: Rights,
        agents: Mapping[str, Agent],
        config: Config,
    ) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._tasks = tasks
        self._toolbox = toolbox
        self._rights = rights
        self._agents = agents
        self._span = timedelta(minutes=config.limits.approval_minutes)
        self._zone = config.hub.timezone

    def lent(self, agents: Iterable[str]) -> tuple[Lent, ...]:
        """Return the tools of these agents that need no task, by name; of several agents with one, the first has it."""
        tools = {tool.name: tool for tool in self._toolbox.all()}
        found: dict[str, Lent] = {}
        for agent in (self._agents[name] for name in agents if name in self._agents):
            for tool in allowed_of(agent, tools):
                if not _needs_task(tool):
                    found.setdefault(tool.name, Lent(tool, agent))
        return tuple(found[name] for name in sorted(found))

    async def call(self, by: Program, lent: Lent, arguments: Mapping[str, object]) -> Outcome:
        """Call a tool, or have its person asked for leave; asked before for the very same, it's still that question.

        Raises TooMany where too much waits for leave already, TooLarge for what can't be shown whole.
        """
        tool, agent = lent.tool, lent.agent
        # A task of its own that isn't kept: what one call leaves behind, no other finds.
        call = ToolCall(
            tool=tool.name,
            arguments=arguments,
            key=f"direct:{new_id()}",
            tenant=by.tenant,
            person=by.person,
            agent=agent.name,
            task=TaskId(new_id()),
        )
        why = self._rights.why_unheard(agent, tool, call)
        if not why:
            called = await self._toolbox.tried(tool, call)
            log.info("tool %s: called by a program for person %s", tool.name, by.person)
            return Outcome(result=called.result, failed=called.failed)
        try:
            fit(arguments, tame(tool.schema))
        except ToolError as error:
            return Outcome(result=str(error), failed=True)  # nobody is asked about what can't be done
        if pending := await self._pending(by, tool, sealed(arguments)):
            return pending
        return await self._ask(by, agent, tool, call, why)

    # --- inside

    async def _pending(self, by: Program, tool: Tool, arguments: str) -> Outcome | None:
        waiting = await self._store.pauses(by.tenant, by.person, states=("asked",), limit=WAITING + 1)
        now = self._clock.now()
        for pause in waiting:
            if (pause.kind, pause.tool, pause.arguments) == ("leave", tool.name, arguments) and pause.expires_at > now:
                return Outcome(asked=pause, task=await self._store.task(pause.task))
        if len(waiting) >= WAITING:
            raise TooMany(
                f"{len(waiting)} calls wait for the person's leave already; let them decide first", after=60.0
            )
        if len(arguments) > LONGEST or len(legible(arguments)) > LONGEST:
            raise TooLarge(
                f"arguments: who gives leave must see all of them, and {LONGEST} characters at most can be shown; "
                "say it shorter"
            )
        return None

    async def _ask(self, by: Program, agent: Agent, tool: Tool, call: ToolCall, why: str) -> Outcome:
        """Keep a task that waits for leave, as a turn leaves one that stopped at a call."""
        async with self._tasks.founding(by.tenant, by.person):
            for _ in range(TRIES):
                said = self._said(by, tool)
                founded = await self._tasks.found(said, agent.name)
                turn = self._turn(founded, said)
                pause = self._pause(turn, said, tool, call, why)
                task = replace(founded, verdict=Ask(question="", why=f"leave is asked for {tool.name}"))
                task = resting(task, [pause], self._clock.now())
                said = replace(said, task=task.id, turn=turn.id, route=_founding(task))
                question = self._question(task, turn, said, pause)
                try:
                    await self._journal.commit(
                        *self._kept(task, said, turn, pause, by),
                        *await self._rights.quoted(task, SOURCE, by.name),
                        *self._outbox.say(question),
                        wake=(self._outbox.lane(question),),
                    )
                except Duplicate:
                    continue  # another hub took the number
                return Outcome(asked=pause, task=task)
        raise Conflict("tasks are founded faster than they can be numbered")

    def _kept(self, task: Task, said: Message, turn: Turn, pause: Pause, by: Program) -> Sequence[Change]:
        return (
            *self._journal.founded(task, "person", f"{by.name} asked for a call of {pause.tool}"),
            Add(said),
            Add(turn),
            Add(pause),
            self._journal.about_message("message", said),
            self._journal.about_turn(turn, task),
            self._journal.about_approval(pause),
        )

    def _said(self, by: Program, tool: Tool) -> Message:
        # The arguments don't stand in it: what a task's person said counts as named by them.
        id = MessageId(new_id())
        return Message(
            id=id,
            tenant=by.tenant,
            address=by.address,
            external_id=f"direct:{id}",
            role="user",
            person=by.person,
            parts=(Text(f"Call {tool.name} for {by.name}, and say what came of it."),),
            state="answered",
            created_at=self._clock.now(),
            sender=by.person,
        )

    def _turn(self, task: Task, said: Message) -> Turn:
        now = self._clock.now()
        return Turn(
            id=TurnId(new_id()),
            tenant=task.tenant,
            task=task.id,
            number=1,
            state="done",
            messages=(said.id,),
            started_at=now,
            ended_at=now,
        )

    def _pause(self, turn: Turn, said: Message, tool: Tool, call: ToolCall, why: str) -> Pause:
        now = self._clock.now()
        return Pause(
            id=PauseId(new_id()),
            tenant=call.tenant,
            person=call.person,
            task=turn.task,
            turn=turn.id,
            kind="leave",
            tool=tool.name,
            arguments=sealed(call.arguments),
            digest=digest_of(tool),
            key=call.key,
            why=why,
            created_at=now,
            expires_at=now + self._span,
            to=said.id,
        )

    def _question(self, task: Task, turn: Turn, said: Message, pause: Pause) -> Message:
        id = MessageId(new_id())
        return Message(
            id=id,
            tenant=task.tenant,
            address=said.address,
            external_id=id,
            role="notice",
            person=task.person,
            parts=(Text(asking.question(pause, task, (), self._zone, group=False)),),
            state="ready",
            created_at=self._clock.now(),
            answers=said.id,
            task=task.id,
            turn=turn.id,
            choices=asking.choices(pause),
        )


def _founding(task: Task) -> Route:
    return Route(rule="explicit", task=task.id, new=True, probability=1.0)


def _needs_task(tool: Tool) -> bool:
    """Say whether a tool is of no use without a task: about its plan, its files, its person's next words."""
    if for_assignments(tool) or isinstance(tool, Filing | Timely | Tracking):
        return True
    return isinstance(tool, OfTask) and tool.of_task
