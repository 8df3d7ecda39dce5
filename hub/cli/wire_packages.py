"""Packages, here and in registries, as the terminal reads them; what it doesn't show is left out."""

from datetime import datetime

from msgspec import Struct

from hub.records import Provenance


class Edition(Struct, frozen=True, kw_only=True):
    """One version of a package."""

    version: str
    digest: str
    grants: list[str]
    source: str
    found: tuple[str, ...] = ()
    origin: Provenance | None = None


class Newer(Struct, frozen=True, kw_only=True):
    """A version that's newer."""

    version: str
    since: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """What a package's registry said last of it."""

    yanked: str
    revoked: str
    newer: Newer | None
    fault: str


class Permission(Struct, frozen=True, kw_only=True):
    """A permission that a package asks for."""

    id: str
    meaning: str
    granted: bool


class Installation(Struct, frozen=True, kw_only=True):
    """A package on its way in."""

    id: str
    source: str
    state: str
    package: str | None
    error: str


class Installed(Struct, frozen=True, kw_only=True):
    """An installed package."""

    id: str
    kind: str
    state: str
    description: str
    tools: list[str]
    asks: list[str]
    permissions: tuple[Permission, ...] = ()
    what: str = ""
    notes: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    now: Edition
    before: Edition | None
    next: Edition | None = None
    standing: Standing | None = None
    created_at: datetime
    updated_at: datetime


class Signer(Struct, frozen=True, kw_only=True):
    """A publisher's key, as the hub has pinned it."""

    publisher: str
    key: str
    registry: str
    by: str
    pinned_at: datetime


class Receipt(Struct, frozen=True, kw_only=True):
    """The hub's proof that it uses a package."""

    hub: str
    receipt: dict[str, object]
    registry: str
    name: str
    version: str
