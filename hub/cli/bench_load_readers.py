"""Holds many streams of events, as as many people's clients would: `... -m hub.cli.bench_load_readers URL KEYS REPORT`.

In a process of its own. KEYS has a person and a key on each line. It prints "ready" once every stream has said hello,
and when its input ends, it writes to REPORT what each person was told.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from hub.testing.server import MARK

AT_ONCE = 50
"""Streams that are opened at a time."""


class Told(Struct):
    """What one person's client was told."""

    replies: dict[str, list[float]] = {}
    """The marks that were answered: when, by the monotonic clock, and each time that they were."""
    events: int = 0
    last: int = 0
    """The id of the newest event."""
    disorder: int = 0
    """Events that came twice, or after a newer one."""
    ended: bool = False
    """The stream ended before it was to."""


class Reader(asyncio.Protocol):
    """One stream: takes the chunks of the answer apart, and the frames in them."""

    def __init__(self, request: bytes) -> None:
        self.told = Told()
        self.hello = asyncio.get_running_loop().create_future()
        self._request = request
        self._raw = bytearray()
        self._text = bytearray()
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it's TCP
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._raw += data
        if not self._in_body:
            head, end, rest = self._raw.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 200 " not in head.partition(b"\r\n")[0]:
                self.connection_lost(RuntimeError(f"a stream was answered {bytes(head[:80])!r}"))
                return
            self._raw, self._in_body = rest, True
        for chunk in self._chunks():
            self._text += chunk
        *frames, self._text = self._text.split(b"\r\n\r\n")
        for frame in frames:
            self._read(bytes(frame))

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.ended = True
        if not self.hello.done():
            self.hello.set_exception(exc or RuntimeError("a stream ended before it began"))

    def _chunks(self) -> Iterator[bytes]:
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            if len(self._raw) < end + size + 4:
                return
            yield bytes(self._raw[end + 2 : end + 2 + size])
            del self._raw[: end + size + 4]

    def _read(self, frame: bytes) -> None:
        kind, seq, data = b"", 0, b""
        for line in frame.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name == b"event":
                kind = value
            elif name == b"id":
                seq = int(value)
            elif name == b"data":
                data = value
        if kind == b"hello":
            self.hello.set_result(None)
        if seq:
            self.told.events += 1
            self.told.disorder += seq <= self.told.last
            self.told.last = max(self.told.last, seq)
        if kind == b"reply":
            now = time.monotonic()
            for mark in dict.fromkeys(MARK.findall(msgspec.json.decode(data)["text"])):
                self.told.replies.setdefault(mark, []).append(now)


async def main(url: str, keys: str, report: str) -> None:
    """Open the streams, read until the input ends, and write the report."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    loop, readers, room = asyncio.get_running_loop(), dict[str, Reader](), asyncio.Semaphore(AT_ONCE)

    async def open_one(person: str, key: str) -> None:
        ask = f"GET /v1/events HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        async with room:
            _, reader = await loop.create_connection(lambda: Reader(ask), host, port)
            readers[person] = reader
            await reader.hello

    text = Path(keys).read_text(encoding="utf-8")  # noqa: ASYNC240 - nothing else goes on yet
    lines = [line.split() for line in text.splitlines()]
    async with asyncio.TaskGroup() as group:
        for person, key in lines:
            group.create_task(open_one(person, key))
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        # Asked for: how far it is by now.
        print(sum(len(reader.told.replies) for reader in readers.values()), flush=True)
    told = {person: reader.told for person, reader in readers.items()}
    Path(report).write_bytes(msgspec.json.encode(told))  # noqa: ASYNC240 - it has nothing else to do any more
    print("told", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
