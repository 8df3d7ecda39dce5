"""What registries said last of what's installed: kept, so that it's known at once after a restart."""

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
        origin = package.now.origin
        return standing if standing and origin and standing.sha256 == origin.sha256 else None

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
    kept = Standings(documents)
    found = [await kept.of(package) for package in await store.packages(HOME)]
    return tuple(standing for standing in found if standing)
