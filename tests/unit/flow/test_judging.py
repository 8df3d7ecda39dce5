"""Is a task really complete?"""

import math
from collections.abc import Sequence

import pytest

from hub.flow.judging import Receipt, Spoken, judge, signs

GOAL = "Book a table for two at Efes tonight"


def spoken(*texts: str) -> list[Spoken]:
    said: list[Spoken] = [("user", GOAL), ("agent", "For what time?"), ("user", "Seven, please.")]
    for at, text in enumerate(texts):
        said.append(("user" if at % 2 else "agent", text))
    return said


DONE = "Your table is booked for 7 pm. The reference number is 6LZYPIFZ."
GOODBYES = ("Thanks, that's all.", "You're welcome. Have a great day!")


def probability(*texts: str, receipts: Sequence[Receipt] | None = None) -> float:
    return judge(GOAL, spoken(*texts), receipts).probability


@pytest.mark.parametrize("goodbyes", [(), GOODBYES])
def test_a_reported_result_completes_a_task(goodbyes: tuple[str, ...]) -> None:
    booked = Receipt(tool="book", failed=False, after=4)

    assert probability(DONE, *goodbyes, receipts=[booked]) > 0.5


@pytest.mark.parametrize("goodbyes", [(), GOODBYES])
@pytest.mark.parametrize(
    "act",
    [
        "Okay, working on it.",
        "I'll book that and let you know.",
        "Consider it handled, give me a while.",
        "The booking was not successful.",
    ],
)
def test_a_promise_or_a_failure_completes_nothing_whatever_goodbyes_follow(act: str, goodbyes: tuple[str, ...]) -> None:
    assert probability(act, *goodbyes) < 0.5


@pytest.mark.parametrize("act", ["Do you prefer a table inside?", "Just to confirm, a table for two at Efes at 7 pm."])
def test_a_question_without_an_answer_completes_nothing(act: str) -> None:
    assert probability(act) < 0.5


def test_a_message_without_an_answer_completes_nothing() -> None:
    assert probability(DONE, "Can you also find me a taxi there?") < 0.5
    assert judge(GOAL, [("user", GOAL)], ()).probability < 0.5


def test_a_receipt_since_the_last_wish_speaks_for_completeness_and_an_old_one_less() -> None:
    def with_receipt(*, failed: bool = False, after: int) -> float:
        return probability(DONE, receipts=[Receipt(tool="book", failed=failed, after=after)])

    assert with_receipt(after=4) > with_receipt(after=1) > with_receipt(failed=True, after=4)


def test_where_calls_are_kept_and_none_is_there_a_report_is_believed_less() -> None:
    assert probability(DONE, receipts=()) < probability(DONE, receipts=None)


def test_an_empty_transcript_is_judged_by_the_goal_alone() -> None:
    assert judge(GOAL, (), ()).probability < 0.5


def test_goodbyes_are_set_aside_before_the_last_act_is_looked_at() -> None:
    assert signs(GOAL, spoken("Okay, working on it.", *GOODBYES), ())["promise"] == 1.0
    assert signs(GOAL, spoken(DONE, *GOODBYES), ())["report"] == 1.0


def test_the_evidence_adds_up_to_the_odds() -> None:
    judged = judge(GOAL, spoken(DONE), ())

    odds = math.log(judged.probability / (1 - judged.probability))
    assert odds == pytest.approx(sum(judged.evidence.values()), abs=0.02)
