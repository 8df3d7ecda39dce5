"""What counts as going round in circles, and what doesn't."""

from collections.abc import Sequence
from typing import Any

from hub.flow import looping
from hub.records import Again, Ask, Done, Schedule, Step, Turn, Wait
from hub.testing import NOON, a_step, a_task, a_turn

TASK = a_task(kind="assignment")
AGAIN = Again(after=5, why="not finished yet")


def a_call(name: str = "look", request: str = "{}", result: str = "Looked.", **fields: Any) -> Step:
    return a_step(fields.pop("turn", TURN), kind="tool", name=name, request=request, result=result, **fields)


TURN = a_turn(TASK, number=9, answer="Something new, and quite another thing.")


def seen(calls: Sequence[Step] = (), earlier: Sequence[Step] = (), before: Sequence[Turn] = (), **fields: Any) -> str:
    turn = a_turn(TASK, number=9, answer=fields.pop("answer", "Something new, and quite another thing."), **fields)
    return looping.seen(TASK, turn, before, earlier, calls)


def test_the_same_call_with_the_same_result_three_times_is_a_loop() -> None:
    assert seen([a_call()], [a_call()]) == ""
    assert "look 3 times with the same arguments, and each time it gave me the same" in seen(
        [a_call()], [a_call(), a_call()]
    )


def test_a_call_that_fails_three_times_is_a_loop_whatever_it_regrets() -> None:
    calls = [a_call(result=f"Sorry ({n})", failed=True) for n in range(3)]

    assert "each time it failed" in seen(calls)


def test_other_arguments_or_other_results_are_no_loop() -> None:
    assert seen([a_call(request=f'{{"page":{n}}}') for n in range(6)]) == ""
    assert seen([a_call(result=f"It's {n} o'clock.") for n in range(6)]) == ""


def test_two_tools_by_turns_are_a_loop_if_they_are_asked_or_say_the_same() -> None:
    asked = [a_call(name, result=f"{n}") for n in range(3) for name in ("look", "list")]
    said = [a_call(name, request=f'{{"n":{n}}}') for n in range(3) for name in ("look", "list")]
    work = [a_call(name, f'{{"n":{n}}}', f"{n}") for n in range(3) for name in ("read", "write")]

    assert "look and list by turns" in seen(asked)
    assert "look and list by turns" in seen(said)
    assert seen(work) == "", "read one, write one, read the next: that's how work looks"
    assert seen(asked[:5]) == ""


def test_an_answer_that_comes_again_is_a_loop_but_not_of_what_waits_or_comes_again_by_schedule() -> None:
    again = a_turn(TASK, answer="I looked, and the place is closed today.", verdict=AGAIN)
    waited = a_turn(TASK, answer="I looked, and the place is closed today.", verdict=Wait(until=NOON, why="until noon"))
    done = a_turn(TASK, answer="I looked, and the place is closed today.", verdict=Done(summary="x"))

    assert "the same answer" in seen(before=[again], answer="I looked, and the place is closed today!")
    assert seen(before=[waited], answer="I looked, and the place is closed today!") == ""
    daily = a_task(kind="assignment", schedule=Schedule(every=60))
    turn = a_turn(daily, answer="I looked, and the place is closed today.")
    assert looping.seen(daily, turn, [done], [], []) == ""


def test_five_turns_without_anything_new_are_a_loop_and_one_new_result_is_none() -> None:
    answers = ["Hmm.", "Let me think about it.", "That's quite difficult, isn't it.", "I wonder what's best here."]
    before = [a_turn(TASK, number=8 - n, answer=text, verdict=AGAIN) for n, text in enumerate(answers)]

    assert "nothing new has come of my last 5 turns" in seen(before=before)
    assert seen(before=before[:3]) == ""
    assert seen([a_call()], before=before) == ""
    assert seen(earlier=[a_call(turn=before[2])], before=before) == ""


def test_what_the_person_decided_about_is_forgotten() -> None:
    asked = a_turn(TASK, answer="Something else.", verdict=Ask(question="Shall I go on?"))
    again = a_turn(TASK, answer="And one more.", verdict=AGAIN)

    assert looping.window([again, asked, again]) == (again,)
