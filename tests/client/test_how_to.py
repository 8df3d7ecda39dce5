"""The examples of docs/how-to/use-the-api.md run against a hub, and print what the page says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.config import LimitsConfig
from tests.house.tree import ROOT
from tests.programs import program
from tests.unit.cli.conftest import Running, echo

PAGE = ROOT / "docs" / "how-to" / "use-the-api.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MADE = re.compile(r"[0-9a-f]{28}")


def examples(language: str) -> list[tuple[str, str]]:
    """The blocks of a language that can be run, each with what's printed after it."""
    found = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    pairs = zip(found, [*found[1:], ("", "")], strict=True)
    return [
        (block, after if kind == "text" else "")
        for (own, block), (kind, after) in pairs
        if own == language and not block.startswith(("agenthost ", "export ", "// in a page"))
    ]


def fits(told: str, printed: str) -> bool:
    """Say whether it's what was told: […] stands for anything, and ids are others each time."""
    pattern = re.escape("".join(told.split())).replace(re.escape("[…]"), ".*?")
    return re.match(MADE.sub("[0-9a-f]{28}", pattern), "".join(printed.split()), re.DOTALL) is not None


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    running = Running(echo, LimitsConfig())
    yield running
    running.close()


def run(served: Running, *command: str, package: str) -> str:
    program(command[0], package)
    environ = {**os.environ, **served.environ, "PYTHONPATH": str(ROOT / "client")}
    done = subprocess.run(command, check=False, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("block", "told"), examples("sh"))
def test_the_examples_in_curl_print_what_the_page_says(served: Running, block: str, told: str) -> None:
    program("curl", "curl")
    printed = run(served, "sh", "-ec", block, package="dash")

    assert fits(told, printed), printed


@pytest.mark.parametrize(("block", "told"), examples("python"))
def test_the_examples_in_python_print_what_the_page_says(served: Running, block: str, told: str) -> None:
    printed = run(served, sys.executable, "-c", block, package="python3")

    assert told
    assert fits(told, printed), printed


@pytest.mark.parametrize(("block", "told"), examples("javascript"))
def test_the_examples_in_javascript_print_what_the_page_says(
    served: Running, block: str, told: str, tmp_path: Path
) -> None:
    program = tmp_path / "example.mjs"
    program.write_text(block, encoding="utf-8")

    printed = run(served, "node", str(program), package="nodejs")

    assert told
    assert fits(told, printed), printed


def test_there_are_examples_in_each_language() -> None:
    assert [len(examples(language)) >= least for language, least in (("sh", 5), ("python", 4), ("javascript", 3))] == [
        True
    ] * 3


def test_an_output_that_differs_is_seen() -> None:
    assert fits("12 * 12 = 144", "12*12 = 144\n")
    assert fits('{"id":"01a202f41e2d53857d168be94633",[…]}', '{"id": "0b" }') is False
    assert not fits("12 * 12 = 144", "12 * 12 = 145")


def test_the_client_imports_nothing_of_the_hub() -> None:
    """It's a package of its own: httpx and msgspec are all that it asks for."""
    program = "import sys, agenthost_client; print(sorted({name.split('.')[0] for name in sys.modules}))"
    environ = {"PYTHONPATH": str(ROOT / "client"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd="/", capture_output=True, text=True, check=True, timeout=60
    )

    loaded = set(eval(done.stdout))
    assert {"agenthost_client", "httpx", "msgspec"} <= loaded
    assert not loaded & {"hub", "bridges", "litestar", "sqlalchemy", "pydantic", "websockets"}
