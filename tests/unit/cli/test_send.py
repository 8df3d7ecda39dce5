"""`agenthost send`: kept once, answered, and told plainly when not."""

import json

import pytest
from click.testing import CliRunner, Result

from hub.__main__ import load
from tests.unit.cli.conftest import Running


def run(hub: Running, *args: str, input: str = "") -> Result:
    return CliRunner().invoke(load("send"), args, env=hub.environ, input=input)


def test_the_answer_is_shown_under_its_task(hub: Running) -> None:
    result = run(hub, "hello", "--wait", "5")

    assert result.exit_code == 0
    assert result.stdout == "#1 hello\nYou said: **hello**\n"


def test_without_wait_it_is_enough_that_the_message_is_kept(hub: Running) -> None:
    result = run(hub, "hello")

    assert result.exit_code == 0
    assert result.stdout.startswith("Accepted: ")


def test_the_whole_resource_is_shown_as_json(hub: Running) -> None:
    said = json.loads(run(hub, "hello", "--wait", "5", "--json").stdout)

    assert said["state"] == "answered"
    assert said["replies"][0]["text"] == "You said: **hello**"
    assert "route" in said


@pytest.mark.parametrize("args", [["--wait", "hello"], ["-", "--wait"], ["--wait"]])
def test_the_text_may_stand_behind_wait_or_come_from_standard_input(hub: Running, args: list[str]) -> None:
    result = run(hub, *args, input="hello")

    assert "You said" in result.stdout


def test_a_message_without_an_answer_in_time_exits_with_3(slow_hub: Running) -> None:
    result = run(slow_hub, "hello", "--wait", "0.2")

    assert result.exit_code == 3
    assert "Not answered yet" in result.stderr


def test_a_question_is_shown_with_its_choices_and_exits_with_3(asking_hub: Running) -> None:
    run(asking_hub, "hello", "--wait", "5")
    result = run(asking_hub, "and this?", "--wait", "5")

    assert result.exit_code == 3
    assert "1. hello\n  2. A new task" in result.stdout


def test_a_task_is_named_by_its_number(hub: Running) -> None:
    run(hub, "first", "--wait", "5")
    said = json.loads(run(hub, "second", "--task", "#1", "--wait", "5", "--json").stdout)

    assert said["task"]["number"] == 1


def test_nothing_to_send_is_an_error_in_words(hub: Running) -> None:
    result = run(hub, " ")

    assert result.exit_code == 2
    assert "nothing to send" in result.stderr


def test_without_a_hub_the_way_out_is_told(hub: Running) -> None:
    hub.stop()
    result = run(hub, "hello")
    hub.start()

    assert result.exit_code == 1
    assert "agenthost run" in result.stderr


def test_a_wrong_key_is_told_with_where_it_came_from_and_not_shown(hub: Running) -> None:
    result = CliRunner().invoke(load("send"), ["hello"], env={**hub.environ, "AGENTHOST_KEY": "ah_wrong"})

    assert result.exit_code == 1
    assert "AGENTHOST_KEY" in result.stderr
    assert "ah_wrong" not in result.stderr


def test_an_answer_cannot_steer_the_terminal(hub: Running) -> None:
    result = run(hub, "\x1b]0;owned\x07", "--wait", "5")

    assert "\x1b" not in result.stdout
