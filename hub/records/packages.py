"""What's installed from packages."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records.ids import InstallationId, PackageId, PersonId, TenantId

PackageKind = Literal["plugin", "agent", "script", "skill", "server"]
"""server: an MCP server. All kinds but agents and skills hold code, which runs confined."""
InstallationState = Literal[
    "requested", "fetched", "verified", "unpacked", "scanned", "built", "installed", "enabled", "failed"
]
"""Installed, enabled and failed are ends; at any other a crash leaves it to be gone on with, or erased."""


class Edition(Struct, frozen=True, kw_only=True):
    """One version of a package, down to the byte, with what it was granted."""

    version: str
    digest: str
    """SHA-256 of its files: their paths and contents, whatever archive they came in."""
    grants: tuple[str, ...] = ()
    """Which of the permissions it asks for it has, as "fs:data"."""
    source: str = ""
    """Where it came from, in words."""
    found: tuple[str, ...] = ()
    """What a scan found odd in it, in words."""


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
    next: Edition | None = None
    """An update that isn't used yet, for it lacks a permission or a scan found it odd; `now` goes on meanwhile."""
    created_at: datetime
    updated_at: datetime


class Installation(Struct, frozen=True, kw_only=True):
    """A package on its way in: where it comes from, how far it is, and what was found on the way."""

    id: InstallationId
    tenant: TenantId
    by: PersonId
    source: str
    """A URL, a registry reference, or what an upload was called."""
    grants: tuple[str, ...] = ()
    state: InstallationState
    package: PackageId | None = None
    digest: str = ""
    """SHA-256 of the archive, once it's fetched."""
    found: tuple[str, ...] = ()
    """What a scan found odd, in words for whoever decides about the package."""
    error: str = ""
    created_at: datetime
    updated_at: datetime
    revision: int = 0
