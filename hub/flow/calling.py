"""Calling a tool within its rights: at once, after its person gave leave, or not at all.

Whoever asks does nothing: the turn ends with a Pause that holds the call to the byte, and a later turn carries out
exactly that, or says that it wasn't done.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from msgspec.structs import replace

from hub.flow.deeds import deed
from hub.flow.doing import Doer
from hub.flow.exact import LONGEST, legible, opened, sealed
from hub.flow.ledger import CutOff, Ledger, Outcome
from hub.flow.offering import allowed_of
from hub.flow.orders import client_tool, is_clients
from hub.flow.pinning import Pinning
from hub.flow.rights import Rights, digest_of
from hub.flow.toolbox import Called, Toolbox
from hub.flow.work import Work
from hub.manifests import Agent
from hub.ports import Change, Clock, Paused, Pausing, Save, Store, Tool, ToolCall
from hub.records import Pause, PauseId, Step, new_id

AGAIN = "I may already have done this when I was interrupted; I don't know whether it worked. Shall I do it (again)?"
OPEN = 5
"""Calls of one task that may wait at a time."""
MANY = 1_000
HOLDS = timedelta(hours=1)
"""So long a call that's approved may be made: the hub may have been off meanwhile."""
PATIENCE = timedelta(days=7)
"""So long a tool's question waits for its answer."""
SNAPSHOT = 1_000_000
TURNS = 6
"""Turns back in which a call that was cut off is looked for."""


class Held(Exception):
    """The turn ends here: a call waits for its person."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(pause.why)
        self.pause = pause


class Calls:
    """Calls tools for a turn."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        toolbox: Toolbox,
        rights: Rights,
        minutes: float,
        pinning: Pinning | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._toolbox = toolbox
        self._rights = rights
        self._pinning = pinning or Pinning(store, clock)
        self._span = timedelta(minutes=minutes)

    async def chosen(self, work: Work, tool: Tool) -> Tool:
        """Return a tool as the task has it, in the edition that it first used."""
        return await self._pinning.tool(work.task, tool)

    async def make(
        self, agent: Agent, work: Work, ledger: Ledger, tool: Tool, arguments: str, nth: int, offered: Sequence[Tool]
    ) -> Step:
        """Call a tool with these arguments (sealed), or raise Held where its person must be asked first.

        `offered` are the tools that the LLM was shown when it chose. What the person can't be asked is refused: the
        step has failed, and says so to the LLM.
        """
        call = self._call(agent, work, tool.name, opened(arguments), f"{work.turn.id}:{nth}")
        await ledger.mark(*await self._rights.shown(work.task, tool, offered))
        try:
            if known := ledger.called(tool.name, arguments):
                return known
            why = await self._unknown_end(work, ledger, tool) or await self._rights.why(agent, tool, call)
        except CutOff:
            why = AGAIN
        if not why:
            return await self._carry_out(work, ledger, tool, call, arguments)
        if refusal := await self._unaskable(work, tool, arguments):
            return await self._refused(ledger, tool.name, arguments, refusal)
        raise Held(self._pause(work, tool, call, "leave", why))

    async def take_up(self, agent: Agent, work: Work, ledger: Ledger) -> None:
        """Do what was decided about the call that the turn takes up: exactly that call, or a step that says no.

        What's told before: that a package which the task has used is gone.
        """
        await self._pinning.tell(work.task, ledger)
        pause = work.pause
        if pause is None:
            return
        tool = client_tool(pause.tool) or self._toolbox.named(pause.tool)
        tool = tool and await self.chosen(work, tool)
        try:
            if ledger.called(pause.tool, pause.arguments):
                return
        except CutOff:
            if tool is not None:
                call = self._call(agent, work, pause.tool, opened(pause.arguments), pause.key)
                raise Held(self._pause(work, tool, call, "leave", AGAIN)) from None
        no = _declined(pause) or self._void(pause, agent, tool)
        if no or tool is None:
            done = replace(pause, state="done", answer=pause.answer if _declined(pause) else f"void: {no}")
            await self._refused(ledger, pause.tool, pause.arguments, no, pause.id, (Save(done),))
            return
        call = self._call(agent, work, pause.tool, opened(pause.arguments), pause.key)
        await self._carry_out(work, ledger, tool, call, pause.arguments)

    # --- inside

    async def _carry_out(
        self,
        work: Work,
        ledger: Ledger,
        tool: Tool,
        call: ToolCall,
        arguments: str,
    ) -> Step:
        pause = work.pause if work.pause and work.pause.key == call.key else None

        async def do() -> Outcome:
            called = await self._called(tool, call, pause)
            beside = (Save(replace(pause, state="done")),) if pause is not None else ()
            return Outcome(result=called.result, failed=called.failed, unsure=called.unsure, beside=beside)

        await ledger.mark(*await self._rights.marks(tool, call))
        try:
            return await ledger.call(
                tool.name,
                arguments,
                do,
                effect=tool.effect,
                pause=pause.id if pause is not None else None,
                told=self._told(work, tool, call),
            )
        except Paused as asked:
            if not isinstance(tool, Pausing) or len(asked.snapshot) > SNAPSHOT:
                text = f"{tool.name} asks a question, but can't wait for the answer."
                return await self._refused(ledger, tool.name, arguments, text, pause.id if pause else None)
            held = self._pause(work, tool, call, "answer", asked.question)
            raise Held(replace(held, snapshot=asked.snapshot)) from None

    def _told(self, work: Work, tool: Tool, call: ToolCall) -> tuple[Change, ...]:
        """Return what the audit log is told of a call that changes something."""
        if tool.effect == "none":
            return ()
        by, of = Doer(person=work.task.person, way="agent"), [tool.name, call.arguments]
        at, tenant = self._clock.now(), work.task.tenant
        return (deed("tool.called", f"turn/{work.turn.id}", tenant=tenant, by=by, at=at, detail=tool.name, of=of),)

    async def _called(self, tool: Tool, call: ToolCall, pause: Pause | None) -> Called:
        if pause is not None and pause.kind == "answer" and isinstance(tool, Pausing):
            return await self._toolbox.resume(tool, call, pause.snapshot, pause.answer)
        return await self._toolbox.call(tool, call)

    async def _refused(
        self,
        ledger: Ledger,
        tool: str,
        arguments: str,
        text: str,
        pause: PauseId | None = None,
        beside: tuple[Change, ...] = (),
    ) -> Step:
        async def do() -> Outcome:
            return Outcome(result=text, failed=True, beside=beside)

        return await ledger.call(tool, arguments, do, pause=pause)

    async def _unknown_end(self, work: Work, ledger: Ledger, tool: Tool) -> str:
        """Return why a call of a `once` tool is asked about: an earlier one was cut off, or gave no answer in time.

        The model may well write its arguments another way than before; the tool is what counts.
        """
        if tool.effect != "once":
            return ""
        if any(step.name == tool.name and step.unsure for step in ledger.steps):
            return AGAIN
        pauses = await self._store.pauses_of_task(work.task.id, states=("asked", "answered", "done"), limit=MANY)
        waited = {(pause.turn, pause.arguments) for pause in pauses if pause.kind == "answer"}
        allowed = {pause.arguments for pause in pauses if pause.answer == "approved" and pause.tool == tool.name}
        for turn in await self._store.turns(work.task.id, limit=TURNS):
            steps = [step for step in await self._store.steps(turn.id) if step.name == tool.name]
            ended = {step.request for step in steps if step.kind == "tool" and not step.unsure}
            begun = {step.request for step in steps if step.kind == "begun"}
            if any((turn.id, each) not in waited and each not in allowed for each in begun - ended):
                return AGAIN
        return ""

    async def _unaskable(self, work: Work, tool: Tool, arguments: str) -> str:
        """Return why a person can't be asked for leave, as it's told to the LLM; or nothing."""
        if len(arguments) > LONGEST or len(legible(arguments)) > LONGEST:
            return (
                f"{tool.name} needs the person's leave, and they must see all of it: that many characters can't be"
                f" shown, {LONGEST} at most. Say it shorter. Nothing was done."
            )
        waiting = await self._store.pauses_of_task(work.task.id, states=("asked",), limit=MANY)
        if any((pause.tool, pause.arguments) == (tool.name, arguments) for pause in waiting):
            return f"Leave for exactly this call of {tool.name} was asked for, and isn't given yet. Nothing was done."
        if len(waiting) >= OPEN:
            return f"{len(waiting)} calls wait for the person's leave already; let them answer. Nothing was done."
        done = await self._store.pauses_of_task(work.task.id, states=("done",), limit=MANY)
        for pause in done:
            same = (pause.tool, pause.arguments) == (tool.name, arguments) and pause.answer != "approved"
            asked_anew = any(pause.decided_at and said.created_at > pause.decided_at for said in work.messages)
            if same and pause.kind == "leave" and not asked_anew:
                return f"Leave for exactly this call of {tool.name} wasn't given. Don't try it again; nothing was done."
        return ""

    def _void(self, pause: Pause, agent: Agent, tool: Tool | None) -> str:
        """Return why what was decided doesn't hold any more, as it's told to the LLM; or nothing."""
        if tool is None or not (is_clients(pause.tool) or allowed_of(agent, {tool.name: tool})):
            return f"{pause.tool} isn't there any more. Nothing was done."
        if digest_of(tool) != pause.digest:
            return f"The package of {pause.tool} was changed meanwhile, so the leave is void. Nothing was done."
        if pause.kind == "leave" and (pause.decided_at is None or self._clock.now() - pause.decided_at > HOLDS):
            return f"The leave for {pause.tool} was given too long ago. Nothing was done."
        return ""

    def _pause(self, work: Work, tool: Tool, call: ToolCall, kind: Literal["leave", "answer"], why: str) -> Pause:
        now = self._clock.now()
        to = work.messages[-1] if work.messages else (work.about[-1] if work.about else None)
        return Pause(
            id=PauseId(new_id()),
            tenant=work.task.tenant,
            person=work.task.person,
            task=work.task.id,
            turn=work.turn.id,
            kind=kind,
            tool=tool.name,
            arguments=sealed(call.arguments),
            digest=digest_of(tool),
            key=call.key,
            why=why,
            created_at=now,
            expires_at=now + (self._span if kind == "leave" else PATIENCE),
            to=to.id if to else None,
        )

    @staticmethod
    def _call(agent: Agent, work: Work, tool: str, arguments: dict[str, object], key: str) -> ToolCall:
        return ToolCall(
            tool=tool,
            arguments=arguments,
            key=key,
            tenant=work.task.tenant,
            person=work.task.person,
            agent=agent.name,
            task=work.task.id,
        )


def _declined(pause: Pause) -> str:
    """Return how it's told to the LLM that its person didn't say yes, or nothing."""
    match pause.state:
        case "denied":
            why = f" They said why: {pause.reason}" if pause.reason else ""
            return (
                f"The person didn't give leave to call {pause.tool}. Nothing was done; don't try it again, and say so."
                f"{why}"
            )
        case "expired" if pause.kind == "answer":
            return f"Nobody answered the question of {pause.tool} in time. Nothing more was done; say so."
        case "expired":
            return f"Nobody gave leave to call {pause.tool} in time. Nothing was done; say so."
        case _:
            return ""
