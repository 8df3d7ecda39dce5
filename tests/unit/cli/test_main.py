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


def test_a_hub_that_starts_loads_nothing_that_its_first_answer_does_without() -> None:
    """Else a hub that's woken would take half as long again until it takes messages."""
    late = (
        *("alembic", "dateparser", "httpx", "jsonschema", "jwt", "markdown_it", "psycopg", "pydantic", "rich.text"),
        *("segno", "structlog", "sqlalchemy.dialects.postgresql", "hub.store.postgres", "hub.times.reading"),
    )
    code = (
        f"import sys, hub.__main__, hub.cli.run, hub.serving; print([name for name in {late} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout == "[]\n"


def test_a_hubs_web_is_built_without_pydantic() -> None:
    """Litestar loads it by itself; ours doesn't."""
    code = "import sys; from hub.web.lean import Web; Web([]); print('litestar.plugins.pydantic' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout == "False\n"
