"""A day whose hub is served on a free port, for clients that others wrote."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from hub.flow.people import OWNER_KEY, new_secret
from hub.records import HOME, OWNER, PersonId, Quotas, TenantId
from hub.services import services_of
from hub.web.server import Server
from tests.apps import app_over
from tests.stories.day import Day


@dataclass(frozen=True)
class Served:
    """A hub with an address and its owner's key."""

    day: Day
    url: str
    key: str

    @property
    def headers(self) -> Mapping[str, str]:
        return bearer(self.key)

    def client(self, key: str | None = None, **fields: Any) -> httpx.AsyncClient:
        """Return a plain HTTP client with the owner's key, or another, or none ("")."""
        key = self.key if key is None else key
        told = {**(bearer(key) if key else {}), **fields.pop("headers", {})}
        return httpx.AsyncClient(base_url=self.url, headers=told, timeout=20, **fields)

    async def key_for(
        self, *scopes: str, agents: tuple[str, ...] = (), tenant: TenantId = HOME, person: PersonId = OWNER
    ) -> str:
        """Return a fresh key with these scopes."""
        _, secret = await self.day.hub.people.create_key(tenant, person, "a program", scopes, agents=agents)
        return secret

    async def another_tenant(self) -> str:
        """Return the key of another tenant's owner, who is called as ours is."""
        _, _, secret = await self.day.hub.business.tenants.create("Bea & Co", Quotas())
        return secret


def bearer(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def served(day: Day) -> AsyncIterator[Served]:
    """Serve the hub of a day."""
    async with day:
        _, key = new_secret(OWNER_KEY)
        await day.hub.people.ensure_owner(key)
        listening = socket.create_server(("127.0.0.1", 0))
        server = Server(app_over(services_of(day.hub, "s")), closing=day.hub.closing)
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield Served(day, f"http://127.0.0.1:{listening.getsockname()[1]}", key)
        finally:
            server.should_exit = True
            await serving
