"""Which tools an agent is offered for a message, which one it takes, with what, and what came of it.

Plain rules first; the LLM, by typed decisions and bound arguments, when they don't decide.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from hub.errors import ToolError, Unsure
from hub.flow import prompts
from hub.flow.filling import fill
from hub.flow.offering import Offering, allowed_of, for_assignments
from hub.flow.schemas import fit
from hub.flow.sound import sound
from hub.flow.taming import tame
from hub.manifests import Agent
from hub.ports import (
    LLM,
    Decision,
    Exemplary,
    Filled,
    Lengthy,
    Material,
    Patient,
    Paused,
    Pausing,
    Personal,
    Quoting,
    Reading,
    Resting,
    Retrying,
    Said,
    Terms,
    Timely,
    Tool,
    ToolCall,
    Tracking,
)
from hub.records import Step, Task, Wait

log = logging.getLogger(__name__)

RESULT_CHARACTERS = 2_000
SECONDS = 30.0
SURE = 0.9
"""So likely must a further tool be: what a message needs is mostly done with the first."""
OWN = 200
"""Characters of a person's own sentence that stand for a quotation."""


class Called(Struct, frozen=True, kw_only=True):
    """What came of a tool call, written for the LLM."""

    result: str
    failed: bool = False
    unsure: bool = False
    """It took too long, and nobody knows whether it did its work."""


class Toolbox:
    """The installed tools, and how an agent gets at them."""

    def __init__(
        self,
        tools: Iterable[Tool],
        decisions: LLM,
        writer: LLM | None = None,
        *,
        seconds: float = SECONDS,
        characters: int = RESULT_CHARACTERS,
        offering: Offering | None = None,
    ) -> None:
        """Take the tools, the LLM that chooses among them, and the one that writes arguments (else the same)."""
        self._fixed = {tool.name: tool for tool in tools}
        self._tools = dict(self._fixed)
        self._decisions = decisions
        self._writer = writer or decisions
        self._seconds = seconds
        self._characters = characters
        self._offering = offering or Offering()
        self._readers: tuple[Reading, ...] = ()
        self._fill()

    def equip(self, tools: Iterable[Tool]) -> None:
        """Have these tools in place of those that were given so before; calls under way end as they began."""
        self._tools = {**self._fixed, **{tool.name: tool for tool in tools}}
        self._fill()

    def _fill(self) -> None:
        self._offering.fill(self._tools)
        # Which it's asked of each message, and to look at what a tool can do takes longer than most of them.
        self._readers = tuple(
            tool for tool in self._tools.values() if isinstance(tool, Reading) and not isinstance(tool, Material)
        )

    def all(self) -> tuple[Tool, ...]:
        """Return every tool, by name."""
        return tuple(sorted(self._tools.values(), key=lambda tool: tool.name))

    def named(self, name: str) -> Tool | None:
        """Return the tool of that name, if it's installed."""
        return self._tools.get(name)

    def offered(self, agent: Agent, text: str, *, assignment: bool = False) -> tuple[Tool, ...]:
        """Return the tools that the agent may use and that may be of use for a message: see Offering."""
        return self._offering.offered(agent, text, assignment=assignment)

    @staticmethod
    def theirs(task: Task, offered: Iterable[Tool]) -> tuple[Tool, ...]:
        """Return those of the tools that are of use for a task as it stands, and as its person has them."""
        found = (tool.of(task) if isinstance(tool, Personal) else tool for tool in offered)
        return tuple(tool for tool in found if tool and (not isinstance(tool, Timely) or tool.is_timely(task)))

    def is_aside(self, name: str) -> bool:
        """Say whether a tool is about the work itself (its checks, what it waits for) and does none of it."""
        tool = self._tools.get(name)
        return tool is not None and for_assignments(tool)

    def wait_of(self, step: Step) -> Wait | None:
        """Return what a task waits for by a call of a Resting tool that went well; None for any other call."""
        tool = self._tools.get(step.name)
        if tool is None or step.kind != "tool" or step.failed or not _rests(tool):
            return None
        try:
            return msgspec.json.decode(step.result, type=Wait)
        except msgspec.MsgspecError:
            log.warning("tool %s didn't say what its task waits for", step.name)
            return None

    def tracking(self, agent: Agent, task: Task, when: Literal["before", "after"]) -> tuple[Tool, ...]:
        """Return those of the agent's tools that keep track of an assignment, and whose time it is now."""
        return tuple(
            tool.at(when)
            for tool in allowed_of(agent, self._tools)
            if isinstance(tool, Tracking) and tool.when(task.goal, task.plan) == when
        )

    def wants_one(self, text: str) -> bool:
        """Say whether a message leaves no doubt that it wants one tool and nothing else; may block for milliseconds."""
        return any(tool.read(text) is not None for tool in self._readers)

    async def choose(
        self,
        said: Sequence[Said],
        offered: Sequence[Tool],
        used: Collection[str],
        terms: Terms,
        *,
        must: bool = False,
    ) -> tuple[Tool | None, Decision | None]:
        """Return the tool to call next, or None to answer; and the decision, or None if a rule decided.

        `used` names the tools called in this turn: none is called twice. `must` leaves no choice but which one. May
        raise LLMError.
        """
        text = prompts.asked(said)
        plain = [tool for tool in offered if await _read(tool, text) is not None]
        left = [tool for tool in offered if tool.name not in used]
        if not left or (len(plain) == 1 and plain[0].name in used):
            return None, None
        if len(plain) == 1:
            return plain[0], None
        if must and len(left) == 1:
            return left[0], None
        decision = await self._decided(text, left, terms)
        if must:
            return max(zip(decision.probabilities, left, strict=False), key=lambda pair: pair[0])[1], decision
        likely, best = max(zip(decision.probabilities, (*left, None), strict=True), key=lambda pair: pair[0])
        return (None if used and likely < SURE else best), decision

    async def _decided(self, text: str, left: Sequence[Tool], terms: Terms) -> Decision:
        """Return how likely each is needed, and last none: by examples, or by letters where there are none.

        Whoever speaks with the person knows more of descriptions than a small model for decisions.
        """
        names = [*(tool.name for tool in left), prompts.NONE]
        if any(isinstance(tool, Exemplary) for tool in left) and not _begin_each_other(names):
            return sound(await self._decisions.decide(prompts.choose(text, left), names, terms), names)
        letters = prompts.letters(len(left))
        return sound(await self._writer.decide(prompts.pick(text, left), letters, terms), letters)

    async def again(self, said: Sequence[Said], offered: Sequence[Tool], results: Sequence[Step]) -> Tool | None:
        """Return the tool to call once more: the last call failed, and another try may do better."""
        last = results[-1] if results else None
        tool = next((tool for tool in offered if last and last.failed and tool.name == last.name), None)
        # What was read by a rule would be the very same again.
        if tool is None or not isinstance(tool, Retrying) or await _read(tool, prompts.asked(said)) is not None:
            return None
        return tool if sum(step.name == tool.name for step in results) < tool.tries else None

    async def answered(self, said: Sequence[Said], results: Sequence[Step]) -> str | None:
        """Return a tool's result if it's a whole answer: the message plainly asked for that one call, and it went well.

        Then no LLM has to put it in words, and none can get it wrong.
        """
        if len(results) != 1 or results[0].failed:
            return None
        tool = self._tools.get(results[0].name)
        if tool is None or isinstance(tool, Material):
            return None
        return results[0].result if await _read(tool, prompts.asked(said)) is not None else None

    async def arguments(
        self,
        said: Sequence[Said],
        tool: Tool,
        terms: Terms,
        failed: Sequence[Step] = (),
        found: Sequence[Step] = (),
        certain: Mapping[str, str] = MappingProxyType({}),
    ) -> Filled:
        """Return arguments that fit the tool's schema; raises ToolError if none could be found, or LLMError.

        `failed` are the tool's calls before in this turn: they're to be bettered; `found` what others found in it, and
        `certain` what the task's goal leaves no doubt about.
        """
        text = prompts.asked(said)
        read = await _read(tool, text)
        if read is not None:
            return Filled(json=msgspec.json.encode(read).decode(), tokens_in=0, tokens_out=0, ms=0.0)
        filled = await fill(self._writer, said, tool, terms, failed, found, certain)
        values = _quoted(tool, msgspec.json.decode(filled.json, type=dict[str, object]), said)
        return msgspec.structs.replace(filled, json=msgspec.json.encode(values).decode())

    async def call(self, tool: Tool, call: ToolCall) -> Called:
        """Call a tool; its result is cut at the cap, and says so. An error or a time-out is a failed result.

        Raises Paused where the tool has a question.
        """
        try:
            fit(call.arguments, tame(tool.schema))
        except ToolError as error:
            return Called(result=_cut(str(error), self._characters), failed=True)
        return await self._bounded(tool, call, tool.call(call))

    async def resume(self, tool: Pausing, call: ToolCall, snapshot: str, answer: str) -> Called:
        """Go on with a call that asked a question, as `call` does."""
        return await self._bounded(tool, call, tool.resume(call, snapshot, answer))

    async def tried(self, tool: Tool, call: ToolCall) -> Called:
        """Call a tool for somebody who tries it by hand: where it has a question, that's the result."""
        try:
            return await self.call(tool, call)
        except Paused as asked:
            return Called(result=f"It asks: {asked.question} Only a task can wait for the answer.", failed=True)

    async def _bounded(self, tool: Tool | Pausing, call: ToolCall, work: Awaitable[str]) -> Called:
        seconds = tool.seconds if isinstance(tool, Patient) else self._seconds
        most = max(self._characters, tool.characters) if isinstance(tool, Lengthy) else self._characters
        try:
            async with asyncio.timeout(seconds):
                return Called(result=_cut(await work, most))
        except ToolError as error:
            return Called(result=_cut(str(error), self._characters), failed=True, unsure=isinstance(error, Unsure))
        except TimeoutError:
            log.warning("tool %s took longer than %s s for task %s", call.tool, seconds, call.task)
            text = f"{call.tool} gave no answer within {seconds:g} seconds."
            return Called(result=text, failed=True, unsure=True)


def _rests(tool: Tool) -> bool:
    return isinstance(tool, Resting) and tool.rests


def _begin_each_other(names: Sequence[str]) -> bool:
    ordered = sorted(names)
    return any(later.startswith(name) for name, later in itertools.pairwise(ordered))


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters]}\n[cut: {len(text) - characters} more characters]"


def unsaid(answer: str, results: Sequence[Step]) -> tuple[str, ...]:
    """Return the results whose numbers an answer doesn't have, though they were found for it.

    A small model may well answer 409 where the tool found 391: who sends the answer can add the result.
    """
    found = []
    for step in results:
        new = _numbers(step.result) - _numbers(step.request)
        if not step.failed and new and not new & _numbers(answer):
            found.append(step.result)
    return tuple(found)


def _numbers(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\d+(?:[.:]\d+)*", text))


async def _read(tool: Tool, text: str) -> Mapping[str, object] | None:
    return await asyncio.to_thread(tool.read, text) if isinstance(tool, Reading) else None


def _quoted(tool: Tool, values: Mapping[str, object], said: Sequence[Said]) -> Mapping[str, object]:
    if not isinstance(tool, Quoting):
        return values
    known = _words(" ".join(part.text for part in said))
    own = prompts.asked(said)[:OWN]
    return {
        name: own if name in tool.quotes and not _words(str(value)) <= known else value
        for name, value in values.items()
    }


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))
