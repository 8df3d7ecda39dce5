"""Done, again, or ask? Evidence first, and everything that goes wrong has a budget."""

from typing import Any

import pytest

from hub.config import MODEL_SHA256
from hub.errors import LLMTimeout
from hub.flow.case import Case
from hub.flow.judging import Receipt
from hub.flow.supervisor import FAILURES, STUCK, Supervisor
from hub.records import Again, Ask, Blocked, Done, Limits, Task, Turn, Usage, Verdict
from hub.testing import ScriptedLLM, a_task, a_turn

YES, NO, PERSON = (0.9, 0.05, 0.05), (0.1, 0.85, 0.05), (0.1, 0.2, 0.7)
DONE, FAILED = Receipt(tool="book", failed=False, after=1), Receipt(tool="book", failed=True, after=1)


def embedded() -> ScriptedLLM:
    """A model that fails the test if it's asked for its opinion."""

    def never(*_: object) -> str:
        raise AssertionError("the embedded model's own opinion is chance")

    return ScriptedLLM(sha256=MODEL_SHA256, decisions=never)


async def judged(
    answer: str, *receipts: Receipt, llm: ScriptedLLM, goal: str = "Book a table for two", **more: Any
) -> Verdict:
    before = more.pop("before", ())
    task: Task = a_task(goal, kind="assignment", used=Usage(turns=1), **more)
    turn = a_turn(task, number=9, state="done", answer=answer)
    case = Case(said=(("user", goal), ("agent", answer)), receipts=receipts, before=before)
    return await Supervisor(llm).judge(task, turn, case)


def earlier(answer: str, verdict: Verdict | None = None, **fields: Any) -> Turn:
    return a_turn(a_task(), answer=answer, state=fields.pop("state", "done"), verdict=verdict, **fields)


async def test_a_receipt_makes_it_done_whatever_a_model_thinks() -> None:
    for llm in (embedded(), ScriptedLLM(decisions=[NO])):
        assert isinstance(await judged("Your table is booked.", DONE, llm=llm), Done)


async def test_a_promise_or_a_claim_without_a_receipt_is_never_done_whatever_a_model_thinks() -> None:
    for answer in ("I'll book it and let you know.", "Your table is booked!"):
        for receipts in ((), (FAILED,)):
            verdict = await judged(answer, *receipts, llm=ScriptedLLM(decisions=[YES]))
            assert isinstance(verdict, Again)
            assert verdict.why


async def test_the_embedded_model_is_not_asked_and_another_one_is() -> None:
    poem = {"goal": "Write a poem about rain"}

    assert isinstance(await judged("Drip drop, the rain.", llm=embedded(), **poem), Done)
    assert isinstance(await judged("Drip.", llm=ScriptedLLM(decisions=[NO]), **poem), Again)
    assert isinstance(await judged("Drip.", llm=ScriptedLLM(decisions=[PERSON]), **poem), Ask)


async def test_what_is_only_to_be_presumed_is_left_to_a_model_that_can_judge() -> None:
    find = {"goal": "Find a cheap bike"}

    assert isinstance(await judged("There's one for 280 euros.", llm=embedded(), **find), Again)
    assert isinstance(await judged("There's one for 280 euros.", llm=ScriptedLLM(decisions=[YES]), **find), Done)


@pytest.mark.parametrize("turns_ago", [1, 2, 3])
async def test_an_answer_that_comes_again_is_a_loop_also_when_others_stand_between(turns_ago: int) -> None:
    others = ["Something else entirely.", "Or quite another thing, with more words.", "And a third."]
    answers = [*others[: turns_ago - 1], "I looked, and the place is closed today."]
    before = tuple(earlier(answer, Again(after=5, why=answer)) for answer in answers)

    verdict = await judged("I looked, and the place is closed today!", llm=ScriptedLLM(decisions=[NO]), before=before)

    assert isinstance(verdict, Ask)
    assert "circles" in verdict.question


async def test_a_judge_that_fails_again_and_again_ends_in_words_for_the_person() -> None:
    before: tuple[Turn, ...] = ()
    for attempt in range(1, FAILURES + 1):
        answer = f"Thought {attempt}: {'x' * 9 * attempt}"
        verdict = await judged(
            answer, llm=ScriptedLLM(decisions=[LLMTimeout("too late")]), goal="Write a poem", before=before
        )
        before = (earlier(answer, verdict), *before)

    assert isinstance(verdict, Blocked)
    assert "too late" in verdict.missing
    assert all(isinstance(turn.verdict, Again) and turn.verdict.failed for turn in before[1:])


async def test_failures_with_a_good_turn_between_are_not_in_a_row() -> None:
    failed = Again(after=5, why="the supervisor couldn't judge: too late", failed=True)
    before = (earlier("a", failed), earlier("b", Again(after=5, why="not finished yet")), earlier("c", failed))

    verdict = await judged("Drip.", llm=ScriptedLLM(decisions=[LLMTimeout()]), goal="Write a poem", before=before)

    assert isinstance(verdict, Again)


async def test_a_judge_reads_what_an_agent_wants_its_work_checked_for() -> None:
    llm = ScriptedLLM(decisions=["no"])
    task = a_task("Write a poem", kind="assignment", agent="poet")
    turn = a_turn(task, state="done", answer="Drip.")
    case = Case(said=(("user", task.goal), ("agent", "Drip.")), receipts=())
    criteria = {"poet": "There must be rhymes."}

    await Supervisor(llm, lambda agent: criteria.get(agent, "")).judge(task, turn, case)

    [asked] = [asked for asked in llm.asked if asked.method == "decide"]
    assert "There must be rhymes." in asked.prompt[0].text


async def test_what_is_missing_time_and_again_is_put_to_the_person() -> None:
    before: tuple[Turn, ...] = ()
    for attempt in range(1, STUCK + 1):
        answer = f"I'll book it {'really ' * attempt}soon."
        verdict = await judged(answer, llm=embedded(), before=before)
        before = (earlier(f"{attempt} {'-' * 40 * attempt}", verdict), *before)

    assert [type(turn.verdict) for turn in reversed(before)] == [Again] * (STUCK - 1) + [Ask]
    assert isinstance(verdict, Ask)
    assert "promised" in verdict.question
    assert verdict.choices


async def test_a_used_up_budget_comes_before_everything_else() -> None:
    verdict = await judged("Your table is booked.", DONE, llm=embedded(), limits=Limits(turns=1))

    assert isinstance(verdict, Ask)
    assert "1 turn for" in verdict.question


async def test_a_message_answered_with_a_promise_leaves_its_task_open_and_one_answered_is_done() -> None:
    async def answered(text: str, *receipts: Receipt) -> Verdict:
        task = a_task("Book a table for two")
        case = Case(said=(("user", task.goal), ("agent", text)), receipts=receipts)
        return await Supervisor(embedded()).judge(task, a_turn(task, state="done", answer=text), case)

    promised = await answered("I'll book it for you.")
    assert isinstance(promised, Ask)
    assert promised.question == ""
    assert "promised" in promised.why
    assert isinstance(await answered("I'll book it for you.", DONE), Done)
    assert isinstance(await answered("Tables can be booked by phone."), Done)
