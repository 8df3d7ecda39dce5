"""Commands by which tasks are checked: over a copy of their files, without a shell, a network, or an end in sight."""

import sys

import pytest

from hub.errors import SandboxMissing
from hub.packages.commands import Commands
from hub.packages.sandbox import Limits, Sandbox
from hub.records import HOME, TaskId
from hub.testing import MemoryWorkspaces
from tests.unit.packages.confining import needs_sandbox

TASK = TaskId("t1")
PYTHON = "python3"


async def commands(**settings: object) -> tuple[Commands, MemoryWorkspaces]:
    workspaces = MemoryWorkspaces()
    await workspaces.write(HOME, TASK, "notes/a.txt", b"Trains")
    await workspaces.write(HOME, TASK, "run.sh", b"#!/bin/sh\nexit 3\n")
    return Commands(Sandbox(), workspaces, **settings), workspaces  # type: ignore[arg-type]  # the test's own words


@needs_sandbox
async def test_a_command_runs_where_the_files_of_the_task_are_and_tells_how_it_ended() -> None:
    made, _ = await commands()

    assert (await made.run(HOME, TASK, ("grep", "-q", "Trains", "notes/a.txt"))).status == 0
    assert (await made.run(HOME, TASK, ("grep", "-q", "planes", "notes/a.txt"))).status == 1
    assert (await made.run(HOME, TASK, ("./run.sh",))).status == 3
    assert (await made.run(HOME, TASK, (PYTHON, "-c", "print(open('notes/a.txt').read())"))).said.strip() == "Trains"


@needs_sandbox
async def test_what_a_command_writes_is_gone_with_its_copy() -> None:
    made, workspaces = await commands()

    ran = await made.run(HOME, TASK, (PYTHON, "-c", "open('notes/a.txt', 'w').write('x'); open('b', 'w').write('y')"))

    assert ran.status == 0
    assert await workspaces.read(HOME, TASK, "notes/a.txt") == b"Trains"
    assert [file.path for file in await workspaces.list(HOME, TASK)] == ["notes/a.txt", "run.sh"]


@needs_sandbox
async def test_no_shell_reads_a_command() -> None:
    made, _ = await commands()

    assert (await made.run(HOME, TASK, ("echo", "$HOME; exit 9 && `id`"))).said.strip() == "$HOME; exit 9 && `id`"


@needs_sandbox
async def test_a_command_has_no_network_and_sees_nothing_of_the_hub() -> None:
    made, _ = await commands()
    dial = "import socket; socket.create_connection(('1.1.1.1', 443), 2)"

    assert (await made.run(HOME, TASK, (PYTHON, "-c", dial))).status == 1
    assert (await made.run(HOME, TASK, ("ls", sys.prefix, "/root", "/home"))).status != 0
    told = await made.run(HOME, TASK, ("env",))
    assert "AGENTHOST" not in told.said


@needs_sandbox
async def test_a_command_that_does_not_end_is_ended() -> None:
    made, _ = await commands(seconds=1.0)

    ran = await made.run(HOME, TASK, (PYTHON, "-c", "while True: pass"))

    assert ran.status is None
    assert ran.ended == "it took longer than 1 seconds"


@needs_sandbox
async def test_a_command_that_takes_too_much_memory_does_not_pass() -> None:
    made, _ = await commands(limits=Limits(memory_mb=64, cpu_seconds=10, scratch_mb=8))

    ran = await made.run(HOME, TASK, (PYTHON, "-c", "x = b'x' * (256 << 20)"))

    assert ran.status != 0


@needs_sandbox
async def test_a_program_that_is_not_there_says_so() -> None:
    made, _ = await commands()

    ran = await made.run(HOME, TASK, ("pytset",))

    assert ran.status == 127
    assert "not found" in ran.said


@pytest.mark.parametrize("allowed", [False, True])
async def test_without_a_sandbox_no_command_runs_whatever_packages_may(*, allowed: bool) -> None:
    nowhere = Sandbox(allow_unsandboxed=allowed, which=lambda _: None)

    with pytest.raises(SandboxMissing, match="bwrap isn't installed"):
        await Commands(nowhere, MemoryWorkspaces()).run(HOME, TASK, ("true",))
