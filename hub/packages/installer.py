"""Installs, updates, switches, rolls back and removes packages: each wholly or not at all.

Files are written beside their place and moved there; then one commit says what holds. Killed before it, all is as it
was, and what lies about is gone on with or cleared away at the next start; killed after it, all is as it was wished.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import AgentHostError, BadRequest, ManifestError, NotFound
from hub.failpoints import reach
from hub.manifests import Agent
from hub.packages.editions import Shelf
from hub.packages.granting import arrived, check_grants, dated, granted, switched
from hub.packages.intake import Intake, Ready, ended
from hub.packages.kinds import Kind, Sheet
from hub.packages.linked import Linked
from hub.packages.lookout import Lookout, Rules
from hub.packages.place import Place
from hub.packages.scanning import Scanner
from hub.packages.sources import Sources, again
from hub.packages.turn import Turn
from hub.ports import Add, Change, Clock, Hubs, Remove, Save, Store, Tool
from hub.records import HOME, OWNER, Installation, InstallationId, Package, PackageId, PersonId, Standing

log = logging.getLogger(__name__)

RESERVED = frozenset({"installations", "check"})
"""Names that mean something else in /v1/packages/NAME."""


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
        sources: Sources | None = None,
        scanner: Scanner | None = None,
        dev: bool = False,
        hubs: Hubs | None = None,
        rules: Rules | None = None,
    ) -> None:
        """`tools` and `agents` are the names that the hub itself and the operator's folders have taken.

        Without `sources` only uploads are installed, without `dev` no folder is linked. `hubs` share the folder. The
        `rules` say what's done by itself about what registries have that's newer.
        """
        self._store = store
        self._place = Place(folder)
        kinds = tuple(kinds)
        self.editions = Shelf(store, self._place, kinds)
        """For the tasks that go on with an edition."""
        self._clock = clock
        self._taken_tools = tuple(tools)
        self._taken_agents = frozenset(agents)
        self._turn = Turn(hubs)
        self._changed: Callable[[Installed], None] = lambda _: None
        self._intake = Intake(
            store,
            self._place,
            kinds,
            clock,
            sources,
            scanner or Scanner(),
            finish=self._finish,
            check=self._check,
        )

        self.registries = sources.registries if sources else None
        self.lookout = Lookout(self, self.registries, clock, rules or Rules(), on_duty=self._turn.on_duty)
        """Looks whether what's installed was taken back, and whether there's something newer."""
        self._linked = Linked(clock, self.install, self.packages, allowed=dev)

    def watch(self, changed: Callable[[Installed], None]) -> None:
        """Have `changed` called with what's enabled, at `open` and after each change."""
        self._changed = changed

    async def open(self) -> None:
        """Clear away what a crash left and can't be gone on with, and load what's enabled."""
        async with self._turn.changing():
            await self._intake.forget()
            await self._clear()
            await self._load()

    async def run(self) -> None:
        """Go on with installations that a crash cut off, then with what's requested or linked, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._turn.go_on(self._intake.go_on, self._clock))
            group.create_task(self._turn.follow(self._load))
            group.create_task(self._intake.run())
            group.create_task(self._linked.run())
            group.create_task(self.lookout.run())

    async def go_on(self) -> None:
        """Bring installations that a crash cut off to an end."""
        await self._intake.go_on()

    async def close(self) -> None:
        """End what was begun for packages."""
        async with self._turn.here():
            await self.editions.keep(lambda _, __: False)

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
        return await self.editions.sheet(package, package.now)

    async def next_sheet(self, package: Package) -> Sheet | None:
        """Return what a package's waiting update is and asks for, None if none waits."""
        return await self.editions.sheet(package, package.next) if package.next else None

    async def standing(self, package: Package) -> Standing | None:
        """Return how a package stands in its registry, None if it's from none, or nobody looked yet."""
        return await self.registries.standings.of(package) if self.registries else None

    async def installations(self, limit: int = 100) -> tuple[Installation, ...]:
        """Return packages that came in or are on their way, newest first."""
        return await self._store.installations(HOME, limit)

    async def installation(self, id: str) -> Installation:
        """Return how far a package is on its way in; raises NotFound."""
        found = await self._store.installation(HOME, InstallationId(id))
        if found is None:
            raise NotFound(f"installation: there's no {id!r}; GET /v1/packages/installations lists them")
        return found

    # --- changes

    async def install(
        self, archive: bytes, grants: Collection[str], source: str, by: PersonId = OWNER, *, enable: bool = True
    ) -> Package:
        """Install a package from a zip file, or update it.

        It's enabled if it has all the permissions it asks for, and a scan found nothing odd; an update that lacks one
        waits as the package's `next`, and what's enabled goes on. Without `enable` it's not used before somebody has
        looked at it. The very same files again change nothing but the grants. Raises ManifestError for what's wrong
        with the package, BadRequest for a grant that it doesn't ask for, ScanError if nobody can tell whether it's odd,
        StoreUnavailable if it can't be written.
        """
        return await self._intake.upload(archive, grants, source, by, enable=enable)

    async def link(self, folder: str, grants: Collection[str]) -> Package:
        """Install a folder of this machine, and again after each change; raises NotAllowed unless the config allows."""
        return await self._linked.link(folder, grants)

    async def request(self, source: str, grants: Collection[str], by: PersonId, *, enable: bool = True) -> Installation:
        """Have a package fetched from a URL or a registry and installed; raises BadRequest for another source.

        It's on disk that it's wished for when this returns; the rest is done by `run`.
        """
        return await self._intake.request(source, grants, by, enable=enable)

    async def update(self, id: str, by: PersonId, version: str = "") -> Installation:
        """Have a package fetched again from where it came from, as a `version` if its registry is to give that one.

        Raises BadRequest if it was uploaded.
        """
        package = await self.package(id)
        return await self._intake.request(again(package.now.source), (), by, name=package.id, version=version)

    async def wait(self, id: InstallationId, seconds: float) -> Package | None:
        """Return what was requested once it's installed, None if that takes longer; raises why it failed."""
        return await self._intake.wait(id, seconds)

    async def grant(self, id: str, grants: Collection[str]) -> Package:
        """Give a package exactly these permissions; without all that it asks for it's disabled.

        An update that waits for a permission is used once it has all, unless it's odd: then it's to be enabled.
        """
        async with self._turn.changing():
            package = await self.package(id)
            sheet, coming = await self.sheet(package), await self.next_sheet(package)
            check_grants(grants, sheet, *((coming,) if coming else ()))
            package = replace(package, now=granted(package.now, sheet, grants))
            if set(sheet.asks) - set(grants):
                package = replace(package, state="disabled")
            if coming and package.next:
                package = replace(package, next=granted(package.next, coming, grants))
                if not set(coming.asks) - set(grants) and package.next and not package.next.found:
                    package = switched(package)
            return await self._save(package)

    async def enable(self, id: str) -> Package:
        """Have a package used, or an update of it that waits.

        Raises BadRequest if it lacks a permission or a name is taken.
        """
        async with self._turn.changing():
            package = await self.package(id)
            coming = await self.next_sheet(package)
            if coming and package.next:
                missing = sorted(set(coming.asks) - set(package.next.grants))
                if not missing:
                    return await self._save(replace(switched(package), state="enabled"))
                if package.state == "enabled":
                    raise BadRequest("grants", f"version {coming.version} needs {', '.join(missing)}; grant it first")
            if missing := sorted(set((await self.sheet(package)).asks) - set(package.now.grants)):
                raise BadRequest("grants", f"{id} needs {', '.join(missing)}; grant it first, or leave it disabled")
            return await self._save(replace(package, state="enabled"))

    async def disable(self, id: str) -> Package:
        """Have a package not used; it stays installed."""
        async with self._turn.changing():
            return await self._save(replace(await self.package(id), state="disabled"))

    async def roll_back(self, id: str) -> Package:
        """Forget an update that waits; else bring back what a package was before its last update, grants included.

        Once more, and the latter is undone.
        """
        async with self._turn.changing():
            package = await self.package(id)
            if package.next:
                return await self._save(replace(package, next=None))
            if package.before is None:
                raise BadRequest("id", f"{id} has no earlier version here")
            back = replace(package, now=package.before, before=package.now)
            lacks = set((await self.sheet(back)).asks) - set(back.now.grants)
            return await self._save(replace(back, state="disabled" if lacks else package.state))

    async def remove(self, id: str) -> None:
        """Remove a package and its files; the documents it kept about people stay until they're erased."""
        async with self._turn.changing():
            await self._store.commit(Remove(package := await self.package(id)))
            if self.registries:
                await self.registries.standings.forget(package.id)
            reach("package.committed")
            await self._load()
            await self._clear()

    # --- inside

    async def _check(self, sheet: Sheet, grants: Collection[str]) -> tuple[str, ...]:
        """Return what a package is granted, with what it was granted before; raises if it can't be installed."""
        check_grants(grants, sheet)
        await self._fits(sheet)
        known = await self._store.package(HOME, PackageId(sheet.name))
        had = {*grants, *(known.now.grants if known else ())}
        return tuple(sorted(had.intersection(sheet.asks)))

    async def _finish(self, installation: Installation, ready: Ready) -> Package:
        async with self._turn.changing():
            await self._check_standing(ready.edition.digest, f"{ready.sheet.name} {ready.sheet.version}")
            grants = await self._check(ready.sheet, installation.grants)
            known, now = await self._store.package(HOME, PackageId(ready.sheet.name)), self._clock.now()
            edition = replace(ready.edition, grants=grants)
            package = dated(arrived(known, ready.sheet, edition, now, enable=ready.enable), known, now)
            coming = next(each for each in (package.next, package.now) if each and each.digest == ready.edition.digest)
            await asyncio.to_thread(self._place.move, ready.draft, self.editions.path(package.id, coming))
            reach("package.moved")
            change: Change = Save(package) if known else Add(package)
            await self._store.commit(change, *ended(installation, package, coming, self._clock))
            reach("package.committed")
            await self._load()
            await self._clear()
            return package

    async def _check_standing(self, digest: str, what: str) -> None:
        """Raise ManifestError for what a registry took away."""
        if self.registries and (why := await self.registries.standings.revoked(digest)):
            raise ManifestError(f"{what}: its registry took it away, so it isn't used: {why[:300]}")

    async def _fits(self, sheet: Sheet) -> None:
        """Raise ManifestError if a name that a package brings is taken by the hub or by another package."""
        if sheet.name in RESERVED:
            raise ManifestError(f"{sheet.name}: that's what something else is called here; call it something else")
        if sheet.kind == "agent":
            if sheet.name in self._taken_agents:
                raise ManifestError(f"{sheet.name}: there's an agent of that name; call it something else")
            return
        owners = dict.fromkeys(self._taken_tools, "the hub itself")
        for other in await self.packages():
            if other.id != sheet.name and other.state == "enabled" and other.kind != "agent":
                owners |= dict.fromkeys(await self._tools_of(other), f"package {other.id}")
        for name in sheet.tools:
            if name in owners:
                raise ManifestError(
                    f"{sheet.name}: {name}: {owners[name]} has a tool of that name; call it something else"
                )

    async def _tools_of(self, package: Package) -> tuple[str, ...]:
        # What's open tells without a look into its files: with a hundred packages that's most of an install.
        names = self.editions.names(package)
        return (await self.sheet(package)).tools if names is None else names

    async def _save(self, package: Package) -> Package:
        now = self._clock.now()
        package = replace(dated(package, await self._store.package(HOME, package.id), now), updated_at=now)
        if package.state == "enabled":
            await self._check_standing(package.now.digest, f"{package.id} {package.now.version}")
            await self._fits(await self.sheet(package))
        await self._store.commit(Save(package))
        reach("package.committed")
        await self._load()
        await self._clear()
        return package

    async def _load(self) -> None:
        """Have all that's enabled ready for use, and nothing else; what's unchanged isn't begun anew."""
        tools: dict[str, Tool] = {}
        agents: dict[str, Agent] = {}
        enabled = [package for package in await self.packages() if package.state == "enabled"]
        pinned = {pin.digest for pin in await self._store.pinned(HOME)}
        await self.editions.keep(
            lambda id, edition: any(
                each.id == id and (replace(each.now, since=None) == edition or edition.digest in pinned)
                for each in enabled
            )
        )
        for package in enabled:
            try:
                opened = await self.editions.opened(package)
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

    async def _clear(self) -> None:
        packages = await self.packages()
        there = {package.id for package in packages}
        wanted = [
            self.editions.path(package.id, edition)
            for package in packages
            for edition in (package.now, package.before, package.next)
            if edition
        ]
        wanted += [
            self._place.of(pin.package, pin.version, pin.digest)
            for pin in await self._store.pinned(HOME)
            if pin.package in there
        ]
        await asyncio.to_thread(self._place.clear, wanted, await self._intake.coming())
