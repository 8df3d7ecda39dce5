"""The files that people sent, searched by their words; what isn't in the index yet is read at the first search.

The store says which files there are, so nothing is lost by a restart. Each person is apart, a group too.
"""

import asyncio
import logging
import sqlite3
from hashlib import sha256
from pathlib import Path
from weakref import WeakValueDictionary

from msgspec import Struct

from hub.errors import NotFound, StoreUnavailable, ToolError
from hub.ports import Clock, Files, Store
from hub.records import File, MessageId, PersonId, TenantId
from hub.tools.extract import BYTES, Extract, Extractor
from hub.tools.passages import Hit, Passages, cut

log = logging.getLogger(__name__)

PAGE = 50
MOST = 2_000
"""Messages with files of one person that are looked at."""
SECONDS = 40.0
"""So long a search may read what isn't in the index yet; the next one goes on."""


class Found(Struct, frozen=True, kw_only=True):
    """What a search found."""

    hits: tuple[Hit, ...]
    files: int
    """How many files there are to find something in."""
    left: int
    """How many weren't read yet."""


class Library:
    """Searches what people sent."""

    def __init__(
        self, store: Store, files: Files, extractor: Extractor, clock: Clock, folder: Path, *, seconds: float = SECONDS
    ) -> None:
        """Take the folder where the indexes lie."""
        self._store = store
        self._files = files
        self._extractor = extractor
        self._clock = clock
        self._folder = folder
        self._seconds = seconds
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def search(self, tenant: TenantId, person: PersonId, words: str, limit: int) -> Found:
        """Return the best passages of a person's files; raises ToolError."""
        path = self._path(tenant, person)
        index = Passages(path)
        lock = self._locks.setdefault(path, asyncio.Lock())
        try:
            async with lock:
                known, left = await self._read_new(tenant, person, index)
            hits = await asyncio.to_thread(index.search, words, limit)
            kept = [hit for hit in hits if await self._is_kept(index, hit)]
        except (OSError, sqlite3.Error) as error:
            log.error("the search index %s can't be used: %s", path, error)
            raise ToolError("The files can't be searched now. Tell the user.") from None
        return Found(hits=tuple(kept), files=known, left=left)

    async def _read_new(self, tenant: TenantId, person: PersonId, index: Passages) -> tuple[int, int]:
        """Have in the index what a person sent since the last search, the newest first; return how many there are."""
        known = await asyncio.to_thread(index.known)
        new = await self._new(tenant, person, known)
        until = self._clock.monotonic() + self._seconds
        done = 0
        for file in new:
            if self._clock.monotonic() >= until:
                break
            await self._add(index, file)
            done += 1
        return len(known) + done, len(new) - done

    async def _new(self, tenant: TenantId, person: PersonId, known: frozenset[str]) -> tuple[File, ...]:
        found: dict[str, File] = {}
        before: MessageId | None = None
        for _ in range(MOST // PAGE):
            page = await self._store.messages_with_files(tenant, person, limit=PAGE, before=before)
            for part in (part for message in page for part in message.parts):
                if isinstance(part, File) and part.sha256 not in known:
                    found.setdefault(part.sha256, part)
            # A search that ran out of time left old ones behind, so a page that's all known isn't the end.
            if len(page) < PAGE:
                break
            before = page[-1].id
        return tuple(found.values())

    async def _add(self, index: Passages, file: File) -> None:
        try:
            if file.size > BYTES:
                raise ToolError("It's too large.")
            data = await self._files.read(file.sha256)
            read = await self._extractor.read(data, file.media_type, name=file.name)
        except NotFound:
            return
        except StoreUnavailable as error:
            raise ToolError(f"The files can't be read now: {error}.") from None
        except ToolError as error:
            # It has no text, then; it's in the index all the same, so that it isn't tried with every search.
            log.info("file %s can't be searched: %s", file.sha256[:12], error)
            read = Extract()
        passages = list(cut(read.pages, paged=read.paged, lined=read.lined))
        await asyncio.to_thread(index.add, file.sha256, file.name, passages)

    async def _is_kept(self, index: Passages, hit: Hit) -> bool:
        if await self._files.exists(hit.sha256):
            return True
        await asyncio.to_thread(index.forget, hit.sha256)
        return False

    def _path(self, tenant: TenantId, person: PersonId) -> Path:
        return _index(self._folder, tenant, person)


async def forget(folder: Path, tenant: TenantId, person: PersonId) -> None:
    """Remove a person's index."""
    index = _index(folder, tenant, person)
    for path in (index, *(index.with_name(index.name + beside) for beside in ("-wal", "-shm", "-journal"))):
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _index(folder: Path, tenant: TenantId, person: PersonId) -> Path:
    return folder / _named(tenant) / f"{_named(person)}.db"


def _named(id: str) -> str:
    return sha256(id.encode(errors="replace")).hexdigest()[:32]
