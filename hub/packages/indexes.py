"""Registries' signed indexes: which versions there are, down to the byte, and which were taken away.

A registry's key is pinned when it's first asked, unless the config names it. No index is believed that another key
signed, that's over, or whose serial is lower than what was seen before: so neither a mirror nor whoever is on the way
can change, freeze or roll back what a registry has.
"""

import asyncio
import re
from collections import OrderedDict
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from hub.errors import EgressError, StatementError
from hub.outward import RegistryConfig
from hub.ports import Clock, Documents, Egress
from hub.releases import Index, IndexedPackage, read_index, shard_of
from hub.statements import LARGEST, id_of, public_of, shown, signer_of

OWNER = "registries"
"""Whose documents say what's known of each registry."""
SECONDS = 30.0
SHARD = 8_000_000
"""Bytes of a shard."""
SHARDS = 64
"""That are remembered: a shard is called by its SHA-256, so it never changes."""
ODD = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What a decoder raises for bytes that aren't what they should be."""
VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]{1,40})?(\+[0-9A-Za-z.-]{1,40})?", re.ASCII)
DIGEST = re.compile("[0-9a-f]{64}")


class Seen(Struct, frozen=True, kw_only=True):
    """What's known of a registry."""

    key: str
    """Its public key, in base64."""
    serial: int
    """The highest that an index of this key had."""
    pinned_at: datetime


class _Key(Struct, frozen=True, kw_only=True):
    public: str


class Indexes:
    """Reads indexes, and remembers what was seen of each registry."""

    def __init__(self, egress: Egress, documents: Documents, clock: Clock) -> None:
        self._egress = egress
        self._documents = documents
        self._clock = clock
        self._one = asyncio.Lock()
        self._shards: OrderedDict[str, tuple[IndexedPackage, ...]] = OrderedDict()

    async def seen(self, registry: RegistryConfig) -> Seen | None:
        """Return what's known of a registry; a key that the config names takes the place of another one."""
        known = await self._documents.get(OWNER, address(registry))
        seen = msgspec.convert(known, Seen) if known else None
        if registry.key and (seen is None or public_of(seen.key) != public_of(registry.key)):
            return Seen(key=shown(public_of(registry.key)), serial=0, pinned_at=self._clock.now())
        return seen

    async def index(self, registry: RegistryConfig) -> Index:
        """Return a registry's index as it is now.

        Raises StatementError for one that can't be believed, EgressError if nobody answers.
        """
        url = address(registry)
        async with self._one:
            seen = await self.seen(registry)
            envelope = await self._got(f"{url}/registry/v1/index", LARGEST)
            public = public_of(seen.key) if seen else await self._first_key(url)
            index = _believed(url, envelope, public, seen)
            if index.expires_at <= self._clock.now():
                over = f"{index.expires_at:%Y-%m-%d %H:%M} UTC"
                raise StatementError(
                    f"{url}: its index was good until {over}; it's frozen on the way, or this machine's clock is wrong"
                )
            if seen and index.serial < seen.serial:
                raise StatementError(
                    f"{url}: its index has the serial {index.serial}, and {seen.serial} was seen before: "
                    "it was rolled back; ask its operator"
                )
            fresh = Seen(
                key=shown(public), serial=index.serial, pinned_at=seen.pinned_at if seen else self._clock.now()
            )
            if fresh != seen or await self._documents.get(OWNER, url) is None:
                await self._documents.put(OWNER, url, document(fresh))
            return index

    async def package(self, registry: RegistryConfig, name: str, index: Index | None = None) -> IndexedPackage | None:
        """Return what a registry's index has of PUBLISHER/NAME, None if it has none of it; raises as `index`."""
        index = index or await self.index(registry)
        shard = index.shards.get(shard_of(name))
        if shard is None:
            return None
        url = address(registry)
        packages = await self._shard(url, shard.sha256)
        found = next((package for package in packages if package.name == name), None)
        for version in found.versions if found else ():
            if not VERSION.fullmatch(version.version) or not DIGEST.fullmatch(version.sha256):
                raise StatementError(f"{url}: its index has {version.version[:40]!r} without a good version or SHA-256")
        return found

    async def _shard(self, url: str, digest: str) -> tuple[IndexedPackage, ...]:
        if not DIGEST.fullmatch(digest):
            raise StatementError(f"{url}: its index names a shard {digest[:20]!r}, which is no SHA-256")
        if digest not in self._shards:
            body = await self._got(f"{url}/registry/v1/index/{digest}", SHARD)
            if sha256(body).hexdigest() != digest:
                raise StatementError(f"{url}: a part of its index has other bytes (SHA-256) than it signed")
            try:
                self._shards[digest] = msgspec.json.decode(body, type=tuple[IndexedPackage, ...])
            except ODD as error:
                raise StatementError(f"{url}: a part of its index can't be read: {error}") from None
            while len(self._shards) > SHARDS:
                self._shards.popitem(last=False)
        self._shards.move_to_end(digest)
        return self._shards[digest]

    async def _first_key(self, url: str) -> bytes:
        body = await self._got(f"{url}/registry/v1/key", 10_000)
        try:
            return public_of(msgspec.json.decode(body, type=_Key).public)
        except ODD as error:
            raise StatementError(f"{url}: tells no key that its index is signed by: {error}") from None

    async def _got(self, where: str, limit: int) -> bytes:
        fetched = await self._egress.fetch(where, limit=limit, seconds=SECONDS)
        if fetched.status != 200:
            raise EgressError(f"{where}: answered {fetched.status}, not as a registry does")
        return fetched.body


def address(registry: RegistryConfig) -> str:
    """Return a registry's address, without a / at its end."""
    return registry.url.rstrip("/")


def document(found: Struct) -> dict[str, Any]:
    """Return a record as a document, its times as text."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _believed(url: str, envelope: bytes, public: bytes, seen: Seen | None) -> Index:
    try:
        signer = signer_of(envelope)
    except StatementError as error:
        raise StatementError(f"{url}: its index can't be believed: {error}") from None
    if seen and signer != id_of(public):
        raise StatementError(
            f"{url}: its index is signed by the key {signer[:16]}, and the key {id_of(public)} is pinned since "
            f"{seen.pinned_at:%Y-%m-%d}: it's somebody else's. If its operator says elsewhere that the key was "
            'changed, give the new one under [[registries]] as key = "..."'
        )
    try:
        return read_index(envelope, public)
    except StatementError as error:
        raise StatementError(f"{url}: its index can't be believed: {error}") from None
