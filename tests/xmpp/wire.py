"""A proxy between an XMPP client and its server that cuts, swallows and refuses, as bad networks do."""

import asyncio
from asyncio import StreamReader, StreamWriter, Task
from types import TracebackType
from typing import Self


class Wire:
    """Used as `async with Wire(port) as wire`: what connects to wire.port is connected to that port."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._writers: list[StreamWriter] = []
        self._tasks: set[Task[None]] = set()
        self.open = True
        """False: who connects is cut off at once."""
        self.swallowing = False
        """True: bytes of both sides are lost, and the link stands."""
        self.deaf = False
        """True: the server's bytes are lost, the client's arrive."""
        self.connections = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Transports let go of their sockets in the loop's next rounds.
        await asyncio.sleep(0.05)

    def cut(self) -> None:
        """Break every connection at once (RST)."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.swallowing = self.deaf = False

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        if not self.open:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, far_writer]
        for source, sink, server_side in ((reader, far_writer, False), (far_reader, writer, True)):
            task = asyncio.create_task(self._pass_on(source, sink, server_side=server_side))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: StreamReader, sink: StreamWriter, *, server_side: bool) -> None:
        try:
            while data := await source.read(1 << 16):
                if self.swallowing or (self.deaf and server_side):
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.transport.abort()
