"""Registries for tests, with packages in them that nobody had to upload."""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, update

from hub.ports import Clock
from hub.records import PackageKind
from hub.registry.listings import listed_changed
from hub.registry.records import AccountId, Listing, Version, VersionState
from hub.registry.shelf import Shelf, values
from hub.registry.tables import listings, versions

AGE = timedelta(seconds=1)


class Shelved:
    """Puts packages on a shelf as publishing does it."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self.shelf = shelf
        self._clock = clock
        self._count = 0

    async def add(
        self,
        name: str,
        version: str = "1.0.0",
        *,
        publisher: str = "ann",
        kind: PackageKind = "plugin",
        description: str = "Does things.",
        readme: str = "",
        tags: tuple[str, ...] = (),
        state: VersionState = "listed",
        downloads: int = 0,
        stars: int = 0,
        ratings: int = 0,
    ) -> None:
        """Add a version, and the package if it's the first."""
        self._count += 1
        at = self._clock.now() + self._count * AGE
        listing = a_listing(publisher, name, kind, at, downloads, stars, ratings)
        added = Version(
            publisher=publisher,
            name=name,
            version=version,
            kind=kind,
            sha256=sha256(f"{publisher}/{name}@{version}".encode()).hexdigest(),
            size=100,
            description=description,
            readme=readme,
            license="",
            tags=tags,
            tools=(),
            asks=(),
            notes=(),
            findings=(),
            envelope="{}",
            key="key-1",
            state=state,
            reason="",
            yanked_at=None,
            yanked="",
            account=AccountId("account-1"),
            published_at=at,
        )

        def change(connection: Connection) -> None:
            known = (listings.c.publisher == publisher) & (listings.c.name == name)
            if not connection.execute(update(listings).where(known).values(deleted=False)).rowcount:
                connection.execute(insert(listings).values(values(listing)))
            connection.execute(insert(versions).values(values(added)))
            listed_changed(connection, publisher, name)

        await self.shelf.write(change)

    async def change(self, name: str, version: str = "1.0.0", *, publisher: str = "ann", **changed: object) -> None:
        """Change a version's state, or whether it's yanked."""

        def change(connection: Connection) -> None:
            one = (versions.c.publisher == publisher) & (versions.c.name == name) & (versions.c.version == version)
            assert connection.execute(update(versions).where(one).values(changed)).rowcount
            listed_changed(connection, publisher, name)

        await self.shelf.write(change)

    async def remove(self, name: str, *, publisher: str = "ann") -> None:
        """Delete a package as its owner does."""

        def change(connection: Connection) -> None:
            one = (versions.c.publisher == publisher) & (versions.c.name == name)
            connection.execute(delete(versions).where(one))
            mine = (listings.c.publisher == publisher) & (listings.c.name == name)
            connection.execute(update(listings).where(mine).values(deleted=True))
            listed_changed(connection, publisher, name)

        await self.shelf.write(change)


def a_listing(
    publisher: str, name: str, kind: PackageKind, at: datetime, downloads: int, stars: int, ratings: int
) -> Listing:
    """Return a package without a version."""
    return Listing(
        publisher=publisher,
        name=name,
        kind=kind,
        description="",
        tags=(),
        latest="",
        skeleton=name.replace("-", ""),
        created_at=at,
        updated_at=at,
        deleted=False,
        downloads=downloads,
        installs=0,
        stars=stars,
        ratings=ratings,
    )
