"""What an agent's code shows, and how it's told what was wrong with it."""

import pytest

from hub.errors import ToolError
from hub.packages.code import MODULES, computing
from hub.packages.hosts import Supplies
from hub.packages.scripts import Scripts
from hub.store.documents import MemoryDocuments
from hub.testing import FakeEgress
from tests.unit.packages.outfit import Folders, a_call

FOLDERS = {"trips.csv": b"day,km\nMon,3\nTue,5\n"}


async def run(scripts: Scripts, code: str, supplies: Supplies | None = None) -> str:
    return await computing(scripts, MemoryDocuments(), supplies or Supplies())(a_call("run_python"), code)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("2**100", "1267650600228229401496703205376"),
        ("print('a')\nprint('b', end='')", "a\nb"),
        ("print('so:')\n[1, 'x', None]", 'so:\n[1,"x",null]'),
        ("'text as it is'", "text as it is"),
        ("complex(1, 2) * 2", "(2+4j)"),
        ("import math\nmath.comb(52, 5)", "2598960"),
        ("import time\ntime.sleep(60)\n'at once'", "at once"),
    ],
)
async def test_what_it_printed_and_its_value_are_shown(code: str, shown: str, scripts: Scripts) -> None:
    assert await run(scripts, code) == shown


@pytest.mark.parametrize(
    "code",
    [
        'rows = [{"a": 1, "b": "x"}]\nsum(r["a"] for r in rows)',
        'd = {"x": 1}\nd.get("x") + 0',
        "matrix = [[0] * 3]\nmatrix[0][0] = 1.0\nint(matrix[0][0])",
        'import re\nint(re.search("1", "1").group(0))',
    ],
)
async def test_types_that_only_may_be_wrong_stop_nothing(code: str, scripts: Scripts) -> None:
    assert await run(scripts, code) == "1"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1\nprnt(x)", "Line 2: Name 'prnt' used when not defined\nprnt(x)"),
        ("sum([1, 2]", "Line 1: unexpected EOF while parsing\nsum([1, 2]"),
        (
            "print('begun')\n1 / 0",
            "Line 2: ZeroDivisionError: division by zero\n1 / 0",
        ),
        (
            "def f(n):\n    return n + 1\n\nf('a')",
            'Line 2: TypeError: can only concatenate str (not "int") to str\nreturn n + 1',
        ),
        ("def f(a): return a\nf()", "Line 2: No argument provided for required parameter 'a' of function 'f'\nf()"),
        ("import numpy", f"Line 1: Cannot resolve imported module 'numpy'. There are only: {MODULES}\nimport numpy"),
        ("open('/etc/passwd')", "Line 1: Name 'open' used when not defined\nopen('/etc/passwd')"),
        ("x = 5", "The code ran, but showed nothing. End it with the expression that's asked for, or print it."),
        ("#" * 8_001, "The code has 8001 characters; 8000 are the most. Do it in less."),
    ],
)
async def test_what_went_wrong_is_one_line_and_the_line_at_fault(code: str, told: str, scripts: Scripts) -> None:
    with pytest.raises(ToolError) as caught:
        await run(scripts, code)

    assert str(caught.value) == told


async def test_what_is_sure_to_fail_is_not_begun(scripts: Scripts) -> None:
    supplies = Supplies(workspaces=Folders(FOLDERS))

    with pytest.raises(ToolError, match="Name 'later' used"):
        await run(scripts, 'await read_file("never.txt")\nlater()', supplies)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("'a' * 10**9", "memory limit"),
        ("def f(): return f()\nf()", "RecursionError"),
        ("for _ in range(1000): print('x' * 1000)", "MemoryError|limit"),
    ],
)
async def test_limits_hold(code: str, told: str, scripts: Scripts) -> None:
    with pytest.raises(ToolError, match=told):
        await run(scripts, code)


async def test_the_tasks_files_may_be_read_and_nothing_else(scripts: Scripts) -> None:
    supplies = Supplies(workspaces=Folders(FOLDERS), egress=FakeEgress())
    code = 'lines = (await read_file("trips.csv")).splitlines()\nsum(int(line.split(",")[1]) for line in lines[1:])'

    assert await run(scripts, code, supplies) == "8"
    assert await run(scripts, "await list_files()", supplies) == '["trips.csv"]'
    for call in ('write_file("a", "b")', 'get("https://example.org")', 'read("a")', 'say("a")'):
        with pytest.raises(ToolError, match="used when not defined"):
            await run(scripts, f"await {call}", supplies)


async def test_a_hub_without_workspaces_has_no_files(scripts: Scripts) -> None:
    with pytest.raises(ToolError, match="Name 'read_file' used when not defined"):
        await run(scripts, 'await read_file("trips.csv")')


async def test_every_module_that_is_named_is_there(scripts: Scripts) -> None:
    assert await run(scripts, "\n".join(f"import {name}" for name in MODULES.split(", ")) + "\n1") == "1"
