"""Transcripts that have grown too long."""

from hub.flow.digest import DIGEST, clipped, shorten
from hub.records import Text
from hub.testing import a_message, a_task


def test_the_older_half_becomes_a_digest_and_the_goal_stays() -> None:
    task = a_task(goal="Plan the party")
    history = [a_message(parts=(Text(f"point {number} " + "and so on " * 20),)) for number in range(6)]
    shorter, left = shorten(task, history)

    assert left == tuple(history[3:])
    assert shorter.goal == "Plan the party"
    assert shorter.digested == history[2].id
    assert shorter.digest.splitlines()[0].startswith("They: point 0 and so on")


def test_a_digest_never_outgrows_its_cap_and_keeps_the_newest() -> None:
    task = a_task()
    for round_ in range(40):
        history = [a_message(parts=(Text(f"round {round_} " + "word " * 30),)) for _ in range(4)]
        task, _ = shorten(task, history)
    assert len(task.digest) <= DIGEST
    assert "round 39" in task.digest
    assert "round 0 " not in task.digest


def test_two_messages_are_not_shortened() -> None:
    task, history = a_task(), [a_message(), a_message()]
    assert len(shorten(task, history[:1])[1]) == 1
    assert shorten(task, []) == (task, ())


def test_a_clipped_text_says_what_was_left_out() -> None:
    assert clipped("short", 100) == "short"
    text = clipped("a" * 500 + "b" * 500, 100)
    assert text.startswith("a" * 50)
    assert text.endswith("b" * 50)
    assert "900 characters left out" in text
