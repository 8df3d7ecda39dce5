"""Packages on their way in: each step is committed, so that after a crash one is gone on with, or given up in words.

requested -> fetched -> verified -> unpacked -> scanned -> built -> installed or enabled; or failed, with a reason. What
a crash left is begun again at the archive if that is whole, else at its source. An upload begins as fetched: until its
archive is on the disk nobody was promised anything. A refused one leaves its record too, so that whoever runs the hub
sees what somebody tried to install; only the newest are kept.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import AgentHostError, BadRequest, Conflict, ManifestError, StoreUnavailable
from hub.failpoints import reach
from hub.packages.archive import unpacked
from hub.packages.kinds import Kind, Sheet, kind_of
from hub.packages.place import AGAIN, ARCHIVE, CLAIM, Place, digest_of
from hub.packages.registry import Claim
from hub.packages.scanning import Scanner
from hub.packages.sources import Sources
from hub.ports import Add, Change, Clock, Remove, Save, Store
from hub.records import HOME, Edition, Installation, InstallationId, InstallationState, Package, PersonId, new_id, saved

log = logging.getLogger(__name__)

SECONDS = 10.0
"""For unpacking an archive."""
ENDS = frozenset({"installed", "enabled", "failed"})
KEPT = 200
"""Records of installations."""
AT_ONCE = 3
"""Sources that are fetched side by side."""


class Ready(Struct, frozen=True, kw_only=True):
    """A package that only has to be moved to its place."""

    sheet: Sheet
    edition: Edition
    draft: Path
    enable: bool


Finish = Callable[[Installation, Ready], Coroutine[Any, Any, Package]]
"""Moves a package to its place and commits it, together with the installation's end."""


class Intake:
    """Takes packages in."""

    def __init__(
        self,
        store: Store,
        place: Place,
        kinds: Iterable[Kind],
        clock: Clock,
        sources: Sources | None,
        scanner: Scanner,
        finish: Finish,
        check: Callable[[Sheet, Collection[str]], Coroutine[Any, Any, tuple[str, ...]]],
    ) -> None:
        """`check` raises early for what `finish` would raise for, and returns what the package will be granted."""
        self._store = store
        self._place = place
        self._kinds = tuple(kinds)
        self._clock = clock
        self._sources = sources
        self._scanner = scanner
        self._finish = finish
        self._check = check
        self._one = asyncio.Lock()
        self._waiting: asyncio.Queue[Installation] = asyncio.Queue()
        self._ends: dict[InstallationId, asyncio.Future[Package]] = {}
        self._begun: set[InstallationId] = set()
        """Those of this process: no crash cut them off, even if the store doesn't have them yet."""

    async def upload(
        self, archive: bytes, grants: Collection[str], source: str, by: PersonId, *, enable: bool
    ) -> Package:
        """Install what was sent; raises what's wrong with it, or why it can't be kept."""
        installation = self._new(source, grants, by, "fetched", digest=sha256(archive).hexdigest())
        try:
            await self._kept(installation, CLAIM, msgspec.json.encode(Claim(enable=enable)))
            await self._kept(installation, ARCHIVE, archive)
            await self._store.commit(Add(installation))
            reach("package.fetched")
            return await self._go_on(installation)
        finally:
            self._begun.discard(installation.id)

    async def request(
        self,
        source: str,
        grants: Collection[str],
        by: PersonId,
        *,
        name: str = "",
        version: str = "",
        enable: bool = True,
    ) -> Installation:
        """Have a package fetched from its source and installed, durably; `name` is what it must be called.

        `version` is the one that's wanted of a registry, where the source names none.

        Raises BadRequest for a source that can't be asked.
        """
        if self._sources is None:
            raise BadRequest("source", "this hub fetches nothing; upload the package")
        self._sources.check(source)
        installation = self._new(source, grants, by, "requested")
        await self._kept(installation, CLAIM, msgspec.json.encode(Claim(name=name, version=version, enable=enable)))
        await self._store.commit(Add(installation))
        reach("package.requested")
        self._ends[installation.id] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait(installation)
        return installation

    async def wait(self, id: InstallationId, seconds: float) -> Package | None:
        """Return what was requested once it's installed, None if that takes longer; raises why it failed."""
        end = self._ends.get(id)
        if end is None:
            return await self._outcome(id)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(end)
        except TimeoutError:
            return None

    async def _outcome(self, id: InstallationId) -> Package | None:
        installation = await self._store.installation(HOME, id)
        if installation and installation.state == "failed":
            raise ManifestError(installation.error)
        known = installation and installation.state in ENDS and installation.package
        return await self._store.package(HOME, known) if known else None

    async def run(self) -> None:
        """Go on with what's requested until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def go_on(self, before: datetime | None = None) -> None:
        """Bring what a crash cut off to an end; with `before`, only what's from before that time."""
        for installation in await self._cut_off():
            if before is None or installation.created_at < before:
                await self._again(installation)

    async def coming(self) -> frozenset[InstallationId]:
        """Return what's on its way, or was when the hub died."""
        # First those of this process: one may just be ending.
        begun = frozenset(self._begun)
        return begun.union(installation.id for installation in await self._cut_off())

    async def _cut_off(self) -> list[Installation]:
        found = await self._store.installations(HOME, KEPT * 2)
        return [each for each in reversed(found) if each.state not in ENDS and each.id not in self._begun]

    async def forget(self) -> None:
        """Forget the oldest records of what's long over."""
        found = await self._store.installations(HOME, KEPT * 2)
        over = [each for each in found if each.state in ENDS][KEPT:]
        if over:
            await self._store.commit(*map(Remove, over))

    # --- the work

    async def _work(self) -> None:
        while True:
            installation = await self._waiting.get()
            end = self._ends[installation.id]
            try:
                end.set_result(await self._fetched(installation))
            except Exception as error:
                if not isinstance(error, AgentHostError):
                    log.exception("installation %s stumbled", installation.id)
                end.set_exception(error)
                end.exception()  # whoever waited has it; nobody else is to be reminded
            finally:
                self._ends.pop(installation.id, None)
                self._begun.discard(installation.id)

    async def _again(self, installation: Installation) -> None:
        """Go on with what a crash cut off; what's cut off twice may itself be what kills the hub."""
        try:
            if self._place.kept(installation.id, AGAIN) is not None:
                await self._fail(installation, "the hub died over it twice; look into its log before you try again")
                return
            await self._kept(installation, AGAIN, b"")
            await (self._fetched(installation) if installation.state == "requested" else self._go_on(installation))
        except AgentHostError as error:
            log.warning("installation %s, cut off before, failed: %s", installation.id, error)
        except Exception:
            log.exception("installation %s, cut off before, stumbled", installation.id)

    async def _fetched(self, installation: Installation) -> Package:
        try:
            if self._sources is None:
                raise BadRequest("source", "this hub fetches nothing; upload the package")
            wanted = self._claim(installation)
            archive, claim = await self._sources.fetch(installation.source, wanted.version)
            if wanted.name and claim.name and wanted.name != claim.name:
                raise ManifestError(f"{installation.source}: is {claim.name}, not {wanted.name}")
            claim = replace(claim, name=claim.name or wanted.name, enable=wanted.enable)
            await self._kept(installation, CLAIM, msgspec.json.encode(claim))
            await self._kept(installation, ARCHIVE, archive)
            installation = await self._step(installation, "fetched", digest=sha256(archive).hexdigest())
        except AgentHostError as error:
            await self._fail(installation, str(error))
            raise
        return await self._go_on(installation)

    async def _go_on(self, installation: Installation) -> Package:
        """Do all steps from the archive on; raises what's wrong, and says so in the installation."""
        async with self._one:
            try:
                package = await self._steps(installation)
            except OSError as error:
                trouble = StoreUnavailable(f"the package can't be written: {error.strerror}")
                await self._fail(installation, str(trouble))
                raise trouble from None
            except AgentHostError as error:
                await self._fail(installation, str(error))
                raise
            await asyncio.to_thread(self._place.drop, installation.id)
            return package

    async def _steps(self, installation: Installation) -> Package:
        archive = await asyncio.to_thread(self._place.kept, installation.id, ARCHIVE)
        if archive is None or sha256(archive).hexdigest() != installation.digest:
            raise ManifestError("archive: didn't survive a crash of the hub; install it again")
        claim = self._claim(installation)
        if fault := claim.fault(archive):
            raise ManifestError(f"{installation.source}: {fault}")
        installation = await self._step(installation, "verified")
        try:
            async with asyncio.timeout(SECONDS):
                entries = await asyncio.to_thread(unpacked, archive)
        except TimeoutError:
            raise ManifestError(f"archive: takes longer than {SECONDS:g} seconds to unpack") from None
        kind, manifest = kind_of(entries, self._kinds)
        name = kind.name(manifest.data) or "package"
        draft = await asyncio.to_thread(self._place.draft, installation.id, name, entries)
        installation = await self._step(installation, "unpacked")
        sheet = await asyncio.to_thread(kind.sheet, draft)
        await kind.check(draft)
        _check_claim(claim, sheet)
        grants = await self._check(sheet, installation.grants)
        found = await self._scanner.scan(draft, entries, sheet)
        installation = await self._step(installation, "scanned", found=found)
        await kind.build(draft, grants)
        installation = await self._step(installation, "built")
        edition = Edition(
            version=sheet.version,
            digest=digest_of(entries),
            grants=grants,
            source=installation.source,
            found=found,
            origin=claim.origin,
        )
        return await self._finish(installation, Ready(sheet=sheet, edition=edition, draft=draft, enable=claim.enable))

    # --- what's kept of it

    def _new(
        self, source: str, grants: Collection[str], by: PersonId, state: InstallationState, digest: str = ""
    ) -> Installation:
        now = self._clock.now()
        id = InstallationId(new_id())
        self._begun.add(id)
        return Installation(
            id=id,
            tenant=HOME,
            by=by,
            source=source,
            grants=tuple(sorted(set(grants))),
            state=state,
            digest=digest,
            created_at=now,
            updated_at=now,
        )

    async def _step(
        self, installation: Installation, state: InstallationState, **changed: str | tuple[str, ...]
    ) -> Installation:
        """Commit that an installation has come so far."""
        changes: Any = {"state": state, "updated_at": self._clock.now(), **changed}
        installation = replace(installation, **changes)
        await self._store.commit(Save(installation))
        reach(f"package.{state}")
        return saved(installation)

    async def _fail(self, installation: Installation, why: str) -> None:
        await asyncio.to_thread(self._place.drop, installation.id)
        try:
            known = await self._store.installation(HOME, installation.id)
            if known and known.state not in ENDS:
                await self._store.commit(*_ended(known, "failed", self._clock, error=why))
        except (StoreUnavailable, Conflict) as error:
            # The next start comes by it again.
            log.warning("installation %s failed (%s), which isn't kept: %s", installation.id, why, error)

    async def _kept(self, installation: Installation, name: str, data: bytes) -> None:
        try:
            await asyncio.to_thread(self._place.keep, installation.id, name, data)
        except OSError as error:
            raise StoreUnavailable(f"the package can't be written: {error.strerror}") from None

    def _claim(self, installation: Installation) -> Claim:
        kept = self._place.kept(installation.id, CLAIM)
        return msgspec.json.decode(kept, type=Claim) if kept else Claim()


def ended(installation: Installation, package: Package, edition: Edition, clock: Clock) -> tuple[Change, ...]:
    """Return what ends an installation well, for the commit that installs its package."""
    used = package.state == "enabled" and package.now == edition
    return _ended(installation, "enabled" if used else "installed", clock, package=package.id)


def _ended(installation: Installation, state: InstallationState, clock: Clock, **changed: Any) -> tuple[Change, ...]:
    return (Save(replace(installation, state=state, updated_at=clock.now(), **changed)),)


def _check_claim(claim: Claim, sheet: Sheet) -> None:
    if claim.name and claim.name != sheet.name:
        raise ManifestError(f"{sheet.name}: it was to be {claim.name}; nothing was changed")
    if claim.version and claim.version != sheet.version:
        raise ManifestError(f"{sheet.name}: it was to be version {claim.version}, and is {sheet.version}")
    if claim.asks is not None and set(claim.asks) != set(sheet.asks):
        stated, asked = ", ".join(sorted(claim.asks)) or "nothing", ", ".join(sorted(sheet.asks)) or "nothing"
        raise ManifestError(
            f"{sheet.name}: its publisher signed that it asks for {stated}, and its manifest asks for {asked}"
        )
