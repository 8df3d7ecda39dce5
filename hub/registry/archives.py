"""The bytes of archives, by their SHA-256: small ones from memory, large ones from a file.

Nothing is given out whose SHA-256 isn't its name: it's taken when an archive comes out of the database, and again of
each file that this process hasn't seen as it is now.
"""

import asyncio
import os
from collections import OrderedDict
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select

from hub.errors import NotFound, StoreUnavailable
from hub.registry.shelf import Shelf
from hub.registry.tables import archives
from hub.store.disk import draft, make_folder

MEGABYTE = 1024 * 1024
SMALL = MEGABYTE
"""A larger one is sent from a file, piece by piece: somebody who reads slowly holds no memory."""
IN_MEMORY = 64 * MEGABYTE
ON_DISK = 1024 * MEGABYTE


class Archives:
    """Lends archives; what's asked for again doesn't come from the database again."""

    def __init__(
        self, shelf: Shelf, folder: Path, *, small: int = SMALL, in_memory: int = IN_MEMORY, on_disk: int = ON_DISK
    ) -> None:
        """`folder` is for files that may be lost at any time; it's made when it's needed."""
        self._shelf = shelf
        self._folder = folder
        self._small = small
        self._in_memory = in_memory
        self._on_disk = on_disk
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._checked: dict[str, tuple[int, int, int]] = {}
        # One after another: so many that are asked for at once don't lie in memory at once.
        self._fetching = asyncio.Lock()

    async def lend(self, digest: str, size: int) -> bytes | BinaryIO:
        """Return an archive's bytes, or a file with them, for the caller to close.

        Raises NotFound for one that isn't there, StoreUnavailable for one that was damaged.
        """
        found = await self._at_hand(digest, size)
        if found is not None:
            return found
        async with self._fetching:
            return await self._at_hand(digest, size) or await self._fetched(digest)

    async def _at_hand(self, digest: str, size: int) -> bytes | BinaryIO | None:
        if size > self._small:
            return await asyncio.to_thread(self._file, digest)
        if (data := self._kept.get(digest)) is not None:
            self._kept.move_to_end(digest)
        return data

    async def _fetched(self, digest: str) -> bytes | BinaryIO:
        def ask(connection: Connection) -> bytes | None:
            row = connection.execute(select(archives.c.data).where(archives.c.sha256 == digest)).first()
            return bytes(row.data) if row else None

        data = await self._shelf.read(ask)
        if data is None:
            raise NotFound(f"archive {digest[:12]}: the registry doesn't have it")
        if await asyncio.to_thread(lambda: sha256(data).hexdigest()) != digest:
            raise StoreUnavailable(f"the archive {digest[:12]} was damaged in the registry's database")
        if len(data) > self._small:
            return await asyncio.to_thread(self._write, digest, data)
        self._keep(digest, data)
        return data

    def _keep(self, digest: str, data: bytes) -> None:
        self._kept[digest] = data
        self._bytes += len(data)
        while self._bytes > self._in_memory:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest)

    def _file(self, digest: str) -> BinaryIO | None:
        try:
            file = (self._folder / digest).open("rb")
        except FileNotFoundError:
            return None
        found = _state(file)
        if self._checked.get(digest) != found:
            if file_digest(file, "sha256").hexdigest() != digest:
                file.close()
                return None
            self._checked[digest] = found
            file.seek(0)
        return file

    def _write(self, digest: str, data: bytes) -> BinaryIO:
        path = self._folder / digest
        try:
            make_folder(self._folder)
            self._make_room(len(data))
            with draft(path.with_name(f".{digest}.{os.getpid()}")) as writing:
                writing.file.write(data)
                writing.keep_as(path)
            file = path.open("rb")
        except OSError as error:
            raise StoreUnavailable(f"{self._folder}: can't be written ({error.strerror})") from None
        self._checked[digest] = _state(file)
        return file

    def _make_room(self, wanted: int) -> None:
        files = [(path.stat(), path) for path in self._folder.iterdir() if not path.name.startswith(".")]
        used = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda each: each[0].st_mtime):
            if used + wanted <= self._on_disk:
                return
            # Who is reading it goes on reading: the file lasts as long as it's open.
            with suppress(FileNotFoundError):
                path.unlink()
            self._checked.pop(path.name, None)
            used -= stat.st_size


def _state(file: BinaryIO) -> tuple[int, int, int]:
    stat = os.fstat(file.fileno())
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
