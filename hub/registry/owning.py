"""Whose a publisher is, and which of its versions there are: asked within the transaction that acts upon it."""

from sqlalchemy import ColumnElement, Connection, Select, select

from hub.errors import NotAllowed, NotFound
from hub.registry.accounts import Caller
from hub.registry.records import Version
from hub.registry.shelf import record
from hub.registry.tables import accounts, publishers, versions


def check_owns(connection: Connection, caller: Caller, publisher: str, *, anybodys: bool = False) -> None:
    """Raise NotFound for a publisher that there isn't, NotAllowed for another's, or for who was suspended just now.

    `anybodys`: another's will do.
    """
    row = connection.execute(select(publishers.c.account).where(publishers.c.name == publisher)).first()
    if row is None:
        raise NotFound(f"publisher {publisher[:60]!r}: there's none of that name")
    if row.account != caller.account.id and not anybodys:
        raise NotAllowed(f"publisher {publisher} isn't yours; only its owner may do that")
    mine = select(accounts.c.suspended).where(accounts.c.id == caller.account.id)
    if connection.execute(mine).scalar_one():
        raise NotAllowed("this account is suspended; write to the registry's admins")


def version_of(connection: Connection, publisher: str, name: str, version: str) -> Version:
    """Return a version, whatever its state; raises NotFound."""
    row = connection.execute(one(publisher, name, version)).first()
    if row is None:
        raise unknown(publisher, name, version)
    return record(Version, row)


def one(publisher: str, name: str, version: str) -> Select[tuple[object, ...]]:
    """Return the query for a version."""
    return select(versions).where(is_one(publisher, name, version))


def is_one(publisher: str, name: str, version: str) -> ColumnElement[bool]:
    """Return what holds for one version, and no other."""
    return (versions.c.publisher == publisher) & (versions.c.name == name) & (versions.c.version == version)


def unknown(publisher: str, name: str, version: str) -> NotFound:
    """Return that there's no such version."""
    return NotFound(f"{publisher[:60]}/{name[:60]} {version[:60]}: there's no such version")
