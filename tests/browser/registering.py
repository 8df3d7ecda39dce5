"""A whole registry on a free port, and people who publish in it as the command line does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from playwright.async_api import FilePayload, Page
from sqlalchemy import insert

from hub.clock import SystemClock
from hub.packages.inspecting import inspected
from hub.registry.parts import Parts, at_work, opened
from hub.registry.records import AccountId, Rating
from hub.registry.shelf import values
from hub.registry.tables import ratings
from hub.releases import Release
from hub.shelves import ShelfConfig
from hub.statements import SigningKey, shown
from hub.web.server import Server
from tests.apps import registry_over
from tests.browser.running import Tabs

PASSWORD = "correct horse battery"
ADMIN = "root-admin"


@dataclass
class Author:
    """An account with a publisher and its key."""

    http: httpx.AsyncClient
    name: str
    key: SigningKey = field(default_factory=SigningKey.fresh)

    async def publish(self, archive: bytes) -> dict[str, object]:
        """Sign an archive by what's in it, and send it."""
        sheet = inspected(archive).sheet
        full = f"{self.name}/{sheet.name}"
        release = Release.of(full, sheet.version, archive, sheet.asks, datetime.now(UTC))
        sent = {"archive": ("a.zip", archive), "statement": ("s.json", self.key.seal(release))}
        answer = await self.http.put(f"/packages/{full}/versions/{sheet.version}", files=sent)
        assert answer.status_code == 201, answer.text
        told: dict[str, object] = answer.json()
        return told

    async def post(self, path: str, **body: object) -> dict[str, object]:
        """Ask for something, which must be granted."""
        answer = await self.http.post(path, json=body)
        assert answer.is_success, answer.text
        told: dict[str, object] = answer.json()
        return told


@dataclass
class Shop:
    """A registry that serves."""

    url: str
    parts: Parts
    rest: AsyncExitStack

    @property
    def pages(self) -> str:
        """Where its pages begin."""
        return f"{self.url}/registry"

    async def account(self, name: str, *, key: bool = True) -> Author:
        """Open an account with a publisher of its name, and name its key."""
        http = await self.rest.enter_async_context(httpx.AsyncClient(base_url=f"{self.pages}/v1", timeout=30))
        answer = await http.post("/accounts", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        http.cookies.clear()
        http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        author = Author(http, name)
        if key:
            await author.post(f"/publishers/{name}/keys", public=shown(author.key.public))
        return author

    async def rated(self, package: str, by: str, stars: int, text: str, *, counted: bool = True) -> None:
        """Keep a rating, as one is kept after a day with the package."""
        publisher, _, name = package.partition("/")
        row = await self.parts.accounts.sign_in(by, PASSWORD)
        now = datetime.now(UTC)
        rating = Rating(
            publisher=publisher,
            name=name,
            account=AccountId(row[0].id),
            version="1.0.0",
            stars=stars,
            text=text,
            hub=f"hub of {by}",
            counted=counted,
            created_at=now,
            updated_at=now,
        )
        await self.parts.shelf.write(lambda each: each.execute(insert(ratings).values(values(rating))) and None)


def a_file(name: str, data: bytes) -> FilePayload:
    """Return a file as it's chosen or dropped."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


@asynccontextmanager
async def shopping(data: Path, *, listed_after_days: float = 0) -> AsyncIterator[Shop]:
    """Run a registry until the end of the block."""
    config = ShelfConfig(listed_after_days=listed_after_days, admins=(ADMIN,), new_packages=50, new_versions=50)
    async with AsyncExitStack() as rest:
        listening = rest.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        parts = await rest.enter_async_context(opened(config, data, url, SystemClock(), memory=64))
        await rest.enter_async_context(at_work(parts))
        server = Server(registry_over(parts), closing=asyncio.Event())
        async with asyncio.TaskGroup() as group:
            served = group.create_task(server.serve(sockets=[listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                async with AsyncExitStack() as clients:
                    yield Shop(url, parts, clients)
            finally:
                server.should_exit = True
                await served


async def signed_in(tabs: Tabs, shop: Shop, name: str, onward: str = "/account") -> Page:
    """Sign in by the page."""
    page = await tabs.open(f"{shop.pages}/sign-in?next=/registry{onward}")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{shop.pages}{onward}")
    return page
