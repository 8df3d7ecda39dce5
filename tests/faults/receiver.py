"""An HTTP server on the loopback that webhooks are delivered to: it keeps what it gets, and answers as it's told."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from msgspec import Struct


class Got(Struct, frozen=True):
    """A delivery as it came."""

    id: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def sequence(self) -> int:
        found: int = self.said["sequence"]
        return found


class Receiver:
    """Used as `async with Receiver() as receiver`; `answer` says what a delivery is answered, by default 204."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], bytes] = lambda _: said(204)
        self.pause = 0.0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        for writer in self._writers:
            writer.close()
        self._server.close()
        await self._server.wait_closed()

    @property
    def place(self) -> str:
        """Where it listens, as [egress] names it."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def ids(self) -> list[str]:
        """Which deliveries came, each where it came first."""
        return list(dict.fromkeys(got.id for got in self.got))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            # What's read was received, though its sender may never hear.
            got = Got(headers.get("webhook-id", ""), headers, body)
            self.got.append(got)
            await asyncio.sleep(self.pause)
            writer.write(self.answer(got))
            await writer.drain()
        self._writers.discard(writer)
        writer.close()


def said(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n"
    return head.encode() + (b"" if status == 204 else body)
