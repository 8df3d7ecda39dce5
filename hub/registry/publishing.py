"""Versions on their way in: an archive and its publisher's statement, kept together or not at all, and never changed.

Nothing of what's sent is run, and nobody sees it before it was looked into (`hub.registry.scans`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, select

from hub.errors import BadRequest, Decided, Duplicate, ManifestError, NotAllowed, StatementError, TooMany
from hub.failpoints import reach
from hub.packages.indexes import VERSION as READ_BY_HUBS
from hub.packages.inspecting import Inspected, inspected
from hub.ports import Clock
from hub.registry.accounts import Caller
from hub.registry.auditing import note
from hub.registry.keys import current_key
from hub.registry.listings import listed_changed
from hub.registry.mcp import is_bundle
from hub.registry.names import check_name, skeleton
from hub.registry.owning import check_owns, one
from hub.registry.records import Listing, PublisherKey, Version
from hub.registry.scans import Scans
from hub.registry.shelf import Shelf, hold, record, values
from hub.registry.tables import archives, listings, publishers, versions
from hub.registry.verdicts import is_young
from hub.releases import read_release
from hub.shelves import ShelfConfig
from hub.statements import public_of

STATEMENT = 64 * 1024
"""Bytes of a statement."""
AT_ONCE = 2
"""Archives that are in memory at a time: unpacked, one may take 120 MiB."""
WAITING = 64
"""Uploads that wait for that; more are told to come again."""
SECONDS = 20.0
"""For unpacking and reading one."""
MOMENT = 3.0
"""Seconds that an answer waits for the scan: what's small is listed by then."""
PENDING = 1_000
"""Versions that may wait to be looked into; more are told to come again."""
VERSIONS, PACKAGES = 1_000, 500
"""That a package, and an account, may have at most."""
DAY = timedelta(days=1)


class Upload(Struct, frozen=True, kw_only=True):
    """What's sent of a version."""

    publisher: str
    name: str
    version: str
    archive: bytes
    envelope: bytes

    @property
    def whole(self) -> str:
        """What it's called in full."""
        return f"{self.publisher}/{self.name}"


class Publishing:
    """Takes versions in."""

    def __init__(self, shelf: Shelf, clock: Clock, config: ShelfConfig, scans: Scans) -> None:
        self._shelf = shelf
        self._clock = clock
        self._config = config
        self._scans = scans
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def check(self, caller: Caller, publisher: str, name: str, version: str) -> None:
        """Raise what's wrong with a wish to publish before anything of it is read: BadRequest, NotAllowed, NotFound."""
        check_name("publisher", publisher, reserved=True)
        check_name("name", name, reserved=caller.admin)
        if not READ_BY_HUBS.fullmatch(version) or len(version) > 64:
            raise BadRequest("version", f"{version[:60]!r} won't do; write a SemVer version such as 1.0.0")
        caller.check(f"publish:{publisher}/{name}")
        await self._shelf.read(lambda connection: check_owns(connection, caller, publisher))

    async def publish(self, caller: Caller, upload: Upload) -> tuple[Version, bool]:
        """Keep a version; return it as it's kept, and whether it's new.

        The same bytes again change nothing. Raises Decided for other bytes or a name that's used up, StatementError
        and ManifestError for what its author has to mend, TooMany, NotAllowed, BadRequest.
        """
        await self.check(caller, upload.publisher, upload.name, upload.version)
        digest = await asyncio.to_thread(lambda: sha256(upload.archive).hexdigest())
        kept = await self._kept(upload)
        if kept and kept.sha256 == digest and kept.envelope.encode() == upload.envelope:
            return _same(kept, digest), False
        key, stated = await self._checked(upload)
        if kept:
            return _same(kept, digest), False
        found = await self._inspected(upload)
        asks = tuple(sorted(found.sheet.asks))
        if stated != asks:
            asked, told = ", ".join(asks) or "nothing", ", ".join(stated)[:200] or "nothing"
            raise StatementError(f"{upload.whole} {upload.version}: asks for {asked}; its statement says {told}")
        version = self._version(caller, upload, digest, key, found)
        fresh = await self._commit(caller, version, upload.archive)
        self._scans.wake()
        return await self._now(version), fresh

    async def looked_into(self, version: Version) -> Version:
        """Return a fresh version as it is in a moment: looked into, unless that takes longer."""
        await self._scans.soon((version.publisher, version.name, version.version), MOMENT)
        return await self._now(version)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until there's room in memory for another archive; raises TooMany if too many wait already."""
        if self._waiting >= WAITING:
            raise TooMany("many packages are being published just now; send it again in a moment", 10)
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def _now(self, version: Version) -> Version:
        return await self._shelf.read(lambda each: record(Version, each.execute(_query(version)).one()))

    async def _kept(self, upload: Upload) -> Version | None:
        query = one(upload.publisher, upload.name, upload.version)
        row = await self._shelf.read(lambda each: each.execute(query).first())
        return record(Version, row) if row else None

    async def _checked(self, upload: Upload) -> tuple[PublisherKey, tuple[str, ...]]:
        """Return the publisher's key, which signed an upload's statement, and the permissions that this states.

        Raises StatementError if somebody else signed it, or it's about something else.
        """
        key = await self._shelf.read(lambda each: current_key(each, upload.publisher))
        if key is None:
            raise StatementError(f"{upload.publisher}: has no key yet; send one to /publishers/{upload.publisher}/keys")
        if len(upload.envelope) > STATEMENT:
            raise StatementError(f"the statement has {len(upload.envelope)} bytes; {STATEMENT} are taken at most")
        release = read_release(upload.envelope, public_of(key.public))
        await asyncio.to_thread(release.check, upload.whole, upload.version, upload.archive)
        return key, release.predicate.permissions

    async def _inspected(self, upload: Upload) -> Inspected:
        """Return what the archive holds; raises ManifestError unless that's what the URL and the statement say."""
        try:
            async with asyncio.timeout(SECONDS):
                found = await asyncio.to_thread(inspected, upload.archive)
        except TimeoutError:
            raise ManifestError(f"archive: takes longer than {SECONDS:g} seconds to read; make it smaller") from None
        sheet = found.sheet
        if (sheet.name, sheet.version) != (upload.name, upload.version):
            raise ManifestError(
                f"{upload.whole} {upload.version}: its manifest says {sheet.name} {sheet.version}; send it there"
            )
        return found

    def _version(self, caller: Caller, upload: Upload, digest: str, key: PublisherKey, found: Inspected) -> Version:
        sheet = found.sheet
        return Version(
            publisher=upload.publisher,
            name=upload.name,
            version=upload.version,
            kind=sheet.kind,
            sha256=digest,
            size=len(upload.archive),
            description=sheet.description,
            readme=found.readme,
            license=found.license,
            tags=found.tags,
            tools=sheet.tools,
            asks=sheet.asks,
            notes=sheet.notes,
            findings=(),
            envelope=upload.envelope.decode(),
            key=key.id,
            state="pending",
            reason="",
            yanked_at=None,
            yanked="",
            account=caller.account.id,
            published_at=self._clock.now(),
            bundle=sheet.kind == "server" and is_bundle(upload.archive),
        )

    async def _commit(self, caller: Caller, version: Version, archive: bytes) -> bool:
        """Keep a version with its bytes, its package and what's noted of it, all or nothing; say whether it's new."""

        def change(connection: Connection) -> bool:
            hold(connection, f"account:{caller.account.id}")
            hold(connection, f"package:{version.publisher}/{version.name}")
            if row := connection.execute(_query(version)).first():
                _same(record(Version, row), version.sha256)
                return False
            check_owns(connection, caller, version.publisher)
            key = current_key(connection, version.publisher)
            if key is None or key.id != version.key:
                raise StatementError(f"{version.publisher}: the key {version.key} was replaced just now; sign it again")
            self._check_room(connection, caller, version)
            _begin(connection, version)
            _keep(connection, version.sha256, archive)
            connection.execute(insert(versions).values(values(version)))
            listed_changed(connection, version.publisher, version.name)
            what = f"{version.publisher}/{version.name}@{version.version}"
            note(
                connection, version.published_at, caller.account.id, "version.publish", what, f"sha256 {version.sha256}"
            )
            reach("publish.before-commit")
            return True

        try:
            fresh = await self._shelf.write(change)
        except Duplicate:
            # Another process kept it, or the same bytes, in the same moment: now it's there to be seen.
            fresh = await self._shelf.write(change)
        reach("publish.after-commit")
        return fresh

    def _check_room(self, connection: Connection, caller: Caller, version: Version) -> None:
        now, mine = version.published_at, versions.c.account == caller.account.id
        here = (versions.c.publisher == version.publisher) & (versions.c.name == version.name)
        begun = listings.c.publisher.in_(select(publishers.c.name).where(publishers.c.account == caller.account.id))
        listing = connection.execute(_listing(version)).first()
        if listing and listing.deleted:
            raise Decided(f"{version.publisher}/{version.name} was deleted; its name is never given again")
        if _count(connection, versions, versions.c.state == "pending") >= PENDING:
            raise TooMany("many packages wait to be looked into; send it again later", 600)
        if listing and _count(connection, versions, here) >= VERSIONS:
            raise NotAllowed(f"{version.publisher}/{version.name} has {VERSIONS} versions; more aren't taken")
        if not listing and _count(connection, listings, begun) >= PACKAGES:
            raise NotAllowed(f"you have {PACKAGES} packages; more aren't taken, write to the registry's admins")
        if not is_young(caller.account, self._config.new_days, now, self._config):
            return
        since = now - DAY
        published = mine & (versions.c.published_at > since)
        if _count(connection, versions, published) >= self._config.new_versions:
            first = connection.execute(select(func.min(versions.c.published_at)).where(published)).scalar_one()
            raise _later(f"a new account publishes {self._config.new_versions} versions a day", first, now)
        fresh = begun & (listings.c.created_at > since)
        if not listing and _count(connection, listings, fresh) >= self._config.new_packages:
            first = connection.execute(select(func.min(listings.c.created_at)).where(fresh)).scalar_one()
            raise _later(f"a new account begins {self._config.new_packages} packages a day", first, now)


def _same(kept: Version, digest: str) -> Version:
    """Return a version that's there, if it has these bytes; raises Decided."""
    whole = f"{kept.publisher}/{kept.name} {kept.version}"
    if kept.state == "deleted":
        raise Decided(f"{whole} was deleted; its name is never given again")
    if kept.sha256 != digest:
        raise Decided(f"{whole} is there with other bytes, and a version never changes; publish it as another version")
    return kept


def _query(version: Version) -> Select[tuple[object, ...]]:
    return one(version.publisher, version.name, version.version)


def _listing(version: Version) -> Select[tuple[object, ...]]:
    return select(listings).where(listings.c.publisher == version.publisher, listings.c.name == version.name)


def _begin(connection: Connection, version: Version) -> None:
    """Make the package's row if it's its first version; nobody sees it before one is listed."""
    if connection.execute(_listing(version)).first():
        return
    listing = Listing(
        publisher=version.publisher,
        name=version.name,
        kind=version.kind,
        description=version.description,
        tags=version.tags,
        latest="",
        skeleton=skeleton(version.name),
        created_at=version.published_at,
        updated_at=version.published_at,
        deleted=False,
        downloads=0,
        installs=0,
        stars=0,
        ratings=0,
    )
    connection.execute(insert(listings).values(values(listing)))


def _keep(connection: Connection, digest: str, archive: bytes) -> None:
    hold(connection, f"archive:{digest}")
    if not connection.execute(select(archives.c.sha256).where(archives.c.sha256 == digest)).first():
        connection.execute(insert(archives).values(sha256=digest, data=archive))


def _count(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()


def _later(why: str, first: datetime, now: datetime) -> TooMany:
    return TooMany(f"{why}; send it again later", max(1.0, (first + DAY - now).total_seconds()))
