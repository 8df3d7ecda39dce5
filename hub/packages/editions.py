"""Editions of packages, opened for use: those that are enabled now, and those that tasks go on with."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from hub.errors import AgentHostError, ManifestError
from hub.manifests import Agent
from hub.packages.kinds import Kind, Opened, Sheet
from hub.packages.place import Place
from hub.ports import Store, Tool
from hub.records import HOME, Edition, Package, PackageId, PackageKind, Pin

log = logging.getLogger(__name__)


class Shelf:
    """Opens editions, each once, and closes them; it's Editions for the tasks that go on with one."""

    def __init__(self, store: Store, place: Place, kinds: Iterable[Kind]) -> None:
        self._store = store
        self._place = place
        self._kinds = {kind.kind: kind for kind in kinds}
        self._one = asyncio.Lock()
        self._open: dict[tuple[PackageId, Edition], Opened] = {}

    def path(self, id: str, edition: Edition) -> Path:
        """Return the folder that holds an edition's files."""
        return self._place.of(id, edition.version, edition.digest)

    async def sheet(self, package: Package, edition: Edition) -> Sheet:
        """Return what an edition is and asks for."""
        return await asyncio.to_thread(self._kind(package.kind).sheet, self.path(package.id, edition))

    async def opened(self, package: Package) -> Opened:
        """Return the edition `package.now`, ready for use; raises ManifestError and what else its kind does."""
        key = _key(package)
        async with self._one:
            if key not in self._open:
                path = self.path(package.id, package.now)
                self._open[key] = await self._kind(package.kind).open(package, path)
            return self._open[key]

    def names(self, package: Package) -> tuple[str, ...] | None:
        """Return what the tools of the edition `package.now` are called, if it's open."""
        opened = self._open.get(_key(package))
        return None if opened is None else tuple(tool.name for tool in opened.tools)

    async def keep(self, wanted: Callable[[PackageId, Edition], bool]) -> None:
        """Close all that isn't wanted any more; it's asked of editions without their `since`."""
        async with self._one:
            for key in [key for key in self._open if not wanted(*key)]:
                await self._open.pop(key).close()

    # --- what tasks go on with

    async def tools(self, pins: Sequence[Pin]) -> tuple[Tool, ...]:
        """See Editions."""
        return tuple(tool for opened in await self._pinned(pins) for tool in opened.tools)

    async def agent(self, name: str, pins: Sequence[Pin]) -> Agent | None:
        """See Editions."""
        return next((each.agent for each in await self._pinned(pins) if each.agent and each.agent.name == name), None)

    async def edition(self, agent: str) -> tuple[PackageId, str, str] | None:
        """See Editions."""
        package = await self._store.package(HOME, PackageId(agent))
        if package is None or package.kind != "agent" or package.state != "enabled":
            return None
        return package.id, package.now.version, package.now.digest

    async def gone(self, pins: Sequence[Pin]) -> tuple[PackageId, ...]:
        """See Editions."""
        return tuple([pin.package for pin in pins if await self._of(pin) is None])

    async def _of(self, pin: Pin) -> Package | None:
        """Return a package as a task has it, None if it mustn't be used any more."""
        package = await self._store.package(HOME, pin.package)
        if package is None or package.state != "enabled":
            return None
        # Removed and installed anew, it's another package of that name.
        if not self._place.of(pin.package, pin.version, pin.digest).is_dir():
            return None
        return package

    async def _pinned(self, pins: Sequence[Pin]) -> list[Opened]:
        found = []
        for pin in pins:
            package = await self._of(pin)
            try:
                if package:
                    found.append(await self.opened(replace(package, now=await self._edition(package, pin))))
            except AgentHostError as error:
                log.error("package %s %s, which a task goes on with: %s", pin.package, pin.version, error)
        return found

    async def _edition(self, package: Package, pin: Pin) -> Edition:
        """Return a pinned edition, with no right that its package hasn't now, or hadn't when it was replaced."""
        for known in (package.now, package.before):
            if known and known.digest == pin.digest:
                return known
        edition = Edition(version=pin.version, digest=pin.digest)
        asks = (await self.sheet(package, edition)).asks
        return replace(edition, grants=tuple(grant for grant in package.now.grants if grant in asks))

    def _kind(self, kind: PackageKind) -> Kind:
        if kind not in self._kinds:
            raise ManifestError(f"this hub can't use packages of kind {kind}")
        return self._kinds[kind]


def _key(package: Package) -> tuple[PackageId, Edition]:
    """Return what an open edition is known by: since when it's enabled doesn't make it another one."""
    return package.id, replace(package.now, since=None)
