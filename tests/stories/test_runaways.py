"""Two hundred agents that would never come to an end by themselves: each ends with a question, within its budget."""

import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import timedelta

import pytest

from hub.errors import LLMTimeout, ToolError
from hub.flow.errands import FlowErrands
from hub.flow.prompts import COMPLETE
from hub.manifests import Agent
from hub.ports import End, Piece, Said, Terms, ToolCall
from hub.records import HOME, OWNER, Address, Ask, Blocked, Limits
from hub.testing import FakeTool, ScriptedLLM
from tests.stories.day import Day

EACH = 20
WORDS = "rain train cloud tree stone bread music paper river window garden letter silver honey winter".split()  # noqa: SIM905
MARK = re.compile(r"runaway (\w+) (\d+)")
STEP = 200
"""Tokens that one step of a turn reads here, at most: so far may a budget be exceeded."""


class Runaway(ScriptedLLM):
    """An LLM that's talked into all that's bad, by the goal it reads."""

    def __init__(self) -> None:
        super().__init__(self._answer, decisions=self._decide, fills=self._fill)
        self._random = random.Random(7)
        self._turns: Counter[str] = Counter()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End, None]:
        if _kind(prompt) == "endless":
            while True:
                yield Piece(text=f"{self._random.choice(WORDS)} " * 50)
        async for piece in super().chat(prompt, ask, limit=limit, temperature=temperature):
            yield piece

    def _answer(self, prompt: Sequence[Said]) -> str | type[Exception]:
        kind = _kind(prompt)
        babble = " ".join(self._random.choices(WORDS, k=self._random.randint(8, 60)))
        match kind:
            case "silent":
                return ""
            case "late":
                return LLMTimeout
            case "parrot":
                return "I'm done with all of it, and everything is fine now."
            case "promise":
                return f"I'll do it right away, {babble}."
            case "unknown":
                return f'{{"tool": "{self._random.choice(WORDS)}", "arguments": {{"{babble[:20]}": 1}}}} {babble}'
            case _:
                return f"{babble}."

    def _decide(self, prompt: Sequence[Said], options: Sequence[str]) -> str:
        if tuple(options) == COMPLETE:
            return "no"
        kind = _kind(prompt)
        self._turns[kind] += 1
        wanted = {
            "repeat": "look",
            "failing": "break",
            "swing": ("look", "list")[self._turns[kind] % 2],
            "split": "split",
            "busy": "count",
            "unknown": self._random.choice(options),
        }.get(kind, "none")
        return wanted if wanted in options else "none"

    def _fill(self, prompt: Sequence[Said], schema: Mapping[str, object]) -> Mapping[str, object]:
        return {"odd": "words"} if _kind(prompt) == "unknown" else {}


def _kind(prompt: Sequence[Said]) -> str:
    found = MARK.search("\n".join(said.text for said in prompt))
    return found[1] if found else ""


KINDS = ("endless", "repeat", "swing", "split", "unknown", "parrot", "promise", "late", "failing", "busy")


def refuse(call: ToolCall) -> str:
    raise ToolError(f"It's broken ({call.key}).")


class Splitting(FakeTool):
    """Plans one task after another of what it's called for."""

    def __init__(self, errands: FlowErrands) -> None:
        super().__init__("split", effect="keyed")
        self._errands = errands

    async def call(self, call: ToolCall) -> str:
        return await self._errands.plan(call, "in 2m", f"runaway split {len(call.key)}")


def tools(errands: FlowErrands) -> list[FakeTool]:
    counted = Counter[str]()

    def count(call: ToolCall) -> str:
        counted["all"] += 1
        return f"That's the number {counted['all']}."

    by_name: Mapping[str, Callable[[ToolCall], str] | str] = {
        "look": "Nothing there.",
        "list": "a, b",
        "break": refuse,
        "count": count,
    }
    return [*(FakeTool(name, result=result) for name, result in by_name.items()), Splitting(errands)]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_runaway_ends_with_a_question_within_its_budget(kind: str) -> None:
    """Twenty of each of ten kinds; what they plan besides ends, too."""
    errands, lot = FlowErrands(), random.Random(kind)
    agents = {"default": _agent()}
    llm = Runaway()
    async with Day(llm, tools=tools(errands), errands=errands, agents=agents) as day:
        founded = []
        for n in range(EACH):
            limits = Limits(turns=lot.randint(2, 20), tokens=lot.randint(400, 20_000))
            task, _ = await day.hub.tasks.assign(
                tenant=HOME,
                person=OWNER,
                address=Address(bridge="http", chat=f"owner/{n}"),
                text=f"Go for runaway {kind} {n}",
                external_id=f"{kind}:{n}",
                limits=limits,
            )
            founded.append(task)
            await day.quiet()
        await _until_all_rest(day)

        for each in founded:
            task = await day.task(each.number)
            assert task.state == "input-required", (kind, task.verdict)
            assert isinstance(task.verdict, Ask | Blocked)
            assert task.used.turns <= task.limits.turns
            assert task.used.tokens <= task.limits.tokens + STEP, task.used
            said = await day.store.messages_of_task(task.id, limit=50)
            assert said[-1].role != "user", "it never ends in silence"
        assert not llm.cancelled


async def _until_all_rest(day: Day) -> None:
    for _ in range(4_000):
        due = await day.store.next_due()
        if due is None:
            return
        await day.clock.advance(max(0.0, (due - day.clock.now() + timedelta(milliseconds=1)).total_seconds()))
        await day.hub.scheduler.tick()
        await day.quiet()
    raise AssertionError("something still falls due")


def _agent() -> Agent:
    names = ("look", "list", "break", "count", "split")
    return Agent(name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=names)
