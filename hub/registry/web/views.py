"""Packages, versions and publishers as the API shows them."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from hub.records import PackageKind
from hub.registry.reading import Changes
from hub.registry.records import PublisherKey, Version, VersionState
from hub.registry.summaries import Summary
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


class WholeVersion(VersionView, frozen=True, kw_only=True):
    """A version with its readme, its publisher's statement, and what it asks for that the one before didn't."""

    readme: str
    """Markdown, of anybody: it has to be sanitised before a browser sees it."""
    statement: Envelope
    changes: Changes


class KeyView(Struct, frozen=True, kw_only=True):
    """A publisher's key."""

    id: str
    public: str
    """Base64."""
    state: str
    """current, replaced or revoked."""
    rotation: Envelope | None
    """In which the key before states this one."""


class PackageView(Summary, frozen=True, kw_only=True):
    """A package with what belongs to it."""

    license: str
    readme: str
    created_at: datetime
    keys: list[KeyView]
    versions: list[VersionView]
    """Newest first, at most 200."""


class PublisherView(Struct, frozen=True, kw_only=True):
    """A publisher."""

    name: str
    created_at: datetime
    keys: list[KeyView]
    packages: list[Summary]


class VersionList(Struct, frozen=True, kw_only=True):
    """A piece of a listing; `next` goes back as ?cursor= for the piece after it."""

    items: list[VersionView]
    next: str | None = None


def version_view(version: Version) -> VersionView:
    """Return a version in few words."""
    return VersionView(**told(version))


def whole_version(version: Version, changes: Changes) -> WholeVersion:
    """Return a version with all that belongs to it."""
    statement = msgspec.json.decode(version.envelope, type=Envelope)
    return WholeVersion(**told(version), readme=version.readme, statement=statement, changes=changes)


def key_view(key: PublisherKey) -> KeyView:
    """Return a key."""
    rotation = msgspec.json.decode(key.rotation, type=Envelope) if key.rotation else None
    return KeyView(id=key.id, public=key.public, state=key.state, rotation=rotation)


def told(version: Version) -> dict[str, Any]:
    """Return a version's fields as VersionView has them."""
    same = {name: getattr(version, name) for name in VersionView.__struct_fields__ if name in version.__struct_fields__}
    return {**same, "yanked": version.yanked_at is not None, "yanked_reason": version.yanked}
