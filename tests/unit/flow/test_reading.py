"""What the reader is given of a message and of each task."""

from datetime import UTC, datetime, timedelta

from hub.flow import reading
from hub.flow.evidence import Line, Seen
from hub.testing import a_task

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def seen(*said: str, minutes: float = 1.0) -> Seen:
    """A task whose person and agent spoke by turns, and last so many minutes ago."""
    last = NOW - timedelta(minutes=minutes)
    lines: list[Line] = [("agent" if at % 2 else "user", text, last) for at, text in enumerate(said)]
    return Seen(task=a_task(goal=said[0]), lines=tuple(lines), asked=False)


def test_of_a_task_it_gets_the_goal_the_last_words_of_both_and_words_from_before() -> None:
    talk = seen("Find me a hotel", "Where to?", "Oslo, near the harbour", "For how many nights?", "two", "Booked!")

    (block,) = reading.blocks([talk], NOW)

    head, goal, earlier, asked, said = block.split(" | ")
    assert (head, goal, asked, said) == ("first now", "Find me a hotel", "two", "Booked!")
    assert "harbour" in earlier


def test_a_goal_that_is_also_the_last_thing_asked_is_given_once() -> None:
    (block,) = reading.blocks([seen("Find me a hotel")], NOW)

    assert block.count("hotel") == 1


def test_the_order_of_the_roster_changes_no_block() -> None:
    one, other = seen("Find me a hotel", minutes=100), seen("Play some jazz", minutes=3)

    blocks = reading.blocks([one, other], NOW)

    assert blocks == reading.blocks([other, one], NOW)[::-1]
    assert [block.split(" | ")[0] for block in blocks] == ["second hour", "first minutes"]


def test_however_much_was_said_a_block_stays_short() -> None:
    endless = seen(*["unique" + " blah" * 50_000 + f" end{n}?" for n in range(8)])

    (block,) = reading.blocks([endless], NOW)

    assert len(block) < 500
    assert "end7?" in block
    assert len(reading.question("blah " * 50_000)) <= reading.MESSAGE_CHARS
