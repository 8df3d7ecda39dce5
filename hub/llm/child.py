"""The model's process, from our side: started, spoken to, killed."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections import deque
from pathlib import Path

import msgspec

import hub
from hub.llm import wire

log = logging.getLogger(__name__)

DYING = 1.0
STARVED = ("bad_alloc", "MemoryError", "failed to allocate", "Cannot allocate memory")
"""What a process says whose memory is at an end."""

CRASHES = (signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGFPE)

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")


class Child:
    """A running process. It's gone, and stays gone, after `kill`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said: deque[str] = deque(maxlen=20)
        self._killed = False

    @classmethod
    async def start(cls) -> "Child":
        """Start a process that waits for its first order; raises OSError."""
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "hub.llm.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(),
            )
        )
        try:
            return cls(await asyncio.shield(starting))
        except asyncio.CancelledError:
            # A process that's half started would be left behind.
            await cls(await starting).kill()
            raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, order: wire.Order) -> None:
        """Hand over an order without waiting; if the process is gone, its reader finds out."""
        if self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(wire.frame(order))

    async def receive(self) -> wire.Report | None:
        """Return what the process says next; None once it's gone or talks nonsense."""
        stream = self._process.stdout
        if stream is None:
            return None
        try:
            header = await stream.readexactly(4)
            return wire.report(await stream.readexactly(wire.length(header)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except (ValueError, msgspec.DecodeError) as error:
            log.error("the model's process can't be understood: %s", error)
            return None

    async def kill(self) -> None:
        """End the process."""
        if self._process.stdout and self._process.stdout.at_eof():
            # It's dying by itself. Waiting a little for its exit code tells us why.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DYING):
                    await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            self._killed = self._process.returncode is None
            self._process.kill()
        await self._process.wait()

    @property
    def starved(self) -> bool:
        """Whether it ended because it got no more memory, as far as it could still say so."""
        return any(word in said for said in self._said for word in STARVED)

    @property
    def crashed(self) -> bool:
        """Whether it ended by a fault of the machine code in it."""
        return -(self._process.returncode or 0) in CRASHES

    @property
    def end(self) -> str:
        """How it ended: by which signal, or what it said last."""
        code = self._process.returncode or 0
        if code == -signal.SIGKILL and not self._killed:
            return "SIGKILL from outside, perhaps because the machine ran out of memory"
        if code < 0:
            return signal.Signals(-code).name
        return self._said[-1] if self._said else f"exit code {code}"

    async def listen(self) -> None:
        """Log what the process prints, until it's gone."""
        stream = self._process.stderr
        while stream and (line := await _line(stream)) is not None:
            if line:
                self._said.append(line)
                log.debug("%s", line)


async def _line(stream: asyncio.StreamReader) -> str | None:
    try:
        data = await stream.readline()
    except ValueError:  # longer than the stream's limit; what was read is gone
        return ""
    return data.decode("utf-8", "replace").strip() if data else None


def _environment() -> dict[str, str]:
    """Return what the process needs of ours; secrets in our environment are none of its business."""
    passed = {name: value for name in _PASSED_ON if (value := os.environ.get(name)) is not None}
    home = str(Path(hub.__file__).parent.parent)
    # Threads that spin while they wait make a busy machine many times slower.
    return {**passed, "PYTHONPATH": home, "OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1"}
