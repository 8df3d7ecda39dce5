"""A small shop's pages on an origin of their own, with the policy that a careful shop has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

FOLDER = Path(__file__).parent / "shop"
KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".svg": "image/svg+xml"}
PAGES = {"/": "page.html", "/de": "seite.html"}
TRUSTED = "; require-trusted-types-for 'script'"
CHECKED = "?checked"
"""At the end of a page's address: it's served without Trusted Types, which axe-core and its kind can't work under."""


class Shop:
    """Where the shop is; `hub` and `line` are what its pages let in and what's in them, once that's known."""

    def __init__(self) -> None:
        self.url = ""
        self.hub = ""
        self.line = ""

    def embed(self, hub: str, script: str) -> None:
        """Put a hub's chat into each page, by its one line."""
        self.hub = hub
        self.line = f'<script src="{hub}{script}" async></script>'

    def answer(self, asked: str) -> bytes:
        """Return a whole response."""
        path, mark, _ = asked.partition(CHECKED)
        file = FOLDER / PAGES.get(path, path.removeprefix("/"))
        if not file.is_file():
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        body = file.read_text(encoding="utf-8").replace("<!-- chat -->", self.line).encode()
        own = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'self'; img-src 'self'"
        policy = f"{own}; script-src {self.hub}; connect-src {self.hub}{'' if mark else TRUSTED}"
        head = f"Content-Type: {KINDS[file.suffix]}\r\nContent-Security-Policy: {policy}\r\nContent-Length: {len(body)}"
        return f"HTTP/1.1 200 OK\r\n{head}\r\nConnection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def shopping() -> AsyncIterator[Shop]:
    """Serve a shop until the end of the block."""
    shop = Shop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        # The reading below a page's folder is of a few small files of the tests' own.
        writer.write(shop.answer(asked))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    shop.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield shop
