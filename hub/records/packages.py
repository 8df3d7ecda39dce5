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


class Provenance(Struct, frozen=True, kw_only=True):
    """Which version in which registry an edition is, as its publisher signed it."""

    registry: str
    """Its address."""
    name: str
    """There, as PUBLISHER/NAME."""
    sha256: str
    """Of the archive."""
    key: str
    """The id of the publisher's key."""


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
    origin: Provenance | None = None
    """None: nobody signed it; it was uploaded, linked or fetched from a URL."""
    since: datetime | None = None
    """Since when it's enabled, without a break; None: it isn't."""


class Newer(Struct, frozen=True, kw_only=True):
    """A version in a registry that's newer than what's installed."""

    version: str
    since: datetime
    """When it was listed, or, if the registry doesn't say so, when this hub first saw it."""


class Standing(Struct, frozen=True, kw_only=True):
    """What its registry said last of an installed package's version."""

    package: PackageId
    version: str
    sha256: str
    """Of the archive."""
    digest: str
    """Of its files, whatever archive they come in."""
    registry: str
    yanked: str = ""
    """Why its publisher took it back; empty: it wasn't."""
    revoked: str = ""
    """Why the registry took it away; empty: it wasn't."""
    newer: tuple[Newer, ...] = ()
    """What's newer, the newest first; none that was taken back."""
    tried: tuple[str, ...] = ()
    """Versions that this hub took, or tried to, by itself: each once."""
    fault: str = ""
    """Why nothing newer than `looked_at` is known."""
    doubtful: bool = False
    """The fault isn't that nobody answers: what came can't be believed."""
    looked_at: datetime


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
