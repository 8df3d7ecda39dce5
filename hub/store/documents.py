"""Small documents with one owner: a TinyDB file for each, written whole, under a quota."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from tinydb import TinyDB, where
from tinydb.storages import Storage

from hub.errors import StoreError, StoreUnavailable, TooLarge
from hub.store.disk import draft, make_folder, sync

QUOTA = 1 << 20
"""Bytes that an owner may keep: every change writes all of them, so more belongs elsewhere."""

OWNER = "owner"
"""The table that has the owner's name; the documents are in TinyDB's default one."""

T = TypeVar("T")
Tables = dict[str, dict[str, Any]]


class FileDocuments:
    """Documents in a folder, a readable JSON file for each owner.

    A killed process or a full disk leaves a file as it was before the change. One process may use the folder.
    """

    def __init__(self, folder: Path, quota: int = QUOTA) -> None:
        self._folder = folder
        self._quota = quota
        # One thread for all: changes happen one after another, also when a caller is cancelled in the middle of his.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")

    async def put(self, owner: str, id: str, document: Mapping[str, object]) -> None:
        await self._with(owner, lambda database: _put(database, id, document))

    async def get(self, owner: str, id: str) -> Mapping[str, object] | None:
        # Most owners have nothing: that's told without the way to the thread and back.
        return await self._with(owner, lambda database: _get(database, id)) if self._has_any(owner) else None

    async def all(self, owner: str) -> tuple[tuple[str, Mapping[str, object]], ...]:
        return await self._with(owner, _all)

    async def remove(self, owner: str, id: str) -> bool:
        return await self._with(owner, lambda database: _remove(database, id))

    async def owners(self) -> tuple[str, ...]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._owners)

    async def forget(self, owner: str) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._forget, owner)

    async def _with(self, owner: str, work: Callable[[TinyDB], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._use, owner, work)

    def _use(self, owner: str, work: Callable[[TinyDB], T]) -> T:
        try:
            with TinyDB(storage=self._storage, owner=owner) as database:
                return work(database)
        except OSError as error:
            raise StoreUnavailable(f"the documents of {owner} can't be kept: {error.strerror}") from None

    def _storage(self, owner: str) -> Storage:
        return _WholeFile(self._folder / file_name(owner), self._quota, owner)

    def _has_any(self, owner: str) -> bool:
        try:
            return (self._folder / file_name(owner)).exists()
        except OSError:
            return True  # what's wrong is told by who reads it

    def _owners(self) -> tuple[str, ...]:
        return tuple(sorted(filter(None, (owner_in(path) for path in self._folder.glob("*.json")))))

    def _forget(self, owner: str) -> None:
        path = self._folder / file_name(owner)
        try:
            path.unlink(missing_ok=True)
            if self._folder.is_dir():
                sync(self._folder)
        except OSError as error:
            raise StoreUnavailable(f"the documents of {owner} can't be removed: {error.strerror}") from None


class MemoryDocuments(FileDocuments):
    """Documents that are forgotten with the process."""

    def __init__(self, quota: int = QUOTA) -> None:
        super().__init__(Path(), quota)
        self._kept: dict[str, Storage] = {}

    def _storage(self, owner: str) -> Storage:
        return self._kept.setdefault(owner, _Memory(self._quota))

    def _has_any(self, owner: str) -> bool:
        return owner in self._kept

    def _owners(self) -> tuple[str, ...]:
        return tuple(sorted(owner for owner, kept in self._kept.items() if kept.read()))

    def _forget(self, owner: str) -> None:
        self._kept.pop(owner, None)


class _WholeFile(Storage):
    """A TinyDB storage that writes a new file and puts it in the old one's place.

    TinyDB's own writes over the old one: a kill or a full disk in the middle leaves neither.
    """

    def __init__(self, path: Path, quota: int, owner: str) -> None:
        self._path = path
        self._quota = quota
        self._owner = owner

    def read(self) -> Tables | None:
        try:
            tables: Tables = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StoreError(f"{self._path}: isn't readable ({error}); mend it by hand, or move it away") from None
        return tables

    def write(self, data: Tables) -> None:
        within(self._quota, data)
        make_folder(self._path.parent)
        with draft(self._path.with_suffix(".part")) as new:
            new.file.write(whole(self._owner, data))
            new.keep_as(self._path)


class _Memory(Storage):
    """A TinyDB storage that keeps what would be in the file."""

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._text: bytes | None = None

    def read(self) -> Tables | None:
        return None if self._text is None else json.loads(self._text)

    def write(self, data: Tables) -> None:
        self._text = within(self._quota, data)


def file_name(owner: str) -> str:
    """Return a name that's safe in any folder, tells a reader whose it is, and is no other owner's."""
    readable = re.sub(r"[^a-z0-9-]+", "_", owner.lower()).strip("_")[:60]
    return f"{readable}.{sha256(owner.encode()).hexdigest()[:16]}.json"


def within(quota: int, data: Tables) -> bytes:
    """Return the text of an owner's documents; raises TooLarge if it's longer than the quota."""
    text = json.dumps({name: table for name, table in data.items() if name != OWNER}, ensure_ascii=False, indent=1)
    if (size := len(text.encode())) > quota:
        raise TooLarge(f"documents: {size} bytes, {quota} are allowed for one owner; remove some first")
    return text.encode()


def whole(owner: str, data: Tables) -> bytes:
    """Return the text of an owner's file: the name beside the documents, for the file's own can't be read back."""
    named = {OWNER: {"1": {"name": owner}}} if owner else {}
    return json.dumps({**data, **named}, ensure_ascii=False, indent=1).encode()


def owner_in(path: Path) -> str:
    """Return whose documents a file has; nothing, if it doesn't say so or can't be read."""
    try:
        return str(json.loads(path.read_bytes())[OWNER]["1"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _put(database: TinyDB, id: str, document: Mapping[str, object]) -> None:
    database.upsert({"id": id, "document": dict(document)}, where("id") == id)


def _get(database: TinyDB, id: str) -> Mapping[str, object] | None:
    found = database.get(where("id") == id)
    return found["document"] if isinstance(found, dict) else None


def _all(database: TinyDB) -> tuple[tuple[str, Mapping[str, object]], ...]:
    return tuple((kept["id"], kept["document"]) for kept in database.all())


def _remove(database: TinyDB, id: str) -> bool:
    return bool(database.remove(where("id") == id))
