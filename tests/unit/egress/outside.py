"""An outside on this machine: names and public addresses that are made up, and a real server that they lead to."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore

from hub.egress.guard import GuardedEgress

PUBLIC = "93.184.215.14"
OTHER = "151.101.1.69"
NAMES = {"example.org": (PUBLIC,), "api.example.org": (PUBLIC,), "other.example.net": (OTHER,)}


@dataclass
class Outside:
    """What was looked up, dialled and asked."""

    names: dict[str, tuple[str, ...] | list[tuple[str, ...]]] = field(default_factory=lambda: {**NAMES})
    """A host's addresses; a list of them gives another one at each look."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """What's answered, to the byte, by the request's host and path."""
    looked_up: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    certified: list[str | None] = field(default_factory=list)
    """The names that certificates were asked for."""
    asked: list[bytes] = field(default_factory=list)
    """Each request as it came, head and body."""
    port: int = 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Look a name up."""
        self.looked_up.append(host)
        found = self.names.get(host)
        if found is None:
            raise OSError("no such name")
        return found.pop(0) if isinstance(found, list) else found

    def egress(self, allow: Iterable[str] = ()) -> GuardedEgress:
        """Return the guard over this outside."""
        return GuardedEgress(allow, resolve=self.resolve, network=_Network(self))

    def says(self, where: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """Have something answered; header names have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[where] = answer(body, status, named)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request as it's told."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
            self.asked.append(head + body)
            where = (fields[b"host"] + head.split(b" ")[1]).decode()
            writer.write(self.answers.get(where, answer(b"", 404)))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class _Network(httpcore.AsyncNetworkBackend):
    """Dials the server instead of the world."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._outside.dialled.append((host, port))
        stream = await self._inner.connect_tcp("127.0.0.1", self._outside.port, timeout)
        return _Stream(stream, self._outside)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection on which TLS is only noted down."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, outside: Outside) -> None:
        self._inner = inner
        self._outside = outside

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: object,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        self._outside.certified.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> object:
        return None


def answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer as it goes over the wire."""
    named = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Open an outside."""
    world = Outside()
    async with await asyncio.start_server(world.serve, "127.0.0.1", 0) as server:
        world.port = server.sockets[0].getsockname()[1]
        yield world
