"""A request's body on its way to the hub: as it comes, or kept while the hub is being woken."""

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import Protocol

from hub.waker.answers import Receive, Scope, headers_of

IN_MEMORY = 1 << 20
"""Bytes of a kept body; what's longer lies in a file."""
LARGEST = 2 << 30
CHUNK = 1 << 16


class CutOff(Exception):
    """Who sends the request went away, or sends more than anybody may."""


class Body(Protocol):
    """What's sent on."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield it; raises CutOff."""


class Passing:
    """A body that's sent on while it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def chunks(self) -> AsyncIterator[bytes]:
        size = 0
        while True:
            event = await self._receive()
            if event["type"] != "http.request":
                raise CutOff
            chunk = event.get("body", b"")
            size += len(chunk)
            if size > LARGEST:
                raise CutOff
            if chunk:
                yield chunk
            if not event.get("more_body"):
                return


class Kept:
    """A body that's kept, so that it needn't be held up, and can wait."""

    def __init__(self, receive: Receive) -> None:
        self._passing = Passing(receive)
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by `close`

    async def take(self) -> None:
        """Keep all of it; raises CutOff."""
        async for chunk in self._passing.chunks():
            self._file.write(chunk)

    async def chunks(self) -> AsyncIterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    def close(self) -> None:
        """Forget it."""
        self._file.close()


def has_body(scope: Scope) -> bool:
    """Say whether a request comes with a body, by its headers (RFC 9112, section 6)."""
    headers = headers_of(scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
