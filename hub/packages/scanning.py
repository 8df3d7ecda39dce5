"""What's odd in a package: rules over its files, and a command of the operator's if there's one.

A scan passes, flags or fails, and these are three things: one that failed says nothing about the package, so that it
isn't installed. It informs whoever decides; what a package can do is limited where it runs, whatever a scan says.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hub.errors import ScanError
from hub.packages.archive import Entry
from hub.packages.kinds import Sheet
from hub.packages.oddities import odd

SECONDS = 60.0
MOST = 20
"""Findings that are told."""
LONGEST = 200
"""Characters of one."""
OUTPUT = 64 * 1024


class Scanner:
    """Looks into packages before they're installed."""

    def __init__(self, command: Sequence[str] = (), *, seconds: float = SECONDS) -> None:
        """`command` gets the package's folder as its last argument and as its working folder.

        It exits with 0 if all is well, and with 1 if it found something, a line of its output for each thing. Anything
        else, and no exit within the seconds, is a failed scan.
        """
        self._command = tuple(command)
        self._seconds = seconds

    async def scan(self, folder: Path, entries: tuple[Entry, ...], sheet: Sheet) -> tuple[str, ...]:
        """Return what's odd about a package, in words, empty if nothing is; raises ScanError if that can't be told."""
        found = await asyncio.to_thread(odd, entries, sheet)
        if self._command:
            found = (*found, *(await self._asked(folder)))
        told = tuple(text if len(text) <= LONGEST else f"{text[:LONGEST]}..." for text in dict.fromkeys(found))
        return told if len(told) <= MOST else (*told[:MOST], f"... and {len(told) - MOST} more of that sort")

    async def _asked(self, folder: Path) -> tuple[str, ...]:
        name = self._command[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                str(folder),
                cwd=folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ScanError(f"packages.scan: {name} can't be run ({error.strerror})") from None
        try:
            async with asyncio.timeout(self._seconds):
                output = await _output(process.stdout)
                status = await process.wait()
        except TimeoutError:
            raise ScanError(f"packages.scan: {name} didn't end within {self._seconds:g} seconds") from None
        finally:
            # Its whole group, for it may have left somebody behind.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if status not in {0, 1}:
            raise ScanError(f"packages.scan: {name} ended with status {status}; 0 is well, 1 is flagged")
        if status == 0:
            return ()
        lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
        return tuple(f"{Path(name).name}: {line}" for line in lines) or (f"{Path(name).name} flagged it",)


async def _output(stream: asyncio.StreamReader | None) -> bytes:
    """Return the beginning of what's said; the rest is read and forgotten, so that nobody waits for a full pipe."""
    said = b""
    while stream and (chunk := await stream.read(OUTPUT)):
        said += chunk[: OUTPUT - len(said)]
    return said
