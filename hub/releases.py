"""What publishers, registries and hubs state about packages: the predicates of `hub.statements`.

A release is stated by its publisher, a rotation by the publisher's old key, an index by the registry, an install by the
hub. Each names its kind, so that none is taken for another.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from hub.errors import StatementError
from hub.statements import STATEMENT, SigningKey, Subject, id_of, public_of, read, shown

INDEX = "application/vnd.agenthost.index+json"
FETCH = "application/vnd.agenthost.fetch+json"
_RELEASE: Literal["urn:agenthost:release:v1"] = "urn:agenthost:release:v1"
_ROTATION: Literal["urn:agenthost:rotation:v1"] = "urn:agenthost:rotation:v1"
_INSTALL: Literal["urn:agenthost:install:v1"] = "urn:agenthost:install:v1"


class ReleasePredicate(Struct, frozen=True, kw_only=True):
    """What a publisher states of an archive."""

    version: str
    size: int
    """Bytes of the archive."""
    permissions: tuple[str, ...]
    """What its manifest asks for, as "net:api.example.org:443", sorted."""
    time: datetime


class Release(Struct, frozen=True, kw_only=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """A publisher's statement that an archive is a package's version."""

    type: Literal["https://in-toto.io/Statement/v1"] = STATEMENT
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:agenthost:release:v1"] = _RELEASE
    predicate: ReleasePredicate

    @classmethod
    def of(cls, name: str, version: str, archive: bytes, permissions: Sequence[str], time: datetime) -> "Release":
        """Return what to state of an archive; `name` is PUBLISHER/NAME."""
        return cls(
            subject=(Subject(name=name, digest={"sha256": sha256(archive).hexdigest()}),),
            predicate=ReleasePredicate(
                version=version, size=len(archive), permissions=tuple(sorted(permissions)), time=time
            ),
        )

    def check(self, name: str, version: str, archive: bytes) -> None:
        """Raise StatementError unless this is stated of just that archive, package and version."""
        if len(self.subject) != 1 or self.subject[0].name != name or self.predicate.version != version:
            told = self.subject[0].name if self.subject else "nothing"
            raise StatementError(f"{name} {version}: its statement is about {told[:100]} {self.predicate.version[:40]}")
        if self.predicate.size != len(archive) or self.subject[0].digest.get("sha256") != sha256(archive).hexdigest():
            raise StatementError(f"{name} {version}: its publisher stated other bytes (SHA-256) than these")


class RotationPredicate(Struct, frozen=True, kw_only=True):
    """What a publisher states of a new key."""

    old: str
    """The id of the key that it takes the place of, and that signs this."""
    public: str
    """The new key, in base64."""
    time: datetime


class Rotation(Struct, frozen=True, kw_only=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """A publisher's statement, under the old key, that a new one takes its place."""

    type: Literal["https://in-toto.io/Statement/v1"] = STATEMENT
    subject: tuple[Subject, ...]
    """The publisher, with the new key's SHA-256."""
    predicate_type: Literal["urn:agenthost:rotation:v1"] = _ROTATION
    predicate: RotationPredicate

    @classmethod
    def of(cls, publisher: str, old: SigningKey, public: bytes, time: datetime) -> "Rotation":
        """Return what the old key is to state."""
        return cls(
            subject=(Subject(name=publisher, digest={"sha256": sha256(public).hexdigest()}),),
            predicate=RotationPredicate(old=old.id, public=shown(public), time=time),
        )


class InstallPredicate(Struct, frozen=True, kw_only=True):
    """What a hub states of a package that it has."""

    version: str
    account: str
    """The registry's account that the receipt is for, and good for nobody else."""
    enabled_at: datetime
    time: datetime


class Install(Struct, frozen=True, kw_only=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """A hub's statement that it installed just these bytes and uses them."""

    type: Literal["https://in-toto.io/Statement/v1"] = STATEMENT
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:agenthost:install:v1"] = _INSTALL
    predicate: InstallPredicate


class Fetch(Struct, frozen=True, kw_only=True):
    """A hub's statement, sent along with a download, that it fetches an archive: what it may later rate by."""

    registry: str
    """The registry's address."""
    sha256: str
    time: datetime


class Shard(Struct, frozen=True, kw_only=True):
    """A part of an index: the packages whose names' SHA-256 begins alike."""

    sha256: str
    """Of the shard's bytes."""
    packages: int


class Index(Struct, frozen=True, kw_only=True):
    """What a registry states that it has, all of it, at one time.

    A hub takes no index that's over, nor one whose serial is lower than what it saw last from this registry: so a
    mirror can neither freeze it nor roll it back.
    """

    registry: str
    """The registry's address."""
    serial: int
    issued_at: datetime
    expires_at: datetime
    shards: dict[str, Shard]
    """By the first two hexadecimal digits of the SHA-256 of PUBLISHER/NAME; those with no package are left out."""


class IndexedVersion(Struct, frozen=True, kw_only=True):
    """A version in an index."""

    version: str
    sha256: str
    key: str = ""
    """The id of the key that its release is signed by."""
    yanked: str = ""
    """Why its publisher took it back; empty: it wasn't."""
    revoked: str = ""
    """Why the registry took it away: it must not be installed nor used; empty: it wasn't."""
    listed_at: datetime | None = None
    """Since when strangers see it: hubs wait for a while before they take a version by themselves."""


class IndexedPackage(Struct, frozen=True, kw_only=True):
    """A package in an index."""

    name: str
    """PUBLISHER/NAME."""
    versions: tuple[IndexedVersion, ...]


def shard_of(name: str) -> str:
    """Return the shard that PUBLISHER/NAME stands in."""
    return sha256(name.encode()).hexdigest()[:2]


def order(version: str) -> tuple[object, ...]:
    """Return what SemVer versions are ordered by; what's before a release stands behind all releases."""
    plain, _, before = version.partition("+")[0].partition("-")
    numbers = tuple(int(number) for number in plain.split("."))
    return (not before, numbers, tuple(_part(part) for part in before.split(".")))


def read_release(envelope: bytes, public: bytes) -> Release:
    """Return a publisher's statement; raises StatementError."""
    return read(envelope, public, Release)


def read_rotation(envelope: bytes, old: bytes, publisher: str) -> bytes:
    """Return the public key that takes an old one's place by the old one's own statement; raises StatementError."""
    found = read(envelope, old, Rotation)
    public = public_of(found.predicate.public)
    stated = found.subject[0] if len(found.subject) == 1 else Subject(name="", digest={})
    if stated.name != publisher or stated.digest.get("sha256") != sha256(public).hexdigest():
        raise StatementError(f"{publisher}: the statement of its new key is about {stated.name[:60]!r}, or another key")
    if found.predicate.old != id_of(old):
        raise StatementError(f"{publisher}: the statement of its new key names another old key")
    return public


def read_index(envelope: bytes, public: bytes) -> Index:
    """Return a registry's index; raises StatementError. Its end and its serial are the reader's to look at."""
    return read(envelope, public, Index, INDEX)


def read_fetch(envelope: bytes, public: bytes) -> Fetch:
    """Return what a hub states that it fetches; raises StatementError."""
    return read(envelope, public, Fetch, FETCH)


def read_install(envelope: bytes, public: bytes) -> Install:
    """Return a hub's receipt; raises StatementError."""
    return read(envelope, public, Install)


def _part(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isascii() and part.isdigit() else (True, 0, part)
