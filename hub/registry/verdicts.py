"""Why a version that a scan passed isn't listed at once, but waits for a moderator."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, literal, select, update

from hub.registry.auditing import note
from hub.registry.listings import listed_changed
from hub.registry.names import near, skeleton
from hub.registry.owning import is_one
from hub.registry.records import Account, Version
from hub.registry.shelf import record
from hub.registry.tables import accounts, listings, versions
from hub.shelves import ShelfConfig

REGISTRY = "registry"
"""Who acts, where it's nobody's account."""
POPULAR = 50
"""Verified installs from which on others' names must not look like a package's."""
FLAGGED = "the scan found something odd; a moderator looks at it"
YOUNG = "its account is new; it's listed when the account is old enough, or when a moderator has looked at it"
SUSPENDED = "its account is suspended"
UNSEEN = "its account is suspended, and was before anybody had seen it"


def is_trusted(account: Account, config: ShelfConfig) -> bool:
    """Say whether an account is a moderator's or an admin's, which needn't wait."""
    return account.role != "member" or account.name in config.admins


def is_young(account: Account, days: float, now: datetime, config: ShelfConfig) -> bool:
    """Say whether an account is younger than so many days, and that matters."""
    return not is_trusted(account, config) and now - account.created_at < timedelta(days=days)


def why_held(connection: Connection, version: Version, now: datetime, config: ShelfConfig) -> str:
    """Return why a version isn't to be listed by itself, in words; empty if nothing stands in its way."""
    account = record(Account, connection.execute(select(accounts).where(accounts.c.id == version.account)).one())
    if account.suspended:
        return UNSEEN
    if version.findings:
        return FLAGGED
    if not is_trusted(account, config) and (alike := like(connection, version.publisher, version.name)):
        return alike
    return YOUNG if is_young(account, config.listed_after_days, now, config) else ""


def settle(connection: Connection, version: Version, state: str, now: datetime, config: ShelfConfig, well: str) -> None:
    """List a version that's in a state, or hold it; one that a moderator moved meanwhile stays where it is.

    `well` is noted if it's listed. The caller has its account's lock and its package's.
    """
    key = (version.publisher, version.name, version.version)
    why = why_held(connection, version, now, config)
    fresh = "held" if why else "listed"
    moved = update(versions).where(is_one(*key), versions.c.state == state).values(state=fresh, reason=why)
    if not why:
        moved = moved.values(listed_at=first_listed(now))
    if connection.execute(moved).rowcount:
        listed_changed(connection, version.publisher, version.name)
        detail = "; ".join((why, *version.findings)) if why else well
        whole = f"{version.publisher}/{version.name}@{version.version}"
        note(connection, now, REGISTRY, "version.hold" if why else "version.list", whole, detail)


def first_listed(now: datetime) -> ColumnElement[datetime]:
    """Return what `listed_at` becomes with a listing: hubs wait a while from the first one on."""
    return func.coalesce(versions.c.listed_at, literal(now, versions.c.listed_at.type))


def like(connection: Connection, publisher: str, name: str) -> str:
    """Return which well-known name of another publisher's a package's could be taken for, in words; empty: none.

    What was listed once was looked at: it's asked no more.
    """
    mine = (versions.c.publisher == publisher) & (versions.c.name == name) & (versions.c.state == "listed")
    if connection.execute(select(versions.c.version).where(mine).limit(1)).first():
        return ""
    plain, spelled = skeleton(name), skeleton(publisher)
    known = select(listings.c.publisher, listings.c.name, listings.c.skeleton).where(
        listings.c.installs >= POPULAR, listings.c.publisher != publisher
    )
    # A name that's one letter longer may be two longer as a skeleton: rn looks like m.
    lengths = func.length(listings.c.skeleton).between(len(plain) - 2, len(plain) + 2)
    for row in connection.execute(known.where(lengths)):
        if near(plain, row.skeleton) or near(name, row.name):
            return f"its name could be taken for {row.publisher}/{row.name}; a moderator looks at it"
    for row in connection.execute(known.with_only_columns(listings.c.publisher).distinct()):
        if near(spelled, skeleton(row.publisher)) or near(publisher, row.publisher):
            return f"its publisher's name could be taken for {row.publisher}; a moderator looks at it"
    return ""
