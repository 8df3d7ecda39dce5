"""What's installed from packages."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records.ids import PackageId, TenantId

PackageKind = Literal["plugin", "agent"]


class Edition(Struct, frozen=True, kw_only=True):
    """One version of a package, down to the byte, with what it was granted."""

    version: str
    digest: str
    """SHA-256 of its files: their paths and contents, whatever archive they came in."""
    grants: tuple[str, ...] = ()
    """Which of the permissions it asks for it has, as "fs:data"."""
    source: str = ""
    """Where it came from, in words."""


class Package(Struct, frozen=True, kw_only=True):
    """An installed package. Its files lie in the data folder under its id, version and digest."""

    id: PackageId
    """Its name."""
    tenant: TenantId
    kind: PackageKind
    state: Literal["disabled", "enabled"]
    now: Edition
    before: Edition | None = None
    """What it was before its last update: one command brings it back."""
    created_at: datetime
    updated_at: datetime
