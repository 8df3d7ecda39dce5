"""What registries said last of what's installed: kept, so that it's known at once after a restart."""

from collections.abc import Collection

import msgspec

from hub.packages.indexes import document
from hub.ports import Documents, Store
from hub.records import HOME, Package, PackageId, Standing

OWNER, REVOKED = "standings", "revoked"
"""Whose documents say how installed packages stand, and which files were taken away, by their digest."""


class Standings:
    """Keeps how installed packages stand in their registries."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def of(self, package: Package) -> Standing | None:
        """Return how a package's version stands, None if nobody looked at it yet."""
        known = await self._documents.get(OWNER, package.id)
        standing = msgspec.convert(known, Standing) if known else None
        return standing if standing and _is_of(package, standing) else None

    async def keep(self, standing: Standing) -> None:
        """Keep how a package stands, and that its files mustn't be used, or may be again."""
        await self._documents.put(OWNER, standing.package, document(standing))
        if standing.revoked:
            await self._documents.put(REVOKED, standing.digest, {"why": standing.revoked})
        elif not standing.fault:
            await self._documents.remove(REVOKED, standing.digest)

    async def forget(self, id: PackageId) -> None:
        """Forget a package; what was taken away stays taken away."""
        await self._documents.remove(OWNER, id)

    async def revoked(self, digest: str) -> str:
        """Return why a package's files were taken away; empty: they weren't."""
        known = await self._documents.get(REVOKED, digest)
        return str(known["why"]) if known else ""


async def standings(store: Store, documents: Documents) -> tuple[Standing, ...]:
    """Return how all that's installed from registries stands, as far as that's known."""
    known = dict(await documents.all(OWNER))
    if not known:
        return ()
    found = [(package, msgspec.convert(known[package.id], Standing)) for package in await _from(store, known)]
    return tuple(standing for package, standing in found if _is_of(package, standing))


async def _from(store: Store, known: Collection[str]) -> list[Package]:
    return [package for package in await store.packages(HOME) if package.id in known]


def _is_of(package: Package, standing: Standing) -> bool:
    return package.now.origin is not None and package.now.origin.sha256 == standing.sha256
