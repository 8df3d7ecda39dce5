"""A hub as a process of this machine, found again by a waker that was started anew."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which

from hub.waker.providers import Described, ProviderFault

GATE = ("/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh")
"""Becomes what's behind it once a line is written to it, and ends if its writer does before: a waker that's killed as
it starts a process leaves none behind that it hasn't noted. The shell reads none of the command's words."""
PATIENCE = 30.0
"""Seconds from asking the process to end to killing it."""


class ProcessProvider:
    """Runs a command, in a session of its own so that it outlives the waker."""

    def __init__(self, command: Sequence[str], note: Path) -> None:
        """`note` is the file that says which process it is, for the next waker."""
        self._command = tuple(command)
        self._note = note
        self._process: asyncio.subprocess.Process | None = None
        self._asked_at: float | None = None

    async def describe(self) -> Described:
        pid = self._running()
        if pid is None:
            return Described(state="stopped", detail=_ended(await self._code()))
        return Described(state="running" if self._asked_at is None else "stopping", detail=f"process {pid}")

    async def start(self) -> None:
        if self._running() is not None:
            return
        self._asked_at = None
        if which(self._command[0]) is None:
            raise ProviderFault(f"{self._command[0]}: can't be run (there's no such program)")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *GATE, *self._command, stdin=asyncio.subprocess.PIPE, start_new_session=True
            )
            self._write(self._process.pid)
        except OSError as error:
            raise ProviderFault(f"{self._command[0]}: can't be run ({error.strerror})") from None
        if gate := self._process.stdin:
            gate.write(b"\n")
            gate.close()

    async def stop(self) -> None:
        pid = self._running()
        if pid is None:
            return
        now = asyncio.get_running_loop().time()
        if self._asked_at is None:
            self._asked_at = now
            _signal(pid, signal.SIGTERM)
        elif now - self._asked_at > PATIENCE:
            _signal(pid, signal.SIGKILL)

    async def close(self) -> None:
        """Leave the process alone."""

    async def _code(self) -> int | None:
        """Return what our process ended with; the kernel knows of its end a moment before the loop does."""
        if self._process is None:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._process.wait()
        return self._process.returncode

    def _running(self) -> int | None:
        """Return the process, ours or the one that an earlier waker started, if it lives."""
        if self._process is not None:
            return self._process.pid if self._process.returncode is None and _born(self._process.pid) else None
        try:
            pid, born = self._note.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        return int(pid) if _born(int(pid)) == born else None

    def _write(self, pid: int) -> None:
        unfinished = self._note.with_name(self._note.name + ".part")
        unfinished.write_text(f"{pid} {_born(pid)}", encoding="ascii")
        unfinished.replace(self._note)


def _born(pid: int) -> str:
    """Return when a living process began, in the kernel's ticks; "" for none, or one that only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _ended(code: int | None) -> str:
    if code is None:
        return ""
    try:
        return f"it was killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with {code}"
    except ValueError:
        return f"it was killed by signal {-code}"


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
