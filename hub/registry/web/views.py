"""Packages, versions and publishers as the API shows them."""

from datetime import datetime

import msgspec
from msgspec import Struct

from hub.records import PackageKind
from hub.registry.records import PublisherKey, Version, VersionState
from hub.statements import Envelope


class VersionView(Struct, frozen=True, kw_only=True):
    """A version in few words."""

    version: str
    kind: PackageKind
    sha256: str
    size: int
    description: str
    license: str
    tools: tuple[str, ...]
    asks: tuple[str, ...]
    """Permissions, as "net:api.example.org:443"."""
    notes: tuple[str, ...]
    findings: tuple[str, ...]
    """What the scan found odd."""
    key: str
    """The id of the key that its statement is signed by."""
    state: VersionState
    reason: str
    yanked: bool
    yanked_reason: str
    published_at: datetime


class KeyView(Struct, frozen=True, kw_only=True):
    """A publisher's key."""

    id: str
    public: str
    """Base64."""
    state: str
    """current, replaced or revoked."""
    rotation: Envelope | None
    """In which the key before states this one."""


def version_view(version: Version) -> VersionView:
    """Return a version in few words."""
    return VersionView(**told(version))  # type: ignore[arg-type]  # the fields are named alike


def key_view(key: PublisherKey) -> KeyView:
    """Return a key."""
    rotation = msgspec.json.decode(key.rotation, type=Envelope) if key.rotation else None
    return KeyView(id=key.id, public=key.public, state=key.state, rotation=rotation)


def told(version: Version) -> dict[str, object]:
    """Return a version's fields as VersionView has them."""
    same = {name: getattr(version, name) for name in VersionView.__struct_fields__ if name in version.__struct_fields__}
    return {**same, "yanked": version.yanked_at is not None, "yanked_reason": version.yanked}
