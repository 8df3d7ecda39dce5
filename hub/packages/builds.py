"""Install scripts: run once in the sandbox, with the package's folder to write to, before it's used."""

import asyncio
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hub.errors import ManifestError
from hub.packages.doorway import Dial, Doorway
from hub.packages.sandbox import Limits, Program, Running, Sandbox, kill
from hub.packages.watching import excess, size_of

SECONDS = 120.0
LIMITS = Limits(memory_mb=512, cpu_seconds=120, file_mb=64, disk_mb=256)
LINES = 5
OUTPUT = 64 * 1024
MEGABYTE = 1024 * 1024


async def build(
    sandbox: Sandbox,
    name: str,
    script: Sequence[str],
    folder: Path,
    fixed: Sequence[str],
    hosts: Sequence[str],
    dial: Dial,
    *,
    seconds: float = SECONDS,
) -> None:
    """Run an install script; `fixed` names files that it can't change, `hosts` whom it may reach.

    Raises ManifestError with its last lines if it fails, takes too long or too much, or leaves what mustn't be there;
    SandboxMissing where nothing can be confined.
    """
    program = Program(
        package=name,
        argv=tuple(script),
        folder=folder,
        fixed=tuple(fixed),
        limits=LIMITS,
        proxied=bool(hosts),
    )
    await asyncio.to_thread(_give, sandbox, folder, name)
    try:
        said, status = await watched_run(sandbox, program, hosts, dial, seconds)
    finally:
        await asyncio.to_thread(_take_back, folder)
    if status:
        last = " | ".join(said.strip().splitlines()[-LINES:])
        raise ManifestError(f"install.script: {_why(status, seconds)}: {last or 'it said nothing'}")
    if odd := await asyncio.to_thread(_odd, folder):
        raise ManifestError(f"install.script: left {odd}; a package has plain files only")


def open_up(folder: Path, programs: Sequence[str] = ()) -> None:
    """Have a package's files readable by the user that its programs run as, and those programs executable.

    The folders above stay closed: it's shown to them without these.
    """
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    for program in programs:
        path = folder / program
        with suppress(OSError, ValueError):
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                path.chmod(0o755)


async def watched_run(
    sandbox: Sandbox, program: Program, hosts: Sequence[str], dial: Dial, seconds: float
) -> tuple[str, int | str]:
    """Return the end of what a program said, and its exit status or why it was ended: "time", or too much of something.

    It gets nothing to read. Raises SandboxMissing.
    """
    try:
        running = await sandbox.start(program, errors=asyncio.subprocess.STDOUT)
    except OSError as error:
        return str(error), 127
    door = (
        await asyncio.start_server(Doorway(program.package, hosts, dial).serve, sock=running.port)
        if running.port
        else None
    )
    said = bytearray()
    ended = ""
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:

            async def watched() -> None:
                nonlocal ended
                ended = await excess(running.process.pid, program)
                kill(running.process)

            watch = group.create_task(watched())
            await _listened(running, said)
            watch.cancel()
    except TimeoutError:
        ended = "time"
    finally:
        kill(running.process)
        if door:
            door.close()
    status = await running.process.wait()
    return said.decode(errors="replace"), ended or status


async def _listened(running: Running, said: bytearray) -> None:
    assert running.process.stdin  # noqa: S101 - it was started with pipes
    assert running.process.stdout  # noqa: S101
    running.process.stdin.close()
    while data := await running.process.stdout.read(4096):
        said += data
        del said[:-OUTPUT]
    await running.process.wait()


def _why(status: int | str, seconds: float) -> str:
    if status == "time":
        return f"took longer than {seconds:g} seconds"
    return status if isinstance(status, str) else f"failed with exit status {status}"


def _give(sandbox: Sandbox, folder: Path, name: str) -> None:
    open_up(folder)
    sandbox.give(folder, name)


def _take_back(folder: Path) -> None:
    """Have the hub's user own everything again, with modes as everything that's installed has them."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        if os.geteuid() == 0:
            os.chown(path, 0, 0)
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            path.chmod(0o755)
        elif stat.S_ISREG(mode):
            path.chmod(0o755 if mode & 0o111 else 0o644)


def _odd(folder: Path) -> str:
    """Say what of a folder is none of the plain files and folders that a package has, or leads out of it."""
    whole = folder.resolve()
    for path in folder.rglob("*"):
        shown = path.relative_to(folder)
        if path.is_symlink():
            if not path.resolve().is_relative_to(whole):
                return f"a link out of the package, {shown}"
        elif not (path.is_dir() or path.is_file()):
            return f"{shown}, which is neither a file nor a folder"
        elif path.is_file() and path.lstat().st_nlink > 1:
            return f"{shown}, which has a second name"
    size = size_of(folder)
    return f"{size // MEGABYTE} MB" if size > LIMITS.disk_mb * MEGABYTE else ""
