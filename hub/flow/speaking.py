"""What the agent does in a turn: read the transcript, call tools, write the answer while people watch."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from hub.config import LLMConfig
from hub.errors import LLMError, ToolError
from hub.flow import lanes, orders, paperwork, planning, prompts
from hub.flow.allowance import Allowance
from hub.flow.bearings import Bearings
from hub.flow.budget import Gone, Spent
from hub.flow.calling import Calls, Held
from hub.flow.composing import Composer, earlier_of
from hub.flow.costs import Costs
from hub.flow.digest import clipped
from hub.flow.exact import opened, sealed
from hub.flow.ledger import Ledger, Made
from hub.flow.orders import ClientTool, Orders, is_ordered
from hub.flow.sound import sound_text
from hub.flow.spoken import Spoken
from hub.flow.toolbox import Toolbox, unsaid
from hub.flow.work import Work
from hub.flow.writing import wording_of
from hub.manifests import Agent
from hub.ports import (
    LLM,
    Clock,
    Delta,
    End,
    Feed,
    Files,
    Parting,
    Priority,
    Said,
    Store,
    Terms,
    Tool,
    Tracking,
)
from hub.records import Message, Step, Wait

NONE = "none"
TOOL_CALLS = 4
"""In one turn."""
CLAIM = 900
"""Characters of what was done, for a tool that keeps track."""
LONGEST_TOKEN = 64
"""Characters of a token: an answer that has more for each allowed one comes from a server that heeds no limit."""

NOTHING = End(reason="stop", tokens_in=0, tokens_new=0, tokens_out=0, ms=0.0, ms_first=0.0)

Join = Callable[[Work], Awaitable[None]]


class Speaker:
    """Has an agent speak."""

    def __init__(
        self,
        store: Store,
        files: Files,
        feed: Feed,
        clock: Clock,
        llm: LLM,
        toolbox: Toolbox,
        calls: Calls,
        config: LLMConfig,
        zone: str,
        allowance: Allowance | None = None,
    ) -> None:
        self._store = store
        self._files = files
        self._feed = feed
        self._clock = clock
        self._llm = llm
        self._toolbox = toolbox
        self._calls = calls
        self._answer_tokens = config.answer_tokens
        self._timeout = config.timeout_seconds
        self._composer = Composer(store, files, clock, llm, config.answer_tokens, zone)
        self._bearings = Bearings(store)
        self._orders = Orders(store)
        self._costs = Costs(clock, config.answer_tokens, allowance)

    async def speak(self, agent: Agent, work: Work, ledger: Ledger, join: Join) -> Spoken:
        """Call the tools that are wanted and write the answer; raises LLMError.

        `join` is called before each step: messages that came meanwhile are answered too. A turn that was cut off goes
        on from the steps in the ledger. `work.task` may get a digest. What a person was asked about is done first, as
        they decided; a call that they must be asked about ends the turn.
        """
        work.began = self._clock.monotonic()
        work.order = await self._orders.for_turn(work.task, (*work.about, *work.messages))
        held: Held | None = None
        spent, gone, wait = "", False, None
        end = NOTHING
        if ledger.answer is not None:
            # Written before a crash; what waits for a turn since wasn't read for it.
            work.written = ledger.answer.result
        else:
            try:
                await self._calls.take_up(agent, work, ledger)
                await self._costs.of_tenant(work, ledger)
                await self._track(agent, work, ledger, "before")
                wait = await self._use_tools(agent, work, ledger, join)
                await join(work)
                if wait is None:
                    end = await self._told_by_tool(work, ledger) or await self._write(agent, work, ledger)
                    await self._track(agent, work, ledger, "after")
                else:
                    work.written = f"I wait {wait.why}."
            except Held as waits:
                held = waits
            except Spent as over:
                spent, gone, work.written = str(over), isinstance(over, Gone), ""
        return Spoken(
            text=work.written.strip(),
            reason=end.reason,
            steps=ledger.steps,
            tokens_in=end.tokens_in + sum(step.tokens_in for step in ledger.steps),
            tokens_out=end.tokens_out + sum(step.tokens_out for step in ledger.steps),
            ms=(self._clock.monotonic() - work.began) * 1000,
            held=held,
            spent=spent,
            gone=gone,
            wait=wait,
        )

    def wants_tools(self, agent: Agent, message: Message) -> bool:
        """Say whether a message may need tools: then it has a turn of its own, for tools are chosen for one wish.

        So has what a program says with an order.
        """
        return is_ordered(message) or bool(self._toolbox.offered(agent, message.text))

    # --- tools

    async def _use_tools(self, agent: Agent, work: Work, ledger: Ledger, join: Join) -> Wait | None:
        """Call what's wanted; return what the task is to wait for, if the last call was about that."""
        heard, since = len(work.messages), 0
        for _ in range(TOOL_CALLS):
            await join(work)
            if len(work.messages) > heard:
                # Who says more may well want more of the same tool.
                heard, since = len(work.messages), len(_calls(work, ledger))
                work.order = await self._orders.for_turn(work.task, (*work.about, *work.messages))
            await self._costs.check(work, ledger)
            said = await self._said(work)
            text = prompts.asked(said) if await self._point(work) else _wish(work)
            offered = self._offered(agent, work, ledger, text)
            if not offered:
                return None
            tool = await self._choose(work, ledger, said, offered, since)
            if tool is None:
                return None
            await self._call(agent, work, ledger, said, await self._calls.chosen(work, tool), offered)
            if wait := self._toolbox.wait_of(ledger.steps[-1]):
                return wait
        return None

    def _offered(self, agent: Agent, work: Work, ledger: Ledger, text: str) -> tuple[Tool, ...]:
        """Return the tools for a wish: a program's own first, and those alone where one of them is to be called."""
        used = [step.name for step in _calls(work, ledger)]
        own = orders.offered(work.order, text, used)
        if work.order.is_forced and not any(map(orders.is_clients, used)):
            return own
        every = self._toolbox.offered(agent, text, assignment=work.task.kind == "assignment")
        fitting = self._toolbox.theirs(work.task, every)
        if not _spoken(work):
            fitting = tuple(tool for tool in fitting if _has_its_turn(tool, work))
        return (*own, *fitting)

    async def _choose(
        self, work: Work, ledger: Ledger, said: Sequence[Said], offered: Sequence[Tool], since: int
    ) -> Tool | None:
        """Return the tool to call next; none that was called since so many calls is called twice."""
        calls = _calls(work, ledger)
        used = [step.name for step in calls[since:]]

        async def choose() -> Made:
            if again := await self._toolbox.again(said, offered, calls):
                return again.name, 0, 0, False
            must = work.order.is_forced and all(isinstance(tool, ClientTool) for tool in offered)
            terms = self._terms(work, Priority.DECISION)
            tool, decision = await self._toolbox.choose(said, offered, used, terms, must=must)
            work.money += decision.money if decision else 0.0
            tool = paperwork.first(work.task, tool, offered, calls) or tool
            return (tool.name if tool else NONE), (decision.tokens if decision else 0), 0, False

        offer = ", ".join(tool.name for tool in offered)
        step = await ledger.once("choose", f"tool {len(calls) + 1}", offer, choose)
        return next((tool for tool in offered if tool.name == step.result), None)

    async def _call(
        self, agent: Agent, work: Work, ledger: Ledger, said: Sequence[Said], tool: Tool, offered: Sequence[Tool]
    ) -> None:
        nth = sum(step.kind == "tool" for step in ledger.steps) + 1
        calls = self._results(work, ledger)
        failed = [step for step in calls if step.name == tool.name and step.failed]
        found = [step for step in calls if step.name != tool.name and not step.failed]
        certain = paperwork.bound(work.task, tool, calls)

        async def arguments() -> Made:
            try:
                terms = self._terms(work, Priority.DECISION)
                filled = await self._toolbox.arguments(said, tool, terms, failed, found, certain)
            except ToolError as error:
                return str(error), 0, 0, True
            work.money += filled.money
            return filled.json, filled.tokens_in, filled.tokens_out, False

        filled = await ledger.once("arguments", tool.name, f"call {nth}", arguments)
        if filled.failed:

            async def fail() -> Made:
                return filled.result, 0, 0, True

            await ledger.once("tool", tool.name, filled.result, fail)
            return
        sealed_arguments = sealed(opened(filled.result))
        await self._calls.make(agent, work, ledger, tool, sealed_arguments, nth, offered)

    async def _track(self, agent: Agent, work: Work, ledger: Ledger, when: Literal["before", "after"]) -> None:
        """Call what keeps track of an assignment, if its time has come; it may raise Held."""
        task = await self._store.task(work.task.id) if work.task.kind == "assignment" else None
        if task is None:
            return
        for tool in self._toolbox.tracking(agent, task, when):
            if isinstance(tool, Parting) and work.children:
                continue
            said = [Said("user", task.goal)]
            if when == "after":
                done = "\n".join((*(step.result for step in self._results(work, ledger)), work.written))
                said = [Said("user", f"{await self._bearings.plan(task)}\n{clipped(done, CLAIM)}")]
            await self._call(agent, work, ledger, said, tool, (tool,))

    def _results(self, work: Work, ledger: Ledger) -> tuple[Step, ...]:
        """Return the tool calls that are shown as they are; those that keep track are told by how the task stands.

        What couldn't be split off is shown: the agent has to do it itself.
        """
        return tuple(step for step in _calls(work, ledger) if self._is_shown(step))

    def _is_shown(self, step: Step) -> bool:
        tool = self._toolbox.named(step.name)
        tracks, parts = isinstance(tool, Tracking), isinstance(tool, Parting)
        return not tracks or (parts and step.failed)

    # --- the answer

    async def _told_by_tool(self, work: Work, ledger: Ledger) -> End | None:
        """Answer with a tool's result where that's all that was asked for: no model can get it wrong then.

        What was split off just now is all there is to tell: a model would make up what comes of it.
        """
        said = await self._said(work)
        parts = (step for step in _calls(work, ledger) if isinstance(self._toolbox.named(step.name), Parting))
        begun = next((step.result for step in parts if not step.failed), None)
        text = begun or await self._toolbox.answered(said, self._results(work, ledger))
        if text is None or work.order.form is not None:
            return None
        work.written = text
        self._feed.publish(self._delta(work, text, whole=True))
        return NOTHING

    async def _write(self, agent: Agent, work: Work, ledger: Ledger) -> End:
        """Have the LLM write the answer, piece by piece, into `work.written`."""
        said = await self._composer.prompt(agent, work, self._results(work, ledger))
        read = await self._llm.count(said) if await self._costs.matter(work) else 0
        most = min(await self._costs.check(work, ledger, read), work.order.tokens or 10**9)
        work.written = ""
        async for piece in wording_of(self._llm, said, self._terms(work, Priority.CHAT), most, work.order):
            if isinstance(piece, End):
                work.money += piece.money
                work.written = sound_text(work.written)
                for result in self._unsaid(work, ledger):
                    work.written = f"{work.written.rstrip()}\n\n{result}"
                if not work.task.checks or not work.written.strip():
                    return piece
                # What's left is to look at what was done: a crash in between mustn't have it all said again.
                await ledger.answered(work.written.strip(), piece.tokens_in, piece.tokens_out, piece.money)
                return NOTHING
            # Begun again after a crash of the model, the answer is written anew: the first piece takes the old's place.
            self._feed.publish(self._delta(work, piece.text, whole=not work.written))
            work.written += piece.text
            if len(work.written) > self._answer_tokens * LONGEST_TOKEN:
                raise LLMError(f"the answer doesn't end: {len(work.written)} characters")
        raise LLMError("the answer broke off without an end")

    def _unsaid(self, work: Work, ledger: Ledger) -> tuple[str, ...]:
        if work.order.form is not None:
            return ()
        told = [step for step in self._results(work, ledger) if not self._toolbox.is_aside(step.name)]
        return unsaid(work.written, [step for step in told if not orders.is_clients(step.name)])

    def _delta(self, work: Work, text: str, *, whole: bool) -> Delta:
        said = work.messages or work.about
        answered = said[-1].id if said else None
        return Delta(
            tenant=work.task.tenant,
            person=work.task.person,
            task=work.task.id,
            turn=work.turn.id,
            message=answered,
            text=text,
            whole=whole,
        )

    async def _said(self, work: Work) -> tuple[Said, ...]:
        """Return what was said, and last what's to be done now.

        That's the plan's first open point, or the goal where nobody's message is answered: a planned task has none.
        """
        said = (*earlier_of(work), *prompts.conversation(await self._composer.history(work)))
        if not (said and said[-1].role == "user"):
            said = (*said, Said("user", work.task.goal))
        if point := await self._point(work):
            return (*said, Said("assistant", await self._bearings.plan(work.task)), Said("user", point))
        return said

    async def _point(self, work: Work) -> str:
        """Return the point of the plan that's next; nothing without a plan, or where the person has just spoken."""
        if work.task.kind != "assignment" or _spoken(work):
            return ""
        task = await self._store.task(work.task.id) or work.task
        return next((point.text for _, point in planning.left(task.plan)), "")

    def _terms(self, work: Work, priority: Priority) -> Terms:
        chat = lanes.chat(work.task.tenant, work.task.origin)
        if not (work.messages or work.about):
            priority = Priority.BACKGROUND  # nobody waits for it, and some may wait for theirs
        return Terms(tenant=work.task.tenant, chat=chat, priority=priority, deadline=self._timeout)


def _wish(work: Work) -> str:
    wished = work.asked if work.told else (*work.about, *work.messages)
    return "\n".join(message.text for message in wished) or work.task.goal


def _spoken(work: Work) -> bool:
    """Say whether a turn answers something else than what its task began with."""
    return any(message.text != work.task.goal for message in (*work.about, *work.messages))


def _has_its_turn(tool: Tool, work: Work) -> bool:
    """Say whether a tool is chosen though nobody asked for it: a plan comes by itself, a task is split once."""
    tracks, parts = isinstance(tool, Tracking), isinstance(tool, Parting)
    return not work.children if parts else not tracks


def _calls(work: Work, ledger: Ledger) -> tuple[Step, ...]:
    """Return the tool calls made for what the turn answers: its own, and those of the turns that had to wait."""
    return tuple(step for step in (*work.before, *ledger.steps) if step.kind == "tool")
