"""An installer over a registry that's made up, on a clock that's moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.outward import RegistryConfig
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.lookout import Rules
from hub.packages.plugins import Plugins
from hub.packages.registry import Registries
from hub.packages.scripts import Scripts
from hub.packages.sources import Sources
from hub.ports import Documents
from hub.records import OWNER, Package
from hub.statements import SigningKey
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock
from tests.unit.packages.shelving import URL, RegistryEgress, StandIn


class World:
    """A registry, and a hub that installs from it."""

    def __init__(self, folder: Path, documents: Documents | None = None) -> None:
        self.folder = folder
        self.store, self.documents = MemoryStore(), documents or MemoryDocuments()
        self.clock = FakeClock()
        self.registry = StandIn(clock=self.clock)
        self.egress = RegistryEgress(self.registry)
        self.identity = SigningKey.fresh()
        self.scripts = Scripts()
        self.config = RegistryConfig(url=URL)
        self.rules = Rules()

    def registries(self) -> Registries:
        """Return the client, as after a restart."""
        return Registries([self.config], self.egress, self.documents, self.clock, self.identity)

    def opened(self) -> Installer:
        """Return an installer, as after a restart."""
        kinds: list[Kind] = [Plugins(self.scripts, MemoryDocuments()), Agents()]
        sources = Sources(self.egress, self.registries())
        return Installer(
            self.store, self.folder, kinds, self.clock, tools=[], agents=[], sources=sources, rules=self.rules
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Installer]:
        """Open an installer and have it work."""
        installer = self.opened()
        await installer.open()
        running = asyncio.ensure_future(installer.run())
        try:
            yield installer
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await installer.close()

    async def fetch(self, source: str, *grants: str) -> Package:
        """Install from a source, as a hub that was just started; raises why it failed."""
        async with self.running() as installer:
            requested = await installer.request(source, grants, OWNER)
            package = await installer.wait(requested.id, 10)
            assert package
            return package
