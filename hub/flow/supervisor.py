"""Done, again, or ask? Judged after each turn from the goal and the evidence, never from the agent's claim alone.

What a rule can tell costs no model call: a question that's answered, a budget that's used up, an agent that repeats
itself. Only an assignment whose turn ended well is put to the judge, and a judge that fails counts as a spent turn.
"""

import logging
import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from hub.errors import LLMError
from hub.flow import lanes, prompts
from hub.flow.judging import Receipt, Spoken, judge
from hub.ports import LLM, Priority, Terms
from hub.records import Again, Ask, Choice, Done, Step, Task, Turn, Usage, Verdict

log = logging.getLogger(__name__)

COMPLETE = 0.7
"""Below it a task isn't called complete: ending too early is the costly error."""
PERSON = 0.6
SAME = 0.95
"""Two answers as alike as that are one answer given twice."""
PAUSE = 5.0
LONGEST_PAUSE = 600.0
QUESTION = 300

MORE = Choice(id="more", text="Go on")
FINISH = Choice(id="finish", text="Leave it at that")


class Likely(Struct, frozen=True, kw_only=True):
    """How likely a goal is reached, and how likely only the person can say how it goes on."""

    complete: float
    person: float
    tokens: int = 0
    """Evaluated by a model for it."""


class Supervisor:
    """Judges each turn."""

    def __init__(self, judge: LLM) -> None:
        self._judge = judge

    async def judge(self, task: Task, turn: Turn, steps: Sequence[Step], before: Turn | None) -> Verdict:
        """Return the verdict on a turn that ended with an answer; `before` is the turn before it, if any.

        `task.used` already counts the turn. Never raises an LLMError.
        """
        if task.kind == "conversation":
            return _conversation(turn)
        if spent := _spent(task):
            return Ask(
                question=f"I've used up {spent} for this task. Shall I go on?", choices=(MORE, FINISH), why=spent
            )
        if turn.error:
            return Again(after=_pause(task.used), why=f"the last turn failed: {turn.error}")
        if before is not None and _same(before.answer, turn.answer):
            return Ask(
                question="I'm going in circles: my last two turns came to the same. Shall I go on?",
                choices=(MORE, FINISH),
                why="two turns in a row came to the same answer",
            )
        return await self._weigh(task, turn, steps)

    async def _weigh(self, task: Task, turn: Turn, steps: Sequence[Step]) -> Verdict:
        if question := _last_question(turn.answer):
            return Ask(question=question, why="the answer ends with a question")
        try:
            found = await self._found(task, turn, [step for step in steps if step.kind == "tool"])
        except LLMError as error:
            log.warning("task %s: the judge failed: %s", task.id, error)
            return Again(after=_pause(task.used), why=f"the supervisor couldn't judge: {error}")
        if found.complete >= COMPLETE:
            return Done(summary=turn.answer[:QUESTION], why=f"complete with probability {found.complete:.2f}")
        if found.person >= PERSON:
            return Ask(question=turn.answer[-QUESTION:], why=f"needs the person with probability {found.person:.2f}")
        return Again(
            after=_pause(task.used),
            why=f"not finished yet (complete with probability {found.complete:.2f}): do what's still missing",
        )

    async def _found(self, task: Task, turn: Turn, calls: Sequence[Step]) -> Likely:
        receipts = [Receipt(tool=step.name, failed=step.failed, after=1) for step in calls]
        said: list[Spoken] = [("user", task.goal), ("agent", turn.answer)]
        chat = lanes.chat(task.tenant, task.origin)
        terms = Terms(tenant=task.tenant, chat=chat, priority=Priority.BACKGROUND)
        return await self.likely(task.goal, said, receipts, calls, terms)

    async def likely(
        self, goal: str, transcript: Sequence[Spoken], receipts: Sequence[Receipt], calls: Sequence[Step], terms: Terms
    ) -> Likely:
        """Return how likely a goal is reached, and how likely only the person can say how it goes on.

        What was said and done is looked at first: a reported result with a tool's receipt behind it is complete, a
        promise or a failure isn't, whatever a model thinks of it. Only in between is the LLM asked. Raises LLMError.
        """
        judged = judge(goal, transcript, receipts)
        if judged.probability >= COMPLETE or judged.evidence.keys() & {"promise", "failure"}:
            return Likely(complete=judged.probability, person=0.0)
        claim = next((text for role, text in reversed(transcript) if role == "agent"), "")
        decision = await self._judge.decide(prompts.judge(goal, calls, claim), prompts.COMPLETE, terms)
        complete, _, person = decision.probabilities
        return Likely(complete=complete, person=person, tokens=decision.tokens)


def _conversation(turn: Turn) -> Verdict:
    if question := _last_question(turn.answer):
        return Ask(question=question, why="the answer ends with a question")
    return Done(summary=turn.answer[:QUESTION], why="the message is answered")


def _last_question(answer: str) -> str:
    """Return the question that an answer ends with, or nothing."""
    last = re.split(r"(?<=[.!?])\s+|\n+", answer.strip())[-1]
    return last[-QUESTION:] if last.rstrip(" *_\"')").endswith("?") else ""


def _spent(task: Task) -> str:
    used, limits = task.used, task.limits
    if used.turns >= limits.turns:
        return f"{limits.turns} turns"
    if used.tokens >= limits.tokens:
        return f"{limits.tokens:,} tokens"
    if used.minutes >= limits.minutes:
        return f"{limits.minutes:g} minutes"
    if limits.money and used.money >= limits.money:
        return f"a budget of {limits.money:g}"
    return ""


def _same(one: str, other: str) -> bool:
    return SequenceMatcher(None, one[:2000], other[:2000], autojunk=False).ratio() >= SAME


def _pause(used: Usage) -> float:
    doubled: float = PAUSE * 2 ** min(used.turns, 8)
    return min(doubled, LONGEST_PAUSE)
