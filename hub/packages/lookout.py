"""Looks in the registries whether what's installed was taken back, and whether there's something newer.

What its registry took away is switched off at once; what its publisher took back is only told. A newer version is taken
by itself only if the config says so, and not before it has been listed for a while: what's bad is mostly found by then.
It comes in as any update does: one that asks for more waits, and the old one goes on.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import AgentHostError, EgressError, StatementError, StoreUnavailable
from hub.packages.indexes import address
from hub.packages.registry import Registries
from hub.ports import Clock
from hub.records import OWNER, Installation, InstallationId, Newer, Package, PackageId, PersonId, Provenance, Standing
from hub.releases import Index, IndexedPackage, IndexedVersion, order

log = logging.getLogger(__name__)

FIRST, EVERY = timedelta(minutes=2), timedelta(hours=4)
"""After the start, and between two looks: about so long, for not all hubs are to ask at once."""
NEWER = 20
"""Newer versions that are remembered."""
REASON = 300
SECONDS = 300.0
"""That are waited for an update, before the next package is looked at."""


class Rules(Struct, frozen=True, kw_only=True):
    """What's done by itself about newer versions."""

    updates: Literal["off", "ask", "auto"] = "ask"
    cooldown: timedelta = timedelta(hours=72)


class Keeper(Protocol):
    """What keeps packages: what's installed, and how that's changed."""

    async def packages(self) -> tuple[Package, ...]: ...
    async def disable(self, id: str) -> Package: ...
    async def update(self, id: str, by: PersonId, version: str = "") -> Installation: ...
    async def wait(self, id: InstallationId, seconds: float) -> Package | None: ...


class Lookout:
    """Keeps an eye on what's installed from registries."""

    def __init__(
        self,
        keeper: Keeper,
        registries: Registries | None,
        clock: Clock,
        rules: Rules,
        *,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """Of several hubs one is `on_duty`."""
        self._keeper = keeper
        self._registries = registries
        self._clock = clock
        self.rules = rules
        self._on_duty = on_duty
        self._one = asyncio.Lock()

    async def run(self) -> None:
        """Look every few hours until cancelled."""
        pause = FIRST
        while self._registries:
            await self._clock.sleep(pause.total_seconds() * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
            pause = EVERY
            if not self._on_duty():
                continue
            try:
                await self.look()
                await self.update()
            except StoreUnavailable as error:
                log.warning("whether packages were taken back is looked for later: %s", error)
            except Exception:
                log.exception("whether packages were taken back is looked for later")

    async def look(self) -> tuple[Standing, ...]:
        """Ask the registries about all that came from them, and return how it stands; what's revoked is off then."""
        if self._registries is None:
            return ()
        async with self._one:
            asked: dict[str, Index | AgentHostError] = {}
            return tuple(
                [
                    await self._looked(self._registries, package, package.now.origin, asked)
                    for package in await self._keeper.packages()
                    if package.now.origin
                ]
            )

    async def _looked(
        self, registries: Registries, package: Package, origin: Provenance, asked: dict[str, Index | AgentHostError]
    ) -> Standing:
        known = await registries.standings.of(package)
        try:
            listed = await _listed(registries, origin, asked)
            standing = self._standing(package, origin, listed, known)
        except AgentHostError as error:
            if isinstance(error, StoreUnavailable):
                raise
            standing = replace(
                known or _blank(package, origin, self._clock.now()),
                fault=str(error)[:1000],
                doubtful=isinstance(error, StatementError),
            )
        await registries.standings.keep(standing)
        if standing.revoked and package.state == "enabled":
            log.error("package %s %s is switched off: its registry took it away", package.id, package.now.version)
            await self._keeper.disable(package.id)
        return standing

    def _standing(
        self, package: Package, origin: Provenance, listed: IndexedPackage | None, known: Standing | None
    ) -> Standing:
        now = self._clock.now()
        versions = listed.versions if listed else ()
        here = next((each for each in versions if each.sha256 == origin.sha256), None)
        standing = replace(
            _blank(package, origin, now),
            newer=_newer(package.now.version, versions, known, now),
            tried=known.tried if known else (),
        )
        if here is None:
            # What was taken away stays so, also once nothing is left of it.
            revoked = known.revoked if known else ""
            return replace(standing, yanked="its registry doesn't list it any more", revoked=revoked)
        return replace(standing, yanked=_line(here.yanked), revoked=_line(here.revoked))

    async def update(self) -> None:
        """Take what's newer, where that's wished for and it has been listed for long enough: each version once."""
        if self._registries is None or self.rules.updates != "auto":
            return
        for package in await self._keeper.packages():
            standing = await self._registries.standings.of(package)
            version = self.due(package, standing) if standing else ""
            if not standing or not version:
                continue
            try:
                installation = await self._keeper.update(package.id, OWNER, version)
                await self._keeper.wait(installation.id, SECONDS)
            except AgentHostError as error:
                log.warning("package %s isn't updated to %s: %s", package.id, version, error)
                continue
            log.info("package %s: %s came by itself", package.id, version)
            if after := await self._registries.standings.of(package):
                await self._registries.standings.keep(replace(after, tried=(*after.tried, version)[-NEWER:]))

    def due(self, package: Package, standing: Standing) -> str:
        """Return the version that's to be taken by itself, "" if none is.

        None is for what was asked for by its version, nor one that's here already, as an update or from before.
        """
        if "@" in package.now.source or self.rules.updates != "auto":
            return ""
        here = {edition.version for edition in (package.next, package.before) if edition}
        before = self._clock.now() - self.rules.cooldown
        ripe = (each.version for each in standing.newer if each.since <= before)
        newest = next(ripe, "")
        return "" if newest in here or newest in standing.tried else newest


async def _listed(
    registries: Registries, origin: Provenance, asked: dict[str, Index | AgentHostError]
) -> IndexedPackage | None:
    """Return what the index has of a package; each registry is asked once in a look."""
    registry = registries.config(origin.registry)
    if registry is None:
        raise EgressError(f"{origin.registry}: isn't under [[registries]] any more, so it isn't asked")
    url = address(registry)
    if url not in asked:
        try:
            asked[url] = await registries.indexes.index(registry)
        except StoreUnavailable:
            raise
        except AgentHostError as error:
            asked[url] = error
    index = asked[url]
    if isinstance(index, AgentHostError):
        raise index
    return await registries.indexes.package(registry, origin.name, index)


def _newer(
    version: str, versions: Sequence[IndexedVersion], known: Standing | None, now: datetime
) -> tuple[Newer, ...]:
    seen = {each.version: each.since for each in known.newer} if known else {}
    found = [
        Newer(version=each.version, since=each.listed_at or seen.get(each.version, now))
        for each in versions
        if order(each.version) > order(version) and not each.yanked and not each.revoked
    ]
    return tuple(sorted(found, key=lambda each: order(each.version), reverse=True)[:NEWER])


def _blank(package: Package, origin: Provenance, now: datetime) -> Standing:
    return Standing(
        package=PackageId(package.id),
        version=package.now.version,
        sha256=origin.sha256,
        digest=package.now.digest,
        registry=origin.registry,
        looked_at=now,
    )


def _line(text: str) -> str:
    """Return a reason as one line that isn't too long."""
    return " ".join(text.split())[:REASON]
