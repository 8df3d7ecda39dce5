"""Done, again, or ask? Judged after each turn from the goal and the evidence, never from the agent's claim alone.

What a rule can tell costs no model call: a question that's answered, a budget that's used up, an agent that repeats
itself. Only an assignment whose turn ended well is put to the judge, and a judge that fails counts as a spent turn.
"""

import itertools
import logging
import re
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hub.config import MODEL_SHA256
from hub.errors import LLMError
from hub.flow import budget, lanes, looping, prompts
from hub.flow.case import Case
from hub.flow.checking import evidence
from hub.flow.judging import COMPLETE, FURTHER_HELP, Receipt, Spoken, judge
from hub.flow.planning import unfinished
from hub.flow.proof import lacking, proof, unproven
from hub.flow.sound import sound
from hub.ports import LLM, Priority, Terms
from hub.records import Again, Ask, Blocked, Choice, Done, Step, Task, Turn, Usage, Verdict

log = logging.getLogger(__name__)

PERSON = 0.6
PROVEN, UNPROVEN = 0.9, 0.1
"""How likely what evidence settles is at least, or at most, called complete."""
FAILURES = 3
STUCK = 4
"""Turns in a row that may miss the same."""
UNFINISHED = "not finished yet"
PAUSE = 5.0
LONGEST_PAUSE = 600.0
QUESTION = 300

MORE = Choice(id="more", text="Go on")
FINISH = Choice(id="finish", text="Leave it at that")


class Likely(Struct, frozen=True, kw_only=True):
    """How likely a goal is reached, and how likely only the person can say how it goes on."""

    complete: float
    person: float = 0.0
    why: str = ""
    """Where the evidence settled it: the reason, for the agent."""
    tokens: int = 0
    """Evaluated by a model for it."""


class Supervisor:
    """Judges each turn."""

    def __init__(self, judge: LLM, criteria: Callable[[str], str] = lambda _: "") -> None:
        """`criteria` tells what an agent, by its name, wants its work checked for."""
        self._judge = judge
        self._criteria = criteria

    async def judge(self, task: Task, turn: Turn, case: Case) -> Verdict:
        """Return the verdict on a turn that ended with an answer. Never raises an LLMError.

        `task.used` already counts the turn.
        """
        case = replace(case, before=_of_this_run(task, turn, case.before))
        if task.kind == "conversation" or case.settled:
            return _conversation(turn, case)
        settled = _proven(task, turn, case) or _ended(task, turn, case) or _stuck(task, turn, case)
        return settled or self._shown(task, turn, case) or await self._weigh(task, turn, case)

    def _shown(self, task: Task, turn: Turn, case: Case) -> Verdict | None:
        """Return what needs no weighing: a question, what's certainly missing, or a tool's result as the answer."""
        if question := _last_question(turn.answer):
            return Ask(question=question, why="the answer ends with a question")
        # A file that was to be written is there: its check has passed.
        changed = bool(case.checks)
        planned = not any(other.messages for other in (turn, *case.before))
        certainly = lacking(case.said, case.receipts, changed=changed, planned=planned, able=self._able)
        if why := unproven(case.said, case.receipts) or unfinished(task) or certainly:
            return _again(task, case, why)
        whole = len(case.calls) == 1 and not case.calls[0].failed
        if whole and turn.answer.strip() == case.calls[0].result.strip():
            # The goal was plainly for this one tool, and its result is the answer: no model had a hand in it.
            return Done(summary=turn.answer[:QUESTION], why="a tool did it, and the answer is what it found")
        return None

    @property
    def _able(self) -> bool:
        """Whether the model's own opinion counts: that of the embedded one is chance."""
        return self._judge.info.sha256 != MODEL_SHA256

    async def _weigh(self, task: Task, turn: Turn, case: Case) -> Verdict:
        try:
            chat = lanes.chat(task.tenant, task.origin)
            terms = Terms(tenant=task.tenant, chat=chat, priority=Priority.BACKGROUND)
            criteria = self._criteria(task.agent)
            found = await self.likely(task.goal, case.said, case.receipts, case.calls, terms, criteria)
        except LLMError as error:
            log.warning("task %s: the judge failed: %s", task.id, error)
            return _after_failures(task, case.before, f"the supervisor couldn't judge: {error}")
        if found.complete >= COMPLETE and (missing := unfinished(task)):
            return _again(task, case, missing)
        if found.complete >= COMPLETE:
            return Done(summary=turn.answer[:QUESTION], why=found.why or f"complete ({found.complete:.2f})")
        if found.person >= PERSON:
            return Ask(question=turn.answer[-QUESTION:], why=f"needs the person with probability {found.person:.2f}")
        return _again(task, case, found.why or f"{UNFINISHED} ({found.complete:.2f}): do what's still missing")

    async def likely(
        self,
        goal: str,
        said: Sequence[Spoken],
        receipts: Sequence[Receipt] | None,
        calls: Sequence[Step],
        terms: Terms,
        criteria: str = "",
    ) -> Likely:
        """Return how likely a goal is reached. Raises LLMError.

        What evidence settles, no model is asked about. What it doesn't is weighed by what was said and done; only a
        model that isn't the embedded one is asked besides, for that one's own opinion is chance (measured: an area
        under the curve of 0.52 where the weighed evidence has 0.94).
        """
        shown = proof(said, receipts)
        judged = judge(goal, said, receipts)
        able = self._able
        if shown is not None and (shown.firm or not able):
            near = max(judged.probability, PROVEN) if shown.complete else min(judged.probability, UNPROVEN)
            return Likely(complete=near, why=shown.why)
        if judged.probability >= COMPLETE or not able:
            return Likely(complete=judged.probability)
        claim = next((text for role, text in reversed(said) if role == "agent"), "")
        asked = prompts.judge(goal, calls, claim, criteria)
        decision = sound(await self._judge.decide(asked, prompts.COMPLETE, terms), prompts.COMPLETE)
        complete, _, person = decision.probabilities
        return Likely(complete=complete, person=person, tokens=decision.tokens)


def reason_of(verdict: Verdict | None) -> str:
    """Return why a verdict is what it is, for a person."""
    match verdict:
        case None:
            return ""
        case Blocked(missing=missing):
            return missing
        case _:
            return verdict.why


def _of_this_run(task: Task, turn: Turn, before: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns of the same run of what comes again, newest first: each run may come to the same as the last."""
    if task.schedule is None:
        return tuple(before)
    run_at = task.run_at if task.run_at and task.run_at <= turn.started_at else None
    return tuple(
        itertools.takewhile(
            lambda other: not isinstance(other.verdict, Done) and not (run_at and other.started_at < run_at), before
        )
    )


def _conversation(turn: Turn, case: Case) -> Verdict:
    """A message is answered, and that's that; but one that was answered with a mere promise leaves its task open."""
    if question := _last_question(turn.answer):
        return Ask(question=question, why="the answer ends with a question")
    if why := unproven(case.said, case.receipts):
        return Ask(question="", why=why)
    return Done(summary=turn.answer[:QUESTION], why="the message is answered")


def _proven(task: Task, turn: Turn, case: Case) -> Verdict | None:
    """Return that it's done if all that was agreed on holds: whatever the agent says, even if it cost the last."""
    if not task.checks or not case.checks or any(step.failed for step in case.checks):
        return None
    shown = evidence(case.checks)
    return Done(summary=turn.answer[:QUESTION] or shown, why=f"checked: {shown}")


def _ended(task: Task, turn: Turn, case: Case) -> Verdict | None:
    """Return what ends it before anything is judged: costs, failures, what its person refused."""
    if spent := case.spent or budget.spent(task.limits, task.used):
        return _asked(task, case, f"I've used up {spent} for this task", spent)
    if turn.error:
        return _after_failures(task, case.before, f"the last turn failed: {turn.error}")
    if case.refused:
        # Another turn would only ask again: it's the person who has to say how it goes on without that call.
        return Blocked(missing=f"your leave to call {case.refused[-1]}")
    return None


def _stuck(task: Task, turn: Turn, case: Case) -> Verdict | None:
    """Return how it goes on where that's plain: it can't be checked, waits, circles, or lacks something."""
    failed = "; ".join(step.result for step in case.checks if step.failed and not step.unsure)
    if task.checks and case.checks and not failed:
        unable = "; ".join(step.result for step in case.checks if step.unsure)
        return Blocked(missing=f"it can't be checked whether it's done: {unable}")
    if case.wait is not None:
        return case.wait
    if seen := looping.seen(task, turn, case.before, case.earlier, case.calls):
        missing = next((turn.verdict.why for turn in case.before[:1] if isinstance(turn.verdict, Again)), "")
        # What stands behind the colon is for the agent.
        lacks = f". Still missing: {missing.partition(':')[0]}" if missing and not failed else ""
        return _asked(task, case, f"I'm going in circles: {seen}{lacks}", seen)
    return _lacking(task, turn, case, failed) if failed else None


def _lacking(task: Task, turn: Turn, case: Case, why: str) -> Verdict:
    """Have another turn taken for what a check found missing, unless the agent can't know without the person."""
    question = _last_question(turn.answer)
    if question and not FURTHER_HELP.search(question):
        return Ask(question=question, why=f"the answer ends with a question, and {why}")
    return _again(task, case, why)


def _asked(task: Task, case: Case, told: str, why: str) -> Ask:
    """Ask whether to go on, with what's done and what's left."""
    stands = budget.standing(task, case.last_checks, (*case.earlier, *case.calls), case.files)
    question = "\n".join(filter(None, (f"{told}.", stands, "Shall I go on?")))
    return Ask(question=question, choices=(MORE, FINISH), why=why)


def _after_failures(task: Task, before: Sequence[Turn], why: str) -> Verdict:
    """Try again a few times: a turn that failed, or that couldn't be judged, never means "go on" for ever."""
    failed = 1 + sum(1 for _ in itertools.takewhile(_failed, before))
    if failed >= FAILURES:
        return Blocked(missing=f"{failed} turns in a row came to nothing; {why}")
    return Again(after=_pause(task.used), why=why, failed=True)


def _failed(turn: Turn) -> bool:
    return turn.state == "failed" or (isinstance(turn.verdict, Again) and turn.verdict.failed)


def _again(task: Task, case: Case, why: str) -> Verdict:
    """Have another turn taken; if the same is still missing after some, the person is asked."""
    reasons = (turn.verdict.why for turn in looping.window(case.before) if isinstance(turn.verdict, Again))
    stuck = 1 + sum(1 for _ in itertools.takewhile(lambda other: _kind(other) == _kind(why), reasons))
    if stuck >= STUCK:
        return _asked(task, case, f"I don't get further with this: {why}", why)
    return Again(after=_pause(task.used), why=why)


def _kind(why: str) -> str:
    return UNFINISHED if why.startswith(UNFINISHED) else why


def _last_question(answer: str) -> str:
    """Return the question that an answer ends with, or nothing."""
    last = re.split(r"(?<=[.!?])\s+|\n+", answer.strip())[-1]
    return last[-QUESTION:] if last.rstrip(" *_\"')").endswith("?") else ""


def _pause(used: Usage) -> float:
    doubled: float = PAUSE * 2 ** min(used.turns, 8)
    return min(doubled, LONGEST_PAUSE)
