"""Files that people send over HTTP: kept before a message names them, and shown only to who may see one that does."""

import re
from collections.abc import AsyncIterable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from hub.flow.allowance import Allowance
from hub.ports import Clock, Documents, Files, Store
from hub.records import File, PersonId, TenantId

MEBIBYTE = 1024 * 1024
KEPT_FOR = timedelta(days=1)
"""So long a message can name a file that no message has yet."""
UNKNOWN = "application/octet-stream"
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}")
UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Upload(Struct, frozen=True, kw_only=True):
    """A file that somebody sent and that a message of theirs may name."""

    file: File
    at: datetime


class Uploads:
    """Keeps what's sent, and says who may have it."""

    def __init__(
        self,
        store: Store,
        files: Files,
        documents: Documents,
        clock: Clock,
        file_mb: int,
        allowance: Allowance | None = None,
    ) -> None:
        self._store = store
        self._files = files
        self._documents = documents
        self._clock = clock
        self._allowance = allowance
        self.limit = file_mb * MEBIBYTE
        """The most bytes of a file."""

    async def keep(
        self, tenant: TenantId, person: PersonId, name: str, media_type: str, data: bytes | AsyncIterable[bytes]
    ) -> File:
        """Keep a file durably; for a day a message of this person may name it. Raises TooLarge, StoreUnavailable, and
        OverQuota if its tenant has no room for it."""
        await self._check_room(tenant, person, 1)
        sha256, size = await self._files.put(data, limit=self.limit)
        await self._check_room(tenant, person, size)
        file = File(name=named(name), media_type=typed(media_type), size=size, sha256=sha256)
        await self._forget(_owner(tenant, person))
        upload = msgspec.to_builtins(Upload(file=file, at=self._clock.now()))
        await self._documents.put(_owner(tenant, person), sha256, upload)
        return file

    async def find(self, tenant: TenantId, person: PersonId, sha256: str, *, anybodys: bool = False) -> File | None:
        """Return a file that this person sent lately or has a message with; with `anybodys`, of anybody's messages."""
        kept = await self._documents.get(_owner(tenant, person), sha256)
        if kept is not None:
            return msgspec.convert(kept, Upload).file
        return await self._store.file(tenant, None if anybodys else person, sha256)

    async def read(self, file: File) -> bytes:
        """Return a file's bytes; raises NotFound and StoreUnavailable."""
        return await self._files.read(file.sha256)

    async def _check_room(self, tenant: TenantId, person: PersonId, size: int) -> None:
        if self._allowance is None or not await self._allowance.stores(tenant):
            return
        for id, document in await self._documents.all(_owner(tenant, person)):
            # What no message names yet isn't counted as kept; it may be soon.
            if await self._store.file(tenant, person, id) is None:
                size += msgspec.convert(document, Upload).file.size
        await self._allowance.room(tenant, size)

    async def _forget(self, owner: str) -> None:
        for id, document in await self._documents.all(owner):
            if msgspec.convert(document, Upload).at < self._clock.now() - KEPT_FOR:
                await self._documents.remove(owner, id)


def named(name: str) -> str:
    """Return a file's name as it can be shown and saved: without folders, and without what can't be read."""
    last = re.split(r"[/\\]", UNREADABLE.sub("", name))[-1].strip()
    return last[-200:].lstrip(".") or "file"


def typed(media_type: str) -> str:
    """Return a media type without its parameters; what isn't one is unknown."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain if MEDIA_TYPE.fullmatch(plain) else UNKNOWN


def _owner(tenant: TenantId, person: PersonId) -> str:
    return f"uploads/{tenant}/{person}"
