"""Publishers' keys: the first one its owner names, each other one the key before it vouches for, or an admin."""

from sqlalchemy import Connection, insert, select, update

from hub.errors import Decided, NotAllowed, StatementError
from hub.ports import Clock
from hub.registry.accounts import Caller
from hub.registry.auditing import note
from hub.registry.owning import check_owns
from hub.registry.records import PublisherKey
from hub.registry.shelf import Shelf, hold, record, values
from hub.registry.tables import publisher_keys
from hub.releases import read_rotation
from hub.statements import id_of, public_of, shown

MANY = 100
"""Keys that a publisher may ever have."""


class Keys:
    """Keeps publishers' public keys."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def add(
        self, caller: Caller, publisher: str, public: str, rotation: bytes | None
    ) -> tuple[PublisherKey, bool]:
        """Make a key the one that a publisher signs by from now on; return it, and whether it wasn't before.

        What's published under the key before stays as good as it was. Raises StatementError where the key before
        doesn't state this one, NotAllowed, NotFound, Decided for a key that was replaced.
        """
        caller.check(f"publish:{publisher}/*")
        raw = public_of(public)
        key = PublisherKey(
            publisher=publisher,
            id=id_of(raw),
            public=shown(raw),
            state="current",
            rotation=rotation.decode() if rotation else "",
            created_at=self._clock.now(),
        )

        def change(connection: Connection) -> tuple[PublisherKey, bool]:
            check_owns(connection, caller, publisher, anybodys=caller.admin)
            hold(connection, f"publisher:{publisher}")
            before = current_key(connection, publisher)
            if before and before.id == key.id:
                return before, False
            _check_fresh(connection, key)
            how = _vouched(key, before, rotation, raw, admin=caller.admin)
            mine = publisher_keys.c.publisher == publisher
            connection.execute(
                update(publisher_keys).where(mine, publisher_keys.c.state == "current").values(state="replaced")
            )
            connection.execute(insert(publisher_keys).values(values(key)))
            note(connection, key.created_at, caller.account.id, "key.add", f"publisher:{publisher}", f"{key.id}, {how}")
            return key, True

        return await self._shelf.write(change)


def current_key(connection: Connection, publisher: str) -> PublisherKey | None:
    """Return the key that a publisher's new versions have to be signed by; None if it has none yet."""
    mine = (publisher_keys.c.publisher == publisher) & (publisher_keys.c.state == "current")
    row = connection.execute(select(publisher_keys).where(mine)).first()
    return record(PublisherKey, row) if row else None


def _check_fresh(connection: Connection, key: PublisherKey) -> None:
    ids = select(publisher_keys.c.id).where(publisher_keys.c.publisher == key.publisher)
    known = [row.id for row in connection.execute(ids)]
    if key.id in known:
        raise Decided(f"{key.publisher}: the key {key.id} was replaced, and doesn't come back; make another one")
    if len(known) >= MANY:
        raise NotAllowed(f"{key.publisher}: has had {MANY} keys; write to the registry's admins")


def _vouched(key: PublisherKey, before: PublisherKey | None, rotation: bytes | None, raw: bytes, *, admin: bool) -> str:
    """Return who vouches for a key; raises StatementError if nobody does."""
    if before is None:
        if rotation:
            raise StatementError(f"{key.publisher}: has no key yet that a new one could take the place of")
        return "its first"
    if rotation is None:
        if admin:
            return f"let in by an admin in place of {before.id}"
        raise StatementError(
            f"{key.publisher}: signs by the key {before.id}; send a statement signed by it that names the new one, "
            "or write to the registry's admins if it's lost"
        )
    if read_rotation(rotation, public_of(before.public), key.publisher) != raw:
        raise StatementError(f"{key.publisher}: the old key's statement names another key than this one")
    return f"stated by {before.id}"
