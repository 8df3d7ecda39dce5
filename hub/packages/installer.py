"""Installs, updates, switches, rolls back and removes packages: each wholly or not at all.

Files are written beside their place and moved there; then one commit says what holds. Killed before it, all is as it
was, and what lies about is cleared away at the next start; killed after it, all is as it was wished.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import AgentHostError, BadRequest, ManifestError, NotFound, StoreUnavailable
from hub.failpoints import reach
from hub.manifests import Agent
from hub.packages.archive import Entry, unpacked
from hub.packages.kinds import Kind, Opened, Sheet
from hub.packages.place import Place, digest_of
from hub.ports import Add, Change, Clock, Remove, Save, Store, Tool
from hub.records import HOME, Edition, Package, PackageId, PackageKind

log = logging.getLogger(__name__)

SECONDS = 10.0
"""For unpacking an archive."""


class Installed(Struct, frozen=True, kw_only=True):
    """All that's installed and enabled, ready to be used."""

    tools: tuple[Tool, ...] = ()
    agents: Mapping[str, Agent] = {}


class Installer:
    """Keeps packages. One change at a time."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        kinds: Iterable[Kind],
        clock: Clock,
        *,
        tools: Collection[str],
        agents: Collection[str],
    ) -> None:
        """`tools` and `agents` are the names that the hub itself and the operator's folders have taken."""
        self._store = store
        self._place = Place(folder)
        self._kinds = {kind.kind: kind for kind in kinds}
        self._clock = clock
        self._taken_tools = tuple(tools)
        self._taken_agents = frozenset(agents)
        self._one = asyncio.Lock()
        self._open: dict[Edition, Opened] = {}
        self._changed: Callable[[Installed], None] = lambda _: None

    def watch(self, changed: Callable[[Installed], None]) -> None:
        """Have `changed` called with what's enabled, at `open` and after each change."""
        self._changed = changed

    async def open(self) -> None:
        """Clear away what a crash left, and load what's enabled."""
        async with self._one:
            await self._clear()
            await self._load()

    async def close(self) -> None:
        """End what was begun for packages."""
        async with self._one:
            await self._close_all_but(())

    async def packages(self) -> tuple[Package, ...]:
        """Return everything that's installed, by name."""
        return await self._store.packages(HOME)

    async def package(self, id: str) -> Package:
        """Return an installed package; raises NotFound."""
        package = await self._store.package(HOME, PackageId(id))
        if package is None:
            raise NotFound(f"package: there's no {id!r}; GET /v1/packages lists them")
        return package

    async def sheet(self, package: Package) -> Sheet:
        """Return what an installed package is and asks for."""
        return await asyncio.to_thread(self._kind(package.kind).sheet, self._path(package.id, package.now))

    async def install(self, archive: bytes, grants: Collection[str], source: str) -> Package:
        """Install a package from a zip file, or update it; it's enabled if it has all the permissions it asks for.

        The very same files again change nothing but the grants. Raises ManifestError for what's wrong with the package,
        BadRequest for a grant that it doesn't ask for, StoreUnavailable if it can't be written.
        """
        async with self._one:
            async with asyncio.timeout(SECONDS):
                entries = await asyncio.to_thread(unpacked, archive)
            kind, manifest = self._kind_of(entries)
            try:
                draft = await asyncio.to_thread(self._place.draft, kind.name(manifest.data) or "package", entries)
                try:
                    return await self._install(kind, draft, digest_of(entries), grants, source)
                finally:
                    await asyncio.to_thread(self._place.drop, draft)
            except OSError as error:
                raise StoreUnavailable(f"the package can't be written: {error.strerror}") from None

    async def grant(self, id: str, grants: Collection[str]) -> Package:
        """Give a package exactly these permissions; without all that it asks for it's disabled."""
        async with self._one:
            package = await self.package(id)
            sheet = await self.sheet(package)
            _check_grants(sheet, grants)
            granted = replace(package, now=replace(package.now, grants=tuple(sorted(set(grants)))))
            if set(sheet.asks) - set(grants):
                granted = replace(granted, state="disabled")
            return await self._save(granted)

    async def enable(self, id: str) -> Package:
        """Have a package's tools or its agent used; raises BadRequest if it lacks a permission or a name is taken."""
        async with self._one:
            package = await self.package(id)
            if missing := sorted(set((await self.sheet(package)).asks) - set(package.now.grants)):
                raise BadRequest("grants", f"{id} needs {', '.join(missing)}; grant it first, or leave it disabled")
            return await self._save(replace(package, state="enabled"))

    async def disable(self, id: str) -> Package:
        """Have a package not used; it stays installed."""
        async with self._one:
            return await self._save(replace(await self.package(id), state="disabled"))

    async def roll_back(self, id: str) -> Package:
        """Bring back what a package was before its last update, grants included; once more, and it's undone."""
        async with self._one:
            package = await self.package(id)
            if package.before is None:
                raise BadRequest("id", f"{id} has no earlier version here")
            back = replace(package, now=package.before, before=package.now)
            lacks = set((await self.sheet(back)).asks) - set(back.now.grants)
            return await self._save(replace(back, state="disabled" if lacks else package.state))

    async def remove(self, id: str) -> None:
        """Remove a package and its files; the documents it kept about people stay until they're erased."""
        async with self._one:
            await self._store.commit(Remove(await self.package(id)))
            reach("package.committed")
            await self._load()
            await self._clear()

    # --- inside

    async def _install(self, kind: Kind, draft: Path, digest: str, grants: Collection[str], source: str) -> Package:
        sheet = await asyncio.to_thread(kind.sheet, draft)
        await kind.check(draft)
        _check_grants(sheet, grants)
        edition = Edition(version=sheet.version, digest=digest, grants=tuple(sorted(set(grants))), source=source)
        package = await self._next(sheet, edition)
        await self._fits(package, sheet)
        await kind.build(draft, edition.grants)
        reach("package.unpacked")
        await asyncio.to_thread(self._place.move, draft, self._path(package.id, edition))
        reach("package.moved")
        return await self._save(package)

    async def _next(self, sheet: Sheet, edition: Edition) -> Package:
        now = self._clock.now()
        enabled = not set(sheet.asks) - set(edition.grants)
        known = await self._store.package(HOME, PackageId(sheet.name))
        package = Package(
            id=PackageId(sheet.name),
            tenant=HOME,
            kind=sheet.kind,
            state="enabled" if enabled else "disabled",
            now=edition,
            created_at=now,
            updated_at=now,
        )
        if known is None:
            return package
        if known.kind != sheet.kind:
            raise ManifestError(f"{sheet.name}: there's a package of that name, of kind {known.kind}; remove it first")
        same = known.now.digest == edition.digest
        return replace(package, created_at=known.created_at, before=known.before if same else known.now)

    async def _fits(self, package: Package, sheet: Sheet) -> None:
        """Raise ManifestError if a name that the package brings is taken by the hub or by another package."""
        if sheet.kind == "agent":
            if sheet.name in self._taken_agents:
                raise ManifestError(f"{sheet.name}: there's an agent of that name; call it something else")
            return
        owners = dict.fromkeys(self._taken_tools, "the hub itself")
        for other in await self.packages():
            if other.id != package.id and other.state == "enabled" and other.kind != "agent":
                owners |= dict.fromkeys(await self._tools_of(other), f"package {other.id}")
        for name in sheet.tools:
            if name in owners:
                raise ManifestError(
                    f"{sheet.name}: {name}: {owners[name]} has a tool of that name; call it something else"
                )

    async def _tools_of(self, package: Package) -> tuple[str, ...]:
        # What's open tells without a look into its files: with a hundred packages that's most of an install.
        opened = self._open.get(package.now)
        return tuple(tool.name for tool in opened.tools) if opened else (await self.sheet(package)).tools

    async def _save(self, package: Package) -> Package:
        known = await self._store.package(HOME, package.id)
        package = replace(package, updated_at=self._clock.now())
        if package.state == "enabled":
            await self._fits(package, await self.sheet(package))
        change: Change = Save(package) if known else Add(package)
        await self._store.commit(change)
        reach("package.committed")
        await self._load()
        await self._clear()
        return package

    async def _load(self) -> None:
        """Have all that's enabled ready for use, and nothing else; what's unchanged isn't begun anew."""
        tools: dict[str, Tool] = {}
        agents: dict[str, Agent] = {}
        enabled = [package for package in await self.packages() if package.state == "enabled"]
        await self._close_all_but([package.now for package in enabled])
        for package in enabled:
            try:
                opened = await self._opened(package)
            except AgentHostError as error:
                # Somebody meddled with the files, or the sandbox is gone.
                log.error("package %s is left out: %s", package.id, error)
                continue
            for tool in opened.tools:
                # A tool of that name may have come with a new version of the hub.
                if tool.name in tools or tool.name in self._taken_tools:
                    log.error("package %s: its tool %s is left out, for there is one", package.id, tool.name)
                else:
                    tools[tool.name] = tool
            if opened.agent:
                agents[opened.agent.name] = opened.agent
        self._changed(Installed(tools=tuple(tools.values()), agents=agents))

    async def _opened(self, package: Package) -> Opened:
        if package.now not in self._open:
            path = self._path(package.id, package.now)
            self._open[package.now] = await self._kind(package.kind).open(package, path)
        return self._open[package.now]

    async def _close_all_but(self, wanted: Collection[Edition]) -> None:
        for edition in [edition for edition in self._open if edition not in wanted]:
            await self._open.pop(edition).close()

    async def _clear(self) -> None:
        wanted = [
            self._path(package.id, edition)
            for package in await self.packages()
            for edition in (package.now, package.before)
            if edition
        ]
        await asyncio.to_thread(self._place.clear, wanted)

    def _path(self, id: str, edition: Edition) -> Path:
        return self._place.of(id, edition.version, edition.digest)

    def _kind(self, kind: PackageKind) -> Kind:
        if kind not in self._kinds:
            raise ManifestError(f"this hub can't use packages of kind {kind}")
        return self._kinds[kind]

    def _kind_of(self, entries: tuple[Entry, ...]) -> tuple[Kind, Entry]:
        """Return what a package is, by the manifest at its top, and that."""
        kinds = {kind.manifest: kind for kind in self._kinds.values()}
        found = [(kinds[entry.path], entry) for entry in entries if entry.path in kinds]
        if len(found) == 1:
            return found[0]
        *others, last = sorted(kinds)
        names = f"{', '.join(others)} or {last}"
        if found:
            which = " and ".join(sorted(entry.path for _, entry in found))
            raise ManifestError(f"archive: has {which}; a package has one of {names}")
        raise ManifestError(f"archive: has no {names} at its top; a package has one of them")


def _check_grants(sheet: Sheet, grants: Collection[str]) -> None:
    if odd := sorted(set(grants) - set(sheet.asks)):
        asks = ", ".join(sheet.asks) or "nothing"
        raise BadRequest("grants", f"{odd[0]!r} isn't asked for; {sheet.name} asks for {asks}")
