"""The only way out of a sandbox: a proxy that connects to the granted hosts and to nothing else."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from secrets import compare_digest

from hub.errors import EgressError

log = logging.getLogger(__name__)

Dial = Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Connects to a host and port by the rules for everything that goes out; raises EgressError or OSError."""
HEAD = 8_192
"""Bytes of a request."""
PATIENCE = 20.0
CONNECTIONS = 64
PIECE = 65_536


async def nowhere(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Dial nobody: for a hub without a way out."""
    raise EgressError(f"{host}:{port} isn't reached: this hub has no way out")


class Doorway:
    """Serves CONNECT requests."""

    def __init__(self, package: str, hosts: Collection[str], dial: Dial, password: str = "") -> None:
        """`hosts` are as in permissions: "api.example.org" is its port 443. With a password, it's asked for."""
        self._package = package
        self._hosts = frozenset(host if ":" in host else f"{host}:443" for host in hosts)
        self._dial = dial
        self._login = f"Basic {b64encode(f'hub:{password}'.encode()).decode()}" if password else ""
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        self._open += 1
        try:
            if self._open > CONNECTIONS:
                await _refuse(writer, "503 Too many connections")
            else:
                await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Either end broke off: the other one is told by the closing.
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.split("\r\n")
        method, _, rest = line.partition(" ")
        place = rest.partition(" ")[0].lower()
        if self._login and not any(_is_login(header, self._login) for header in headers):
            await _refuse(writer, "407 Proxy Authentication Required")
        elif method != "CONNECT":
            await _refuse(writer, "405 Only https")
        elif place not in self._hosts:
            log.warning("package %s: a connection to %.100s was refused: it isn't granted", self._package, place)
            await _refuse(writer, "403 Not granted")
        else:
            await self._through(place, reader, writer)

    async def _through(self, place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = place.rpartition(":")
        try:
            async with asyncio.timeout(PATIENCE):
                there, back = await self._dial(host, int(port))
        except (EgressError, OSError, TimeoutError) as error:
            log.warning("package %s: no connection to %s: %s", self._package, place, error)
            await _refuse(writer, "502 Not reached")
            return
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, back))
                group.create_task(_pass_on(there, writer))
        finally:
            back.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _refuse(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()


def _is_login(header: str, login: str) -> bool:
    name, _, value = header.partition(":")
    return name.lower() == "proxy-authorization" and compare_digest(value.strip().encode(), login.encode())
