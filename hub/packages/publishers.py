"""Publishers' keys: each is pinned when something of its publisher is first installed, and only its word changes it.

A new key is believed if the pinned one stated it (a chain of such statements will do), or if an admin says so.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from hub.errors import BadRequest, NotFound, StatementError
from hub.packages.indexes import document
from hub.ports import Clock, Documents
from hub.releases import read_rotation
from hub.statements import id_of, public_of, shown

OWNER = "publishers"
"""Whose documents say which key is whose."""
CHAIN = 50
"""Keys that a publisher may have had."""
PUBLISHER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]")
KEY_ID = 16
"""Hexadecimal digits."""


class Signer(Struct, frozen=True, kw_only=True):
    """A publisher's key, as this hub has pinned it."""

    publisher: str
    key: str
    """Its id."""
    public: str = ""
    """In base64; empty: an admin named the id, and the key itself didn't come yet."""
    registry: str = ""
    """Where it came from."""
    by: Literal["first", "rotation", "admin"]
    """How it was pinned: it came with the first package, the key before stated it, or an admin did."""
    pinned_at: datetime


class Told(Struct, frozen=True, kw_only=True):
    """A key, as a registry tells it: nobody's word yet."""

    id: str
    public: str
    state: str = ""
    rotation: msgspec.Raw = msgspec.Raw(b"null")
    """The statement of the key before it."""


class Publishers:
    """Knows whose key is whose."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def all(self) -> tuple[Signer, ...]:
        """Return the pinned keys, by publisher."""
        found = [msgspec.convert(known, Signer) for _, known in await self._documents.all(OWNER)]
        return tuple(sorted(found, key=lambda signer: signer.publisher))

    async def of(self, publisher: str) -> Signer | None:
        """Return a publisher's pinned key, None if nothing of theirs came yet."""
        known = await self._documents.get(OWNER, publisher)
        return msgspec.convert(known, Signer) if known else None

    async def trust(self, publisher: str, key: str) -> Signer:
        """Pin a key by an admin's word: its id, or the key in base64. Raises BadRequest for what's neither."""
        if not PUBLISHER.fullmatch(publisher):
            raise BadRequest("publisher", f"{publisher[:60]!r} is no publisher's name; it's what stands before the /")
        public, id = "", key.strip().lower()
        if len(id) != KEY_ID or set(id) - set("0123456789abcdef"):
            try:
                public = shown(public_of(key))
            except StatementError:
                raise BadRequest(
                    "key", f"{key[:60]!r} is neither a key's id ({KEY_ID} hexadecimal digits) nor a key in base64"
                ) from None
            id = id_of(public_of(public))
        signer = Signer(publisher=publisher, key=id, public=public, by="admin", pinned_at=self._clock.now())
        await self.keep(signer)
        return signer

    async def forget(self, publisher: str) -> None:
        """Forget a publisher's key: the next package of theirs pins one anew. Raises NotFound."""
        if not await self._documents.remove(OWNER, publisher):
            raise NotFound(f"publisher: there's no key of {publisher!r} here")

    async def keep(self, signer: Signer) -> None:
        """Keep a pinned key durably."""
        await self._documents.put(OWNER, signer.publisher, document(signer))

    async def signer(self, publisher: str, key: str, told: Sequence[Told], registry: str) -> Signer:
        """Return the key with an id, to be kept once it was seen to fit; raises StatementError if it isn't theirs."""
        known = await self.of(publisher)
        if known and known.public and known.key == key:
            return known
        if known is None or (not known.public and known.key == key):
            public = _with_id(publisher, key, told)
            by: Literal["first", "admin"] = "admin" if known else "first"
            return self._signer(publisher, public, registry, by)
        if known.public and (found := _successor(public_of(known.public), publisher, key, told)):
            return self._signer(publisher, found, registry, "rotation")
        raise StatementError(
            f"{publisher}: this is signed by the key {key[:KEY_ID]}, and {known.key} is pinned since "
            f"{known.pinned_at:%Y-%m-%d}; the pinned key states no other one. If {publisher} says elsewhere that it's "
            f"theirs: `agenthost packages trust {publisher} {key[:KEY_ID]}`"
        )

    def _signer(
        self, publisher: str, public: bytes, registry: str, by: Literal["first", "rotation", "admin"]
    ) -> Signer:
        return Signer(
            publisher=publisher,
            key=id_of(public),
            public=shown(public),
            registry=registry,
            by=by,
            pinned_at=self._clock.now(),
        )


def _with_id(publisher: str, key: str, told: Sequence[Told]) -> bytes:
    for each in told[:CHAIN]:
        if each.id == key and each.state != "revoked" and id_of(public_of(each.public)) == key:
            return public_of(each.public)
    raise StatementError(f"{publisher}: the registry doesn't tell the key {key[:KEY_ID]} that this is signed by")


def _successor(pinned: bytes, publisher: str, key: str, told: Sequence[Told]) -> bytes | None:
    """Return the key with an id if a chain of statements leads to it from the pinned one."""
    current, waiting = pinned, [each for each in told[:CHAIN] if bytes(each.rotation) != b"null"]
    while id_of(current) != key:
        for each in waiting:
            try:
                current = read_rotation(bytes(each.rotation), current, publisher)
            except StatementError:
                continue
            waiting.remove(each)
            break
        else:
            return None
    return current
