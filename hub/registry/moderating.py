"""What moderators decide about versions: what waits for them, and what they list, take away for now, or for good."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, literal, or_, select, tuple_, update

from hub.errors import BadRequest, Decided, NotAllowed
from hub.ports import Clock
from hub.registry.accounts import Caller
from hub.registry.auditing import note
from hub.registry.listings import listed_changed
from hub.registry.owning import is_one, one, version_of
from hub.registry.records import Version, VersionState
from hub.registry.shelf import Shelf, hold, record
from hub.registry.tables import accounts, reports, versions
from hub.registry.verdicts import first_listed
from hub.registry.withdrawing import checked_reason

PAGE = 50


class Case(Struct, frozen=True, kw_only=True):
    """A version that a moderator should look at."""

    version: Version
    account: str
    """The name of who uploaded it."""
    reports: int
    """How many are open about its package."""


class Moderating:
    """Lists, takes away and revokes versions; everything raises NotAllowed for who isn't a moderator."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def cases(self, caller: Caller, after: str | None = None) -> Sequence[Case]:
        """Return what's pending, held or quarantined, and what's listed and reported, the oldest first.

        `after` is the last one's PUBLISHER/NAME@VERSION; raises BadRequest for another.
        """
        caller.check_moderates()

        def ask(connection: Connection) -> list[Case]:
            query = _waiting()
            if after is not None:
                query = query.where(_behind(connection, after))
            return [_case(row) for row in connection.execute(query.limit(PAGE)).all()]

        return await self._shelf.read(ask)

    async def quarantine(self, caller: Caller, publisher: str, name: str, version: str, reason: str) -> Version:
        """Take a version away until it's released or revoked; raises NotFound, Decided, BadRequest."""
        return await self._move(caller, (publisher, name, version), "quarantined", checked_reason(reason))

    async def release(self, caller: Caller, publisher: str, name: str, version: str, reason: str) -> Version:
        """List a version that was held or quarantined; raises NotFound, BadRequest, and Decided for any other.

        What no scan has looked into can't be listed by anybody.
        """
        return await self._move(caller, (publisher, name, version), "listed", checked_reason(reason))

    async def revoke(self, caller: Caller, publisher: str, name: str, version: str, reason: str) -> Version:
        """Take a version away for good: hubs that have it stop using it. Raises NotFound, Decided, BadRequest."""
        return await self._move(caller, (publisher, name, version), "revoked", checked_reason(reason))

    async def _move(self, caller: Caller, key: tuple[str, str, str], to: VersionState, reason: str) -> Version:
        caller.check_moderates()
        publisher, name, version = key
        now = self._clock.now()

        def change(connection: Connection) -> Version:
            hold(connection, f"package:{publisher}/{name}")
            kept = version_of(connection, publisher, name, version)
            if kept.account == caller.account.id and not caller.admin and to == "listed":
                raise NotAllowed("it's your own; have another moderator look at it")
            if kept.state not in FROM[to]:
                raise Decided(f"{publisher}/{name} {version}: is {kept.state}; only what's {_or(FROM[to])} can be {to}")
            here = is_one(publisher, name, version)
            told = "" if to == "listed" else reason
            moved = update(versions).where(here).values(state=to, reason=told)
            connection.execute(moved.values(listed_at=first_listed(now)) if to == "listed" else moved)
            listed_changed(connection, publisher, name)
            note(connection, now, caller.account.id, ACTIONS[to], f"{publisher}/{name}@{version}", reason)
            return record(Version, connection.execute(one(publisher, name, version)).one())

        return await self._shelf.write(change)


FROM: dict[VersionState, tuple[VersionState, ...]] = {
    "listed": ("held", "quarantined"),
    # What's pending is seen by nobody, and would leave quarantine without ever having been looked into.
    "quarantined": ("listed", "held"),
    "revoked": ("pending", "listed", "held", "quarantined", "deleted"),
}
ACTIONS: dict[VersionState, str] = {
    "listed": "version.release",
    "quarantined": "version.quarantine",
    "revoked": "version.revoke",
}


def _or(states: tuple[str, ...]) -> str:
    *others, last = states
    return f"{', '.join(others)} or {last}"


def _open_reports() -> Select[int]:
    return (
        select(func.count())
        .select_from(reports)
        .where(
            reports.c.publisher == versions.c.publisher,
            reports.c.name == versions.c.name,
            reports.c.state == "open",
            reports.c.version.in_((versions.c.version, "")),
        )
        .correlate(versions)
    )


def _waiting() -> Select[tuple[object, ...]]:
    count = _open_reports().scalar_subquery()
    reported = (versions.c.state == "listed") & exists(_open_reports().with_only_columns(reports.c.id))
    return (
        select(versions, accounts.c.name.label("owner"), count.label("open"))
        .join(accounts, accounts.c.id == versions.c.account)
        .where(or_(versions.c.state.in_(("pending", "held", "quarantined")), reported))
        .order_by(versions.c.published_at, versions.c.publisher, versions.c.name, versions.c.version)
    )


def _behind(connection: Connection, after: str) -> ColumnElement[bool]:
    whole, _, version = after.partition("@")
    publisher, _, name = whole.partition("/")
    row = connection.execute(one(publisher, name, version)).first()
    if row is None:
        raise BadRequest("cursor", f"{after[:60]!r} isn't one; take what `next` said")
    place = tuple_(versions.c.published_at, versions.c.publisher, versions.c.name, versions.c.version)
    last = (literal(row.published_at, versions.c.published_at.type), *map(literal, (publisher, name, version)))
    return place > tuple_(*last)


def _case(row: Row[tuple[object, ...]]) -> Case:
    fields = row._mapping
    version = Version(**{name: fields[name] for name in Version.__struct_fields__})
    return Case(version=version, account=str(fields["owner"]), reports=int(str(fields["open"])))
