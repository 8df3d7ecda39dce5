"""What a registry keeps."""

from datetime import datetime
from typing import Literal, NewType

from msgspec import Struct

from hub.records import PackageKind

AccountId = NewType("AccountId", str)
Role = Literal["member", "moderator", "admin"]
VersionState = Literal["pending", "listed", "held", "quarantined", "revoked", "deleted"]
"""pending: not looked into yet, or the scan failed. held: waits for a moderator (findings, a confusing name, a new
account). quarantined: a moderator took it away for now. revoked: for good. Only what's listed is seen and given out."""


class Account(Struct, frozen=True, kw_only=True):
    """Somebody who signs in: to publish, rate, report or moderate."""

    id: AccountId
    name: str
    """What they sign in by and are shown as; a-z, 0-9 and -."""
    email: str
    """Never shown to others; empty: none was given."""
    password: str
    """Argon2id, as its PHC string."""
    role: Role
    suspended: bool
    created_at: datetime


class Token(Struct, frozen=True, kw_only=True):
    """A credential of an account: ah_ID_SECRET, shown once and kept as its hash."""

    id: str
    account: AccountId
    name: str
    hash: str
    """SHA-256 of the whole token: 32 random bytes need no slow hash."""
    scopes: tuple[str, ...]
    """publish:PUBLISHER/NAME (or publish:PUBLISHER/*), rate, moderate; "all" is a browser's session."""
    created_at: datetime
    expires_at: datetime


class Publisher(Struct, frozen=True, kw_only=True):
    """The name that packages are published under."""

    name: str
    account: AccountId
    """Who owns it."""
    created_at: datetime


class PublisherKey(Struct, frozen=True, kw_only=True):
    """A public key of a publisher."""

    publisher: str
    id: str
    public: str
    """Base64."""
    state: Literal["current", "replaced", "revoked"]
    rotation: str
    """The envelope in which the key before it states it, as text; empty: the first one, or one an admin let in."""
    created_at: datetime


class Listing(Struct, frozen=True, kw_only=True):
    """A package, as it's searched for."""

    publisher: str
    name: str
    kind: PackageKind
    description: str
    tags: tuple[str, ...]
    latest: str
    """The newest listed version that wasn't yanked; empty: there's none, and it's in no search."""
    skeleton: str
    """What its name looks like: names that look alike have the same."""
    created_at: datetime
    updated_at: datetime
    deleted: bool
    """Its name is never given to anybody else."""
    downloads: int
    installs: int
    """Verified ones."""
    stars: int
    """The sum of its ratings that count."""
    ratings: int
    """How many those are."""


class Version(Struct, frozen=True, kw_only=True):
    """One version of a package: its bytes never change."""

    publisher: str
    name: str
    version: str
    kind: PackageKind
    sha256: str
    size: int
    description: str
    readme: str
    """README.md, or SKILL.md's text, as Markdown."""
    license: str
    tags: tuple[str, ...] = ()
    tools: tuple[str, ...]
    asks: tuple[str, ...]
    """The permissions that its manifest asks for."""
    notes: tuple[str, ...]
    findings: tuple[str, ...]
    """What the scan found odd."""
    envelope: str
    """The publisher's signed statement."""
    key: str
    """The id of the key that it's signed by."""
    state: VersionState
    reason: str
    """Why it's in that state, in words for people; empty while there's nothing to say."""
    yanked_at: datetime | None
    yanked: str
    """Why its publisher took it back."""
    account: AccountId
    """Who uploaded it."""
    published_at: datetime
    bundle: bool = False
    """Whether it's an MCP bundle (manifest.json at its root), which other MCP clients run too."""
    listed_at: datetime | None = None
    """When it was listed first; None: it never was."""


class Rating(Struct, frozen=True, kw_only=True):
    """What somebody thinks of a package that they verifiably installed."""

    publisher: str
    name: str
    account: AccountId
    version: str
    stars: int
    """1 to 5."""
    text: str
    hub: str
    """The id of the hub's key whose receipt proved the installation."""
    counted: bool
    """False: held back, by a burst alarm or a moderator; it's neither shown nor counted."""
    created_at: datetime
    updated_at: datetime


class Report(Struct, frozen=True, kw_only=True):
    """That somebody finds something wrong with a package."""

    id: str
    publisher: str
    name: str
    version: str
    account: AccountId
    reason: Literal["malware", "impersonation", "secrets", "spam", "illegal", "other"]
    text: str
    state: Literal["open", "upheld", "dismissed"]
    created_at: datetime


class AuditRow(Struct, frozen=True, kw_only=True):
    """Something that was done, in a chain in which no row can be changed or left out unnoticed."""

    seq: int
    at: datetime
    actor: str
    """An account's id, "hub:KEY", or "registry" itself."""
    action: str
    """As "version.publish", "version.yank", "account.suspend", "rating.edit"."""
    subject: str
    """As "PUBLISHER/NAME@VERSION" or "account:NAME"."""
    detail: str
    before: str
    """The hash of the row before."""
    hash: str
    """SHA-256 over all of the above."""
