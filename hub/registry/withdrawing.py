"""What an owner takes back: a version by a yank, which can be undone, and a whole package for good.

Who asks for a yanked version by its number still gets it, so that nothing breaks that rests on it; nobody else does.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update

from hub.errors import BadRequest, Decided, NotFound
from hub.ports import Clock
from hub.registry.accounts import Caller
from hub.registry.auditing import note
from hub.registry.listings import listed_changed
from hub.registry.owning import check_owns, is_one, one, version_of
from hub.registry.records import Version
from hub.registry.shelf import Shelf, hold, record
from hub.registry.tables import archives, listings, versions

REASON = 500
"""Characters of a reason."""
KEPT = ("quarantined", "revoked")
"""States that outlive their package: hubs have to know of them, and moderators to look."""


class Withdrawing:
    """Yanks versions, and deletes packages."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def yank(self, caller: Caller, publisher: str, name: str, version: str, reason: str) -> Version:
        """Have a version given only to who asks for just this one; raises NotFound, NotAllowed, BadRequest."""
        told = checked_reason(reason)
        return await self._changed(caller, (publisher, name, version), self._clock.now(), told)

    async def unyank(self, caller: Caller, publisher: str, name: str, version: str) -> Version:
        """Undo a yank; raises NotFound, NotAllowed."""
        return await self._changed(caller, (publisher, name, version), None, "")

    async def delete(self, caller: Caller, publisher: str, name: str) -> None:
        """Delete a package with all its versions and their bytes; its name is never given again.

        Raises NotFound, NotAllowed.
        """
        caller.check(f"publish:{publisher}/{name}")
        now = self._clock.now()

        def change(connection: Connection) -> None:
            check_owns(connection, caller, publisher)
            hold(connection, f"package:{publisher}/{name}")
            here = (listings.c.publisher == publisher) & (listings.c.name == name)
            if not connection.execute(update(listings).where(here, ~listings.c.deleted).values(deleted=True)).rowcount:
                raise NotFound(f"{publisher}/{name[:60]}: there's no such package")
            mine = (versions.c.publisher == publisher) & (versions.c.name == name) & versions.c.state.not_in(KEPT)
            digests = {row.sha256 for row in connection.execute(select(versions.c.sha256).where(mine))}
            reason = "its publisher deleted the package"
            connection.execute(update(versions).where(mine).values(state="deleted", reason=reason))
            _drop(connection, digests)
            note(
                connection, now, caller.account.id, "package.delete", f"{publisher}/{name}", f"{len(digests)} versions"
            )
            listed_changed(connection, publisher, name)

        await self._shelf.write(change)

    async def _changed(self, caller: Caller, key: tuple[str, str, str], at: datetime | None, told: str) -> Version:
        publisher, name, version = key
        caller.check(f"publish:{publisher}/{name}")
        now = self._clock.now()

        def change(connection: Connection) -> Version:
            check_owns(connection, caller, publisher)
            hold(connection, f"package:{publisher}/{name}")
            kept = version_of(connection, publisher, name, version)
            if kept.state == "deleted":
                raise Decided(f"{publisher}/{name} {version} was deleted")
            if (kept.yanked_at is None) == (at is None) and kept.yanked == told:
                return kept
            here = is_one(publisher, name, version)
            connection.execute(update(versions).where(here).values(yanked_at=at, yanked=told))
            action = "version.unyank" if at is None else "version.yank"
            listed_changed(connection, publisher, name)
            note(connection, now, caller.account.id, action, f"{publisher}/{name}@{version}", told)
            return record(Version, connection.execute(one(publisher, name, version)).one())

        return await self._shelf.write(change)


def checked_reason(reason: str) -> str:
    """Return a reason on one line; raises BadRequest for none, or one that's too long."""
    told = " ".join(reason.split())
    if not 1 <= len(told) <= REASON:
        raise BadRequest("reason", f"takes 1 to {REASON} characters; say why in a sentence")
    return told


def _drop(connection: Connection, digests: set[str]) -> None:
    """Forget the bytes that no other version has."""
    used = exists().where(versions.c.sha256 == archives.c.sha256, versions.c.state != "deleted")
    for digest in sorted(digests):
        hold(connection, f"archive:{digest}")
        connection.execute(delete(archives).where(archives.c.sha256 == digest, ~used))
