"""Installs, updates, switches, rolls back and removes packages: each wholly or not at all.

Files are written beside their place and moved there; then one commit says what holds. Killed before it, all is as it
was, and what lies about is cleared away at the next start; killed after it, all is as it was wished.
"""

import asyncio
import logging
import tomllib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import AgentHostError, BadRequest, ManifestError, NotFound, StoreUnavailable
from hub.failpoints import reach
from hub.manifests import Agent, Plugin, load_agent, load_plugin
from hub.manifests.reading import NAME
from hub.packages.archive import Entry, unpacked
from hub.packages.place import Place, digest_of
from hub.packages.plugins import PluginTool, check, plugin_tools
from hub.packages.scripts import Scripts
from hub.ports import Add, Change, Clock, Documents, Remove, Save, Store
from hub.records import HOME, Edition, Package, PackageId, PackageKind

log = logging.getLogger(__name__)

SECONDS = 10.0
"""For unpacking an archive."""

Loaded = Plugin | Agent


class Sheet(Struct, frozen=True, kw_only=True):
    """What a package is and what it asks for, in words for whoever decides about it."""

    name: str
    version: str
    kind: PackageKind
    description: str
    tools: tuple[str, ...]
    """A plugin's own tools; an agent's that it would use."""
    asks: tuple[str, ...]
    """Permissions, as "fs:data"."""


class Installed(Struct, frozen=True, kw_only=True):
    """All that's installed and enabled, ready to be used."""

    tools: tuple[PluginTool, ...] = ()
    agents: Mapping[str, Agent] = {}


class Installer:
    """Keeps packages. One change at a time."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        scripts: Scripts,
        documents: Documents,
        clock: Clock,
        *,
        tools: Collection[str],
        agents: Collection[str],
    ) -> None:
        """`tools` and `agents` are the names that the hub itself and the operator's folders have taken."""
        self._store = store
        self._place = Place(folder)
        self._scripts = scripts
        self._documents = documents
        self._clock = clock
        self._taken_tools = tuple(tools)
        self._taken_agents = frozenset(agents)
        self._one = asyncio.Lock()
        self._changed: Callable[[Installed], None] = lambda _: None

    def watch(self, changed: Callable[[Installed], None]) -> None:
        """Have `changed` called with what's enabled, at `open` and after each change."""
        self._changed = changed

    async def open(self) -> None:
        """Clear away what a crash left, and load what's enabled."""
        async with self._one:
            await self._clear()
            await self._load()

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
        return _sheet(await asyncio.to_thread(self._read, package.kind, self._path(package.id, package.now)))

    async def install(self, archive: bytes, grants: Collection[str], source: str) -> Package:
        """Install a package from a zip file, or update it; it's enabled if it has all the permissions it asks for.

        The very same files again change nothing but the grants. Raises ManifestError for what's wrong with the package,
        BadRequest for a grant that it doesn't ask for, StoreUnavailable if it can't be written.
        """
        async with self._one:
            async with asyncio.timeout(SECONDS):
                entries = await asyncio.to_thread(unpacked, archive)
            kind, name = _kind_and_name(entries)
            try:
                draft = await asyncio.to_thread(self._place.draft, name, entries)
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

    async def _install(
        self, kind: PackageKind, draft: Path, digest: str, grants: Collection[str], source: str
    ) -> Package:
        loaded = await asyncio.to_thread(self._read, kind, draft)
        if isinstance(loaded, Plugin):
            await check(loaded, self._scripts)
        sheet = _sheet(loaded)
        _check_grants(sheet, grants)
        edition = Edition(version=loaded.version, digest=digest, grants=tuple(sorted(set(grants))), source=source)
        package = await self._next(sheet, edition)
        await self._fits(package, loaded)
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

    async def _fits(self, package: Package, loaded: Loaded) -> None:
        """Raise ManifestError if a name that the package brings is taken by the hub or by another package."""
        others = [other for other in await self.packages() if other.id != package.id and other.state == "enabled"]
        match loaded:
            case Plugin():
                plugins = [await self._loaded(other) for other in others if other.kind == "plugin"]
                known = {plugin.name: plugin for plugin in (*plugins, loaded) if isinstance(plugin, Plugin)}
                plugin_tools(known, self._taken_tools, self._scripts, self._documents)
            case Agent():
                if loaded.name in self._taken_agents:
                    raise ManifestError(f"{loaded.name}: there's an agent of that name; call it something else")
            case _:
                assert_never(loaded)

    async def _save(self, package: Package) -> Package:
        known = await self._store.package(HOME, package.id)
        package = replace(package, updated_at=self._clock.now())
        if package.state == "enabled":
            await self._fits(package, await self._loaded(package))
        change: Change = Save(package) if known else Add(package)
        await self._store.commit(change)
        reach("package.committed")
        await self._load()
        await self._clear()
        return package

    async def _load(self) -> None:
        tools: tuple[PluginTool, ...] = ()
        agents: dict[str, Agent] = {}
        for package in await self.packages():
            if package.state != "enabled":
                continue
            try:
                match await self._loaded(package):
                    case Plugin() as plugin:
                        taken = (*self._taken_tools, *(tool.name for tool in tools))
                        tools += plugin_tools({plugin.name: plugin}, taken, self._scripts, self._documents)
                    case Agent() as agent:
                        agents[agent.name] = agent
            except AgentHostError as error:
                # A tool of that name came with a new version of the hub, or somebody meddled with the files.
                log.error("package %s is left out: %s", package.id, error)
        self._changed(Installed(tools=tools, agents=agents))

    async def _loaded(self, package: Package) -> Loaded:
        return await asyncio.to_thread(self._read, package.kind, self._path(package.id, package.now))

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

    def _read(self, kind: PackageKind, folder: Path) -> Loaded:
        try:
            if kind == "agent":
                return load_agent(folder)
            return replace(load_plugin(folder), path=f"{folder.name}/plugin.py")
        except ManifestError as error:
            # Where it lies on this machine is nobody's business.
            raise ManifestError(str(error).replace(f"{folder}/", "")) from None


def _kind_and_name(entries: tuple[Entry, ...]) -> tuple[PackageKind, str]:
    """Return what a package is, by its manifest, and the name that this gives."""
    manifests: dict[str, PackageKind] = {"plugin.toml": "plugin", "agent.toml": "agent"}
    found = [entry for entry in entries if entry.path in manifests]
    if len(found) != 1:
        which = "has both plugin.toml and agent.toml" if found else "has neither plugin.toml nor agent.toml at its top"
        raise ManifestError(f"archive: {which}; a package has one of them")
    return manifests[found[0].path], _name_in(found[0])


def _name_in(manifest: Entry) -> str:
    """Return the name that a manifest gives, if it can be a folder's; what's wrong with it is told by who reads it."""
    with suppress(ValueError, KeyError):
        name = tomllib.loads(manifest.data.decode())["name"]
        if isinstance(name, str) and NAME.fullmatch(name):
            return name
    return "package"


def _sheet(loaded: Loaded) -> Sheet:
    match loaded:
        case Plugin():
            asks = [f"fs:{loaded.permissions.fs}"] if loaded.permissions.fs else []
            kind: PackageKind = "plugin"
            tools = tuple(loaded.tools)
        case Agent():
            asks, kind, tools = [], "agent", loaded.tools
        case _:
            assert_never(loaded)
    return Sheet(
        name=loaded.name,
        version=loaded.version,
        kind=kind,
        description=loaded.description,
        tools=tools,
        asks=tuple(asks),
    )


def _check_grants(sheet: Sheet, grants: Collection[str]) -> None:
    if odd := sorted(set(grants) - set(sheet.asks)):
        asks = ", ".join(sheet.asks) or "nothing"
        raise BadRequest("grants", f"{odd[0]!r} isn't asked for; {sheet.name} asks for {asks}")
