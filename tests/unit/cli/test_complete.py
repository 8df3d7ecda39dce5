"""What Tab offers."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from hub.cli.complete import COMMANDS, Commands
from hub.cli.wire import TaskTag
from hub.flow.commands import HELP

TASKS = [
    TaskTag(id="t12", number=12, title="Trip to Rome", state="working"),
    TaskTag(id="t3", number=3, title="Pay the bill", state="input-required"),
]


def offered(typed: str) -> list[str]:
    found = Commands(lambda: TASKS).get_completions(Document(typed), CompleteEvent())
    return [completion.text for completion in found]


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("/st", ["/stop", "/status", "/start"]),
        ("/task ", ["12", "3"]),
        ("/task 1", ["12"]),
        ("/stop #3", ["3"]),
        ("/resume rome", ["12"]),
        ("/move ", ["12", "3", "new"]),
        ("/whoami ", []),
        ("hello /st", []),
        ("hello", []),
    ],
)
def test_commands_are_offered_first_and_then_tasks(typed: str, texts: list[str]) -> None:
    assert offered(typed) == texts


def test_a_task_is_shown_with_its_title_and_state() -> None:
    (found,) = Commands(lambda: TASKS).get_completions(Document("/task 3"), CompleteEvent())

    assert (found.display_text, found.display_meta_text) == ("#3 Pay the bill", "input-required")


def test_every_command_of_the_hub_is_offered() -> None:
    assert set(COMMANDS) - {"/quit"} == {f"/{name}" for name in HELP}
