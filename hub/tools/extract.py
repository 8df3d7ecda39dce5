"""Text out of pages and files that strangers made: the parsing is done by a process of its own, under limits.

What hangs or crashes a parser costs that one call: the process is killed, and another begun with the next.
"""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

import hub
from hub.errors import ToolError

log = logging.getLogger(__name__)

SECONDS = 15.0
BYTES = 20_000_000
CHARACTERS = 2_000_000
"""Of what's found in one file; the rest is left out."""
MODULE = "hub.tools.parsing"
_ANSWER_BYTES = 32 << 20
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class Job(Struct, frozen=True, kw_only=True):
    """What the process is to read."""

    data: bytes
    media_type: str
    name: str = ""
    url: str = ""
    """Where it came from: what its links are relative to."""


class Link(Struct, frozen=True):
    """A link of a page."""

    text: str
    url: str


class Extract(Struct, frozen=True, kw_only=True):
    """What was found."""

    title: str = ""
    pages: tuple[str, ...] = ()
    """One of each page where it has pages, else one of all."""
    paged: bool = False
    lined: bool = False
    """Whether a line of the text is a line of the file."""
    links: tuple[Link, ...] = ()
    error: str = ""
    """Why there's nothing, in words for an LLM."""

    @property
    def text(self) -> str:
        """All of it."""
        return "\n\n".join(self.pages)


class Extractor:
    """Has files read."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def read(self, data: bytes, media_type: str, *, name: str = "", url: str = "") -> Extract:
        """Return the text of a file; raises ToolError if it's too large, of a kind that isn't read, or broken."""
        if len(data) > BYTES:
            raise ToolError(f"It has {len(data)} bytes; at most {BYTES} are read.")
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    found = await self._ask(Job(data=data, media_type=media_type, name=name, url=url))
            except BaseException as error:
                # Also when the caller is cancelled: the answer to this would be taken for that to the next.
                await self._kill()
                if isinstance(error, TimeoutError):
                    raise ToolError(f"It couldn't be read within {self._seconds:g} seconds.") from None
                if isinstance(error, (EOFError, OSError, ValueError, msgspec.DecodeError)):
                    log.warning("the process that reads files ended over one: %s", type(error).__name__)
                    raise ToolError("It's broken or too large: it couldn't be read.") from None
                raise
        if found.error:
            raise ToolError(found.error)
        return found

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._kill()

    async def _ask(self, job: Job) -> Extract:
        process = self._process
        if process is None or process.returncode is not None or (process.stdout and process.stdout.at_eof()):
            # An idle one ends by itself.
            await self._kill()
            process = self._process = await _started()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        order = msgspec.msgpack.encode(job)
        process.stdin.write(len(order).to_bytes(4, "big") + order)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(4), "big")
        if size > _ANSWER_BYTES:
            raise ValueError(size)
        return msgspec.msgpack.decode(await process.stdout.readexactly(size), type=Extract)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin:
            process.stdin.close()
        await asyncio.shield(process.wait())


async def _started() -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        process.kill()
        await process.wait()
        raise


def _environment() -> dict[str, str]:
    """Return what the process needs of ours; secrets in our environment are none of its business."""
    passed = {name: value for name in _PASSED_ON if (value := os.environ.get(name)) is not None}
    return {**passed, "PYTHONPATH": str(Path(hub.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
