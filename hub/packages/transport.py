"""How MCP's messages get to a program in the sandbox and back: a line each, by its standard input and output.

Unlike the library's own transport this one starts nothing by itself, and reads no line without end.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from hub.packages.doorway import Dial, Doorway
from hub.packages.sandbox import Program, Running, Sandbox, kill
from hub.packages.watching import excess

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

    Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]

log = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds to end by itself, once nothing more is asked of it."""
WAITING = 16
"""Messages read ahead."""
LAST_WORDS = 20
"""Lines of its errors that are remembered; they aren't logged, for they may be anybody's words."""


class LastWords:
    """What a program wrote to its errors, the last lines of it."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LAST_WORDS)
        self.bytes = 0

    def add(self, line: bytes) -> None:
        """Remember a line."""
        self.bytes += len(line)
        self._lines.append(line.decode(errors="replace").rstrip()[:300])

    def __str__(self) -> str:
        return "\n".join(self._lines)


@asynccontextmanager
async def spoken(
    sandbox: Sandbox,
    program: Program,
    hosts: tuple[str, ...],
    dial: Dial,
    words: LastWords,
    started: Callable[[Running], None] = lambda _: None,
) -> AsyncIterator["Streams"]:
    """Start a program and yield the streams that MCP's client speaks by; at the end nothing of it is left.

    Raises SandboxMissing, and OSError if it can't be started.
    """
    import anyio  # noqa: PLC0415 - comes with mcp, which only hubs with servers load

    running = await sandbox.start(program)
    started(running)
    send_in, read = anyio.create_memory_object_stream["SessionMessage | Exception"](WAITING)
    write, take_out = anyio.create_memory_object_stream["SessionMessage"](WAITING)
    try:
        async with anyio.create_task_group() as group, contextlib.AsyncExitStack() as stack:
            stack.callback(group.cancel_scope.cancel)
            for stream in (send_in, read, write, take_out):
                stack.callback(stream.close)
            if running.port:
                door = await asyncio.start_server(
                    Doorway(program.package, hosts, dial).serve, sock=running.port, limit=65_536
                )
                stack.callback(door.close)
            group.start_soon(_listen, running, send_in, program.package)
            group.start_soon(_speak, running, take_out, send_in)
            group.start_soon(_hear, running, words)
            group.start_soon(_guard, running, program)
            try:
                yield read, write
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(running)
    finally:
        kill(running.process)
        log.debug("package %s: its server ended; it wrote %d bytes of errors", program.package, words.bytes)


async def _listen(
    running: Running, send_in: "MemoryObjectSendStream[SessionMessage | Exception]", package: str
) -> None:
    import anyio  # noqa: PLC0415
    from mcp.shared.message import SessionMessage  # noqa: PLC0415
    from mcp_types import jsonrpc_message_adapter  # noqa: PLC0415

    assert running.process.stdout  # noqa: S101 - it was started with pipes
    try:
        while line := await running.process.stdout.readline():
            if not line.strip():
                continue
            try:
                message: SessionMessage | Exception = SessionMessage(
                    jsonrpc_message_adapter.validate_json(line, by_name=False)
                )
            except ValueError:
                # Its text may be anything: it isn't kept.
                message = ValueError("that's no message of MCP's")
            await send_in.send(message)
    except ValueError:
        log.warning("package %s: its server wrote an endless line, and was ended", package)
        kill(running.process)
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        return  # Nobody listens any more.
    send_in.close()


async def _speak(
    running: Running,
    take_out: "MemoryObjectReceiveStream[SessionMessage]",
    send_in: "MemoryObjectSendStream[SessionMessage | Exception]",
) -> None:
    import anyio  # noqa: PLC0415

    assert running.process.stdin  # noqa: S101
    with suppress(anyio.ClosedResourceError, anyio.EndOfStream):
        try:
            async for message in take_out:
                json = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                running.process.stdin.write(f"{json}\n".encode())
                await running.process.stdin.drain()
        except OSError:
            # It doesn't read any more: who waits for it is told so by the end of what it says.
            send_in.close()


async def _hear(running: Running, words: LastWords) -> None:
    assert running.process.stderr  # noqa: S101
    while True:
        try:
            line = await running.process.stderr.readline()
        except ValueError:
            continue  # An endless line; what was read of it is gone.
        if not line:
            return
        words.add(line)


async def _guard(running: Running, program: Program) -> None:
    reason = await excess(running.process.pid, program)
    log.warning("package %s: its server was ended: %s", program.package, reason)
    kill(running.process)


async def _end(running: Running) -> None:
    """Close its input, which tells it to end, and don't wait for long."""
    assert running.process.stdin  # noqa: S101
    running.process.stdin.close()
    try:
        async with asyncio.timeout(GRACE):
            await running.process.wait()
    except TimeoutError:
        kill(running.process)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await running.process.wait()
