"""How long the prompts are that a model is given, at their fullest, in its own tokens."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from hub.config import LimitsConfig
from hub.errors import LLMError
from hub.flow import prompts
from hub.flow.evidence import Line, Seen
from hub.flow.toolbox import Toolbox
from hub.flow.weighing import choice, pairs
from hub.manifests import Agent
from hub.ports import LLM, Personal, Said, Scoring, Tool
from hub.records import HOME, OWNER, Address, Step, Task, TaskId, TurnId

SECONDS = 5.0
SAMPLE = (
    "Could you find out when the next train leaves for Bonn on Friday morning, what two seats cost with a bicycle, and"
    " whether there's a table near the window? If it's more than eighty euros, look for the slower one that stops in"
    " Siegen, please, and write down both so that I can show them to Anna before we decide. "
) * 8
"""Ordinary words, more than any prompt has room for."""


class PromptSizes(Struct, frozen=True, kw_only=True):
    """Tokens of a prompt at its fullest, with all that the model's template adds."""

    router: int
    """A long message after each of as many tasks as are weighed, and after a greeting, together."""
    supervisor: int
    """A long goal, results of tools and a claim."""
    agent: int
    """The default agent's: its system prompt with a short message, and the choice among tools that everybody has."""


class Sizes:
    """Measures prompts once for each pair of models."""

    def __init__(self, llm: LLM, decider: LLM, toolbox: Toolbox, agent: Agent, limits: LimitsConfig) -> None:
        self._llm = llm
        self._decider = decider
        self._toolbox = toolbox
        self._agent = agent
        self._candidates = limits.candidates
        self._known: Mapping[tuple[str, str], PromptSizes] = {}

    async def measured(self) -> PromptSizes | None:
        """Return the sizes; None while a model can't count."""
        models = (self._llm.info.model, self._decider.info.model)
        if found := self._known.get(models):
            return found
        if not self._llm.info.state == self._decider.info.state == "ready":
            return None
        try:
            async with asyncio.timeout(SECONDS):
                found = PromptSizes(
                    router=await self._router(), supervisor=await self._supervisor(), agent=await self._of_agent()
                )
        except (LLMError, TimeoutError):
            return None
        self._known = {models: found}
        return found

    async def _router(self) -> int:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        roster = [_seen(number, now) for number in range(self._candidates)]
        if not isinstance(self._decider, Scoring):
            return await self._decider.count(choice(SAMPLE, roster))
        plain = await self._decider.count([Said("user", "")])
        counts = [await self._decider.count([Said("user", "".join(pair))]) for pair in pairs(SAMPLE, roster)]
        return sum(counts) - plain * len(counts)

    async def _supervisor(self) -> int:
        steps = [_step(number) for number in range(8)]
        return await self._decider.count(prompts.judge(SAMPLE, steps, SAMPLE))

    async def _of_agent(self) -> int:
        hello = Said("user", "Hello")
        own = await self._llm.count([prompts.system(self._agent, datetime.now(UTC)), hello])
        tools = [tool for name in self._agent.tools if (tool := self._toolbox.named(name)) and not _is_personal(tool)]
        return own + (await self._decider.count(prompts.choose("Hello", tools)) if tools else 0)


def _is_personal(tool: Tool) -> bool:
    """Say whether only some have a tool: it's in nobody else's prompts."""
    return isinstance(tool, Personal)


def _seen(number: int, now: datetime) -> Seen:
    lines: list[Line] = []
    for at in range(8):
        text = f"{number} {at} {SAMPLE[at * 40 :]}"
        lines.append(("agent" if at % 2 else "user", text, now + timedelta(minutes=at)))
    task = Task(
        id=TaskId(str(number)),
        tenant=HOME,
        person=OWNER,
        number=number,
        origin=Address(bridge="http", chat="sizes"),
        title=SAMPLE[:60],
        goal=SAMPLE,
        agent="default",
        state="working",
        created_at=now,
        updated_at=now,
    )
    return Seen(task=task, lines=tuple(lines), asked=False)


def _step(number: int) -> Step:
    return Step(turn=TurnId("sizes"), number=number, kind="tool", name="search", request="{}", result=SAMPLE)
