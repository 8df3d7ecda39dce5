"""What evidence settles by itself."""

from collections.abc import Sequence

import pytest

from hub.flow.judging import Receipt, Spoken
from hub.flow.proof import Proof, lacking, proof, unproven

BOOKED = Receipt(tool="book", failed=False, after=1)
REFUSED = Receipt(tool="book", failed=True, after=1)


def order(goal: str, answer: str) -> list[Spoken]:
    return [("user", goal), ("agent", answer)]


def settled(said: list[Spoken], receipts: Sequence[Receipt]) -> Proof:
    found = proof(said, receipts)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("goal", "answer"),
    [
        ("Book a table for two", "I'll book the table and let you know."),
        ("Please send Ann the file", "Right away, working on it!"),
        ("Kannst du einen Tisch reservieren?", "One moment, I'm going to reserve it."),
        ("Write a poem", "I'll write it now."),
    ],
)
def test_a_promise_without_a_result_proves_that_nothing_is_done(goal: str, answer: str) -> None:
    found = proof(order(goal, answer), ())

    assert found is not None
    assert not found.complete
    assert "promised" in found.why


def test_a_promise_beside_a_result_is_no_empty_promise() -> None:
    assert unproven(order("Book a table", "I'll send you the confirmation shortly."), [BOOKED]) == ""


def test_a_poem_that_promises_something_is_still_a_poem() -> None:
    poem = "I'll be there when the rain comes down, " + "and sing of drops on roofs in town, " * 5

    found = proof(order("Write a poem about rain", poem), ())

    assert found is not None
    assert found.complete


def test_what_did_not_work_is_no_result_whatever_goodbyes_follow() -> None:
    said = order("Book a table for two", "Sorry, I couldn't book the table. How about 8 pm?")
    goodbyes: list[Spoken] = [("user", "Thanks, that's all."), ("agent", "You're welcome. Have a great day!")]

    assert "didn't work" in unproven([*said, *goodbyes], ())
    assert unproven(said, [BOOKED]) == ""


def test_a_claim_without_a_receipt_is_no_result() -> None:
    claim = order("Book a table for two", "Your table is booked.")

    assert "no tool did it" in unproven(claim, ())
    assert unproven(claim, [REFUSED]) != ""
    assert unproven(claim, [BOOKED]) == ""
    assert unproven(claim, None) == "", "where nobody kept the calls, their absence says nothing"


def test_of_an_order_given_once_a_receipt_decides() -> None:
    said = order("Find a train to Bonn", "The 10:05.")

    assert settled(said, [BOOKED]).complete
    assert "book tool failed" in settled(said, [REFUSED]).why
    assert "no tool did anything" in settled(said, ()).why


def test_words_that_were_asked_for_are_the_result() -> None:
    assert settled(order("What's the capital of Germany?", "Berlin."), ()).complete


@pytest.mark.parametrize("answer", ["Sorry, I couldn't do that.", "Which one do you mean?", " "])
def test_a_failure_a_question_or_silence_proves_no_result(answer: str) -> None:
    found = proof(order("What's the capital of Germany?", answer), [BOOKED])

    assert found is None or not found.complete


def test_a_conversation_has_to_be_weighed() -> None:
    said = [*order("A table for two", "At what time?"), *order("Seven", "Efes has one at 7 pm.")]

    assert proof(said, [BOOKED]) is None


def lacks(goal: str, answer: str, *receipts: Receipt, **how: bool) -> str:
    settings = {"changed": False, "planned": False, "able": True, **how}
    return lacking([("user", goal), ("agent", answer)], receipts, **settings)


@pytest.mark.parametrize(
    "goal",
    [
        "Book a table for dinner.",
        "Send the report to my boss by e-mail.",
        "Fetch the prices and write them into gold.txt",
        "Delete the old ones.",
        "Please remind me at nine",
    ],
)
def test_what_is_to_leave_something_changed_lacks_a_receipt_of_that_whoever_judges(goal: str) -> None:
    looked = Receipt(tool="read_file", failed=False, after=1, effect="none")
    tried = Receipt(tool="send", failed=True, after=1, effect="once")
    did = Receipt(tool="send", failed=False, after=1, effect="once")

    assert "nothing was changed" in lacks(goal, "It's all done.")
    assert "nothing was changed" in lacks(goal, "It's all done.", looked, tried)
    assert lacks(goal, "It's all done.", did) == ""
    assert lacks(goal, "It's all done.", changed=True) == ""


def test_a_reminder_at_its_time_has_only_to_be_said() -> None:
    assert lacks("Remind me to call Ann", "Call Ann now!", planned=True) == ""


def test_who_cannot_judge_takes_words_only_where_words_were_wanted() -> None:
    assert lacks("Write a poem about rain", "Drip drop.", able=False) == ""
    assert lacks("What's the capital of France?", "Paris.", able=False) == ""
    assert "nothing shows" in lacks("The heating in the cellar", "It's warm.", able=False)
    assert "didn't work" in lacks("What's the capital of France?", "Sorry, I couldn't find it.", able=False)
    assert lacks("The heating in the cellar", "It's warm.", able=True) == ""
