"""Finishes a paused call in a process of its own: python -m tests.unit.packages.asking FOLDER ANSWER < SNAPSHOT

With PAUSE in place of an answer it begins one, prints its snapshot, and kills itself.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from hub.errors import ToolError
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.ports import Paused
from tests.unit.packages.outfit import a_call, a_program, supplies, tool_of

PERMISSIONS = 'messages = ["ask:task"]\nfs = "workspace:rw"'
PROGRAM = """
from typing import Any


async def probe(stem: str = "x") -> Any:
    \"\"\"Try something out here.\"\"\"
    kept = [stem, await list_files()]
    name = await ask("What's the name?")
    await write_file("name.txt", name)
    sure = await ask(f"Is {name} right?")
    return [kept, name, sure]
"""


async def main(folder: Path, answer: str) -> None:
    """Begin a call or go on with one, and print what comes of it."""
    scripts = Scripts()
    given = supplies(files={"a.txt": b"a"})
    given.seal = Seal.at(folder / "snapshot.key")
    tool = tool_of(a_program(folder, PERMISSIONS, PROGRAM), scripts, given)
    try:
        if answer == "PAUSE":
            await tool.call(a_call(stem="s"))
        print("done", await tool.resume(a_call(stem="s"), sys.stdin.read(), answer))
    except Paused as paused:
        print(paused.snapshot, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    except ToolError as error:
        print("failed", error)
    await scripts.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
