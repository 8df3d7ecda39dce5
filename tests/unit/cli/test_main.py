"""The command line as a whole."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from hub.__main__ import COMMANDS, load, main


def test_help_lists_every_command_with_its_line() -> None:
    shown = CliRunner().invoke(main, ["--help"]).stdout

    assert [name for name in COMMANDS if name not in shown] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_has_help(name: str) -> None:
    result = CliRunner().invoke(load(name), ["--help"])

    assert result.exit_code == 0
    assert load(name).name == name


def test_an_unknown_command_is_an_error_in_words() -> None:
    result = CliRunner().invoke(main, ["frobnicate"])

    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize("command", ["__main__", "cli.send", "cli.tasks", "cli.status"])
def test_a_client_loads_neither_the_hub_nor_the_line_editor(command: str) -> None:
    """Else every `agenthost send` would take as long as a start of the hub."""
    heavy = ("hub.app", "aiogram", "slixmpp", "litestar", "sqlalchemy", "prompt_toolkit", "llama_cpp", "pygments")
    code = f"import sys, hub.{command}; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert told.stdout == "[]\n"
