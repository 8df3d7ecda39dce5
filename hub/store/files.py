"""Files that came along with messages, kept under the SHA-256 of their bytes, each once."""

import asyncio
import hashlib
import math
import os
import re
import secrets
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from pathlib import Path

from hub.errors import NotFound, StoreUnavailable, TooLarge
from hub.store.disk import Draft, draft, make_folder, sync

SHA256 = re.compile("[0-9a-f]{64}")


class FileStore:
    """Files in a folder, fanned out over two levels of folders so that none gets crowded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._coming = folder / "coming"
        # Between a look at a file's time and its removal nobody may put it again.
        self._lock = threading.Lock()

    async def open(self) -> None:
        """Make the folder, and clear away what a killed hub left half written."""
        try:
            await asyncio.to_thread(self._clear)
        except OSError as error:
            raise StoreUnavailable(f"{self._folder}: can't be written ({error.strerror})") from None

    async def put(self, data: bytes | AsyncIterable[bytes], *, limit: int) -> tuple[str, int]:
        try:
            with draft(self._coming / secrets.token_hex(8)) as coming:
                sha256, size = await _write(coming, _chunks(data), limit)
                await asyncio.to_thread(self._move_in, coming, sha256)
        except OSError as error:
            raise StoreUnavailable(f"the file can't be kept: {error.strerror}") from None
        return sha256, size

    async def read(self, sha256: str) -> bytes:
        try:
            return await asyncio.to_thread(self._path(sha256).read_bytes)
        except FileNotFoundError:
            raise NotFound(f"no file {sha256} is kept") from None
        except OSError as error:
            raise StoreUnavailable(f"the file {sha256} can't be read: {error.strerror}") from None

    async def exists(self, sha256: str) -> bool:
        return await asyncio.to_thread(self._path(sha256).is_file)

    async def old(self, before: datetime) -> tuple[str, ...]:
        return await asyncio.to_thread(self._old, before.timestamp())

    async def remove(self, sha256: str, before: datetime) -> bool:
        try:
            return await asyncio.to_thread(self._remove, self._path(sha256), before.timestamp())
        except OSError as error:
            raise StoreUnavailable(f"the file {sha256} can't be removed: {error.strerror}") from None

    def _old(self, before: float) -> tuple[str, ...]:
        found = (path for path in self._folder.glob("??/??/*") if SHA256.fullmatch(path.name))
        return tuple(sorted(path.name for path in found if _put_at(path) < before))

    def _remove(self, path: Path, before: float) -> bool:
        with self._lock:
            if _put_at(path) >= before:
                return False
            path.unlink(missing_ok=True)
            sync(path.parent)
            return True

    def _clear(self) -> None:
        make_folder(self._coming)
        for left in self._coming.iterdir():
            left.unlink()

    def _move_in(self, coming: Draft, sha256: str) -> None:
        path = self._path(sha256)
        with self._lock:
            if path.exists():
                os.utime(path)
                return
            make_folder(path.parent)
            coming.keep_as(path)

    def _path(self, sha256: str) -> Path:
        if not SHA256.fullmatch(sha256):
            raise NotFound(f"{sha256!r} isn't the SHA-256 of a file")
        return self._folder / sha256[:2] / sha256[2:4] / sha256


class MemoryFiles:
    """Files that are forgotten with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}

    async def put(self, data: bytes | AsyncIterable[bytes], *, limit: int) -> tuple[str, int]:
        whole = bytearray()
        async for chunk in _chunks(data):
            whole += chunk
            if len(whole) > limit:
                raise _too_large(limit)
        sha256 = hashlib.sha256(whole).hexdigest()
        self._kept[sha256] = time.time(), bytes(whole)
        return sha256, len(whole)

    async def read(self, sha256: str) -> bytes:
        if sha256 not in self._kept:
            raise NotFound(f"no file {sha256} is kept")
        return self._kept[sha256][1]

    async def exists(self, sha256: str) -> bool:
        return sha256 in self._kept

    async def old(self, before: datetime) -> tuple[str, ...]:
        return tuple(sorted(sha256 for sha256, (at, _) in self._kept.items() if at < before.timestamp()))

    async def remove(self, sha256: str, before: datetime) -> bool:
        at, _ = self._kept.get(sha256, (math.inf, b""))
        return at < before.timestamp() and self._kept.pop(sha256, None) is not None


def _put_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the file has more than {limit} bytes; send a smaller one")


async def _write(coming: Draft, chunks: AsyncIterable[bytes], limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        digest.update(chunk)
        await asyncio.to_thread(coming.file.write, chunk)
    return digest.hexdigest(), size


async def _chunks(data: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(data, bytes):
        yield data
    else:
        async for chunk in data:
            yield chunk
