"""What a chat looks like."""

from io import StringIO

from prompt_toolkit.formatted_text import fragment_list_to_text, to_formatted_text
from rich.console import Console

from hub.cli.screen import live, render
from hub.cli.talk import Answer, Failure, Notice, Shown, Talk, Writing, You
from hub.cli.wire import Option, TaskTag

TASK = TaskTag(id="t1", number=3, title="Trip to Rome", state="working")


def drawn(shown: Shown) -> str:
    out = StringIO()
    Console(file=out, width=60).print(render(shown))
    return out.getvalue()


def over(talk: Talk, height: int = 30) -> list[str]:
    return fragment_list_to_text(to_formatted_text(live(talk, 40, height, 0))).splitlines()


def test_an_answer_stands_under_its_task_and_its_markdown_is_drawn() -> None:
    text = drawn(Answer(TASK, "# Plan\n\n- **pack**\n- [go](http://rome.example)\n"))

    assert "#3 Trip to Rome" in text
    assert "**" not in text
    assert "http://rome.example" in text


def test_a_new_line_stays_one() -> None:
    assert [line.strip() for line in drawn(Notice(None, "one\ntwo")).splitlines()] == ["one", "two"]


def test_choices_are_numbered_lines() -> None:
    text = drawn(Notice(None, "Which?", (Option(id="a", text="This"), Option(id="b", text="That"))))

    assert "1  This" in text
    assert "2  That" in text


def test_no_text_can_steer_the_terminal() -> None:
    for shown in (You("\x1b[2J"), Answer(TASK, "`\x1b[2J`"), Notice(None, "\x1b[2J"), Failure("\x1b[2J")):
        assert "\x1b" not in drawn(shown)


def test_answers_being_written_share_the_height_each_with_its_end() -> None:
    talk = Talk("main")
    talk.tasks["t1"] = TASK
    words = "\n".join(f"line {number}" for number in range(100))
    talk.writing = {"u1": Writing(task="t1", text=words), "u2": Writing(task="t1", text=words)}
    lines = over(talk, height=20)

    assert len(lines) == 2 + 2 * 5
    assert lines.count("  line 99" + " " * 31) + lines.count("  line 99") == 2


def test_what_waits_is_seen() -> None:
    talk = Talk("main")
    talk.waiting = {"m1": TASK}

    assert "waiting for its turn" in over(talk)[0]
