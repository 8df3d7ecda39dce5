"""Somebody else's site: its pages attack, and whatever is sent to it is noted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Dialog, Error, Page

from tests.browser.running import Tabs


@dataclass
class Hostile:
    """A site on a port of its own: by 127.0.0.1 of the hub's own site, as browsers see it, by localhost another."""

    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    """HTML by path."""
    hits: list[str] = field(default_factory=list)
    """Heads of all that was sent to it, but for its own pages."""

    def url(self, host: str = "localhost") -> str:
        """Return its address by one of its names."""
        return f"http://{host}:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        path = head.split()[1]
        page = self.pages.get(path)
        if page is None and path != "/favicon.ico":
            self.hits.append(head)
        body = (page or "").encode()
        kind = "text/html" if page is not None else "text/javascript"
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nAccess-Control-Allow-Origin: *\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def hostile(**pages: str) -> AsyncIterator[Hostile]:
    """Serve it; each page has a script or a form."""
    site = Hostile(pages={f"/{name}": html for name, html in pages.items()})
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


@dataclass
class Watched:
    """Pages of a browser, and whatever ran or was refused in them that shouldn't have been there at all."""

    tabs: Tabs
    seen: list[str] = field(default_factory=list)

    async def open(self, url: str) -> Page:
        """Open an address in a new tab and wait until it's quiet."""
        page = await self.tabs.context.new_page()
        page.on("dialog", self._dialog)
        page.on("console", lambda said: self.seen.append(said.text) if said.text.startswith("CSP") else None)
        await page.goto(url)
        return page

    async def _dialog(self, dialog: Dialog) -> None:
        self.seen.append("a dialog")
        await dialog.dismiss()

    async def effects(self) -> list[str]:
        """Return what the pages show of an attack that had an effect."""
        return [*self.seen, *[page.url for page in self.tabs.context.pages if await _owned(page)]]


async def _owned(page: Page) -> bool:
    while True:
        try:
            return bool(await page.evaluate("(window.owned ?? null) !== null"))
        except Error as error:
            # It goes on to another address just now.
            if "context was destroyed" not in error.message:
                raise


async def submitted(page: Page) -> int:
    """Submit a page's form; return the status of the answer, wherever that leads."""
    async with page.expect_navigation() as led:
        await page.evaluate("document.forms[0].submit()")
    answer = await led.value
    assert answer is not None
    return answer.status
