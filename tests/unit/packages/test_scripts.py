"""What a program of others may do, and that it can do nothing else."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.errors import ManifestError, ToolError
from hub.manifests import Allowance
from hub.packages.scripts import Scripts

SMALL = Allowance(seconds=0.3, memory_mb=16, calls=5)


@pytest.fixture
async def scripts() -> AsyncIterator[Scripts]:
    made = Scripts()
    yield made
    await made.close()


async def run(scripts: Scripts, program: str, expression: str = "f()", **values: object) -> str:
    return await scripts.call(program, expression, values, SMALL, {})


async def test_text_is_returned_as_it_is_and_anything_else_as_json(scripts: Scripts) -> None:
    program = "def f(x):\n    return x"

    assert await run(scripts, program, "f(x)", x="hé") == "hé"
    assert await run(scripts, program, "f(x)", x=[1, None, {"a": 2.5}]) == '[1,null,{"a":2.5}]'


async def test_an_exceptions_words_are_told(scripts: Scripts) -> None:
    with pytest.raises(ToolError, match="ValueError: give a colour"):
        await run(scripts, "def f():\n    raise ValueError('give a colour')")


async def test_a_function_of_the_hub_is_called_and_its_error_can_be_caught(scripts: Scripts) -> None:
    async def look(name: str) -> str:
        if name == "bad":
            raise ValueError("no such name")
        return name.upper()

    program = """
async def f(name):
    try:
        return await look(name)
    except ValueError as error:
        return f"caught {error}"
"""
    hosts = {"look": look}

    assert await scripts.call(program, "await f('ann')", {}, SMALL, hosts) == "ANN"
    assert await scripts.call(program, "await f('bad')", {}, SMALL, hosts) == "caught no such name"


async def test_calls_of_the_hub_are_counted(scripts: Scripts) -> None:
    count = 0

    async def more() -> int:
        nonlocal count
        count += 1
        return count

    program = "async def f():\n    while True:\n        await more()"
    with pytest.raises(ToolError):
        await scripts.call(program, "await f()", {}, SMALL, {"more": more})
    assert count <= SMALL.calls + 20


async def test_programs_share_nothing(scripts: Scripts) -> None:
    await run(scripts, "kept = 'secret'\ndef f():\n    return kept")

    with pytest.raises(ToolError, match="NameError"):
        await run(scripts, "def f():\n    return kept")


HOSTILE = {
    "reads a file": "open('/etc/passwd').read()",
    "reads a file by pathlib": "__import__('pathlib').Path('/etc/passwd').read_text()",
    "writes a file": "open('PLACE', 'w').write('x')",
    "lists a folder": "__import__('os').listdir('/')",
    "reads the environment": "__import__('os').environ['PLANTED']",
    "runs a command": "__import__('os').system('touch PLACE')",
    "starts a process": "__import__('subprocess').run(['touch', 'PLACE'])",
    "opens a connection": "__import__('socket').create_connection(('127.0.0.1', 1))",
    "loads a library": "__import__('ctypes').CDLL(None)",
    "forks": "__import__('os').fork()",
    "signals its parent": "__import__('os').kill(__import__('os').getppid(), 15)",
    "imports the hub": "__import__('hub.config')",
    "walks up the classes": "().__class__.__mro__[1].__subclasses__()",
    "reads a function's globals": "f.__globals__['__builtins__']",
    "reads a function's code": "f.__code__.co_consts",
    "walks up by format": "'{0.__class__.__mro__}'.format(1)",
    "reads loaded modules": "__import__('sys').modules['os']",
    "reads a frame": "__import__('sys')._getframe(0).f_back",
    "loads code": "__import__('pickle').loads(b'')",
    "compiles code": "__import__('builtins').compile('1', 'x', 'exec')",
    "never ends": "[1 for _ in iter(int, 1)]",
    "counts for ever": "sum(range(10**12))",
    "takes memory by text": "'a' * 10**9",
    "takes memory by lists": "[0] * 10**9",
    "takes memory by numbers": "10 ** 10**8",
    "takes memory by doubling": "(lambda s: [s := s + s for _ in range(60)])('aaaa')",
    "recurses": "(lambda g: g(g))(lambda g: g(g))",
    "nests deeply": "(" * 5000 + ")" * 5000,
    "matches for ever": "__import__('re').match('(a+)+$', 'a' * 60 + 'b')",
    "prints without end": "[print('x' * 10000) for _ in range(1000)]",
    "sleeps": "__import__('time').sleep(30)",
    "reads the terminal": "input()",
    "exits": "__import__('sys').exit(1)",
    "reads the passwords": "open('/etc/shadow').read()",
    "reads the owner's key": "open('data/owner.key').read()",
    "lists the homes": "__import__('glob').glob('/home/*')",
    "makes a link out": "__import__('os').symlink('/etc/passwd', 'PLACE')",
    "makes a device": "__import__('os').mknod('PLACE', 0o600, 0)",
    "reads its parent's environment": "open('/proc/self/environ').read()",
    "uses an inherited descriptor": "__import__('os').read(3, 100)",
    "uses its terminal": "open('/dev/tty', 'r').read()",
    "connects to an abstract socket": "__import__('socket').socket(1).connect('\\0x')",
    "connects to a socket in a folder": "__import__('socket').socket(1).connect('data/socket')",
    "sends a datagram": "__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', 53))",
    "looks up a name": "__import__('socket').getaddrinfo('example.org', 443)",
    "traces a process": "__import__('ctypes').CDLL(None).ptrace(16, 1, 0, 0)",
    "becomes root": "__import__('os').setuid(0)",
    "mounts": "__import__('ctypes').CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "makes namespaces": "__import__('ctypes').CDLL(None).unshare(0x10000000)",
    "sets the clock": "__import__('time').clock_settime(0, 0)",
    "raises its limits": "__import__('resource').setrlimit(0, (-1, -1))",
    "starts threads without end": "[__import__('threading').Thread().start() for _ in range(1000)]",
    "opens files without end": "[open('/dev/null') for _ in range(10000)]",
    "returns what has no words": "{(1, 2): 3}",
}


@pytest.mark.parametrize("way", HOSTILE)
async def test_a_program_that(way: str, scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it tries ends as one failed call, and the next program runs as if nothing had been."""
    place = tmp_path / "place"
    monkeypatch.setenv("PLANTED", "s3cret")
    expression = HOSTILE[way].replace("PLACE", str(place))

    try:
        result = await run(scripts, "def f():\n    return 1", expression)
    except ToolError as error:
        result = str(error)

    assert "s3cret" not in result
    assert "root:" not in result
    assert not place.exists()
    assert result.startswith("The program"), result
    assert await run(scripts, "def f():\n    return os_is_gone\nos_is_gone = 'fine'") == "fine"
    assert os.environ["PLANTED"] == "s3cret"


@pytest.mark.parametrize("expression", ["f", "(lambda a: (a.append(a), a)[1])([])"])
async def test_what_no_data_can_be_comes_back_as_its_name(expression: str, scripts: Scripts) -> None:
    assert len(await run(scripts, "def f():\n    return 1", expression)) < 40


async def test_types_are_checked_before_anything_runs(scripts: Scripts) -> None:
    with pytest.raises(ManifestError, match=r"^plugin\.py:2:12: error\[invalid-return-type"):
        await scripts.check("plugin.py", "def f(a: int) -> str:\n    return a\n", "")


async def test_what_is_given_is_known_to_the_check(scripts: Scripts) -> None:
    program = "async def f(id: str) -> str:\n    return str(await read(id))\n"

    with pytest.raises(ManifestError, match="read"):
        await scripts.check("plugin.py", program, "")
    await scripts.check("plugin.py", program, "async def read(id: str) -> str: ...\n")


async def test_closed_it_can_be_closed_again(scripts: Scripts) -> None:
    await run(scripts, "def f():\n    return 1")

    await scripts.close()
    await scripts.close()


ENDS = """
import asyncio

from hub.manifests import Allowance
from hub.packages.scripts import Scripts


async def main():
    scripts = Scripts()
    await scripts.call("", "1", {}, Allowance(), {})
    await scripts.close()


asyncio.run(main())
"""


def test_a_process_that_ran_programs_ends_as_any_other() -> None:
    """Monty's threads report to Python once more: one in three ends aborted it."""
    ended = [subprocess.run([sys.executable, "-c", ENDS], capture_output=True, check=False) for _ in range(6)]

    assert [one.returncode for one in ended] == [0] * 6
