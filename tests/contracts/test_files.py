"""Every sentence that ports.Files promises, over every implementation."""

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import NotFound, TooLarge
from hub.ports import Documents, Files
from hub.store.documents import FileDocuments, MemoryDocuments
from hub.store.files import FileStore, MemoryFiles

KINDS: dict[str, Callable[[Path], Documents]] = {
    "memory": lambda _: MemoryDocuments(quota=5000),
    "tinydb": lambda folder: FileDocuments(folder, quota=5000),
}


@pytest.fixture(params=["disk", "memory"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "memory":
        return MemoryFiles()
    store = FileStore(tmp_path / "files")
    await store.open()
    return store


async def chunks(*data: bytes) -> AsyncIterator[bytes]:
    for chunk in data:
        yield chunk


async def test_a_file_is_kept_under_its_sha256(files: Files) -> None:
    sha256, size = await files.put(b"hello", limit=100)
    assert (sha256, size) == (hashlib.sha256(b"hello").hexdigest(), 5)
    assert await files.exists(sha256)
    assert await files.read(sha256) == b"hello"


async def test_a_file_may_come_in_chunks_and_is_kept_once(files: Files, tmp_path: Path) -> None:
    assert await files.put(chunks(b"hel", b"lo"), limit=5) == await files.put(b"hello", limit=5)
    assert isinstance(files, MemoryFiles) or len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(files: Files, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await files.put(chunks(b"abc", b"def"), limit=5)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "A" * 64])
async def test_what_is_not_kept_is_not_found(files: Files, name: str) -> None:
    with pytest.raises(NotFound):
        await files.read(name)


async def test_old_files_are_those_not_put_since_and_only_they_are_removed(files: Files) -> None:
    sha256, _ = await files.put(b"hello", limit=100)
    soon, earlier = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) - timedelta(minutes=1)
    assert await files.old(soon) == (sha256,)
    assert await files.old(earlier) == ()
    assert not await files.remove(sha256, earlier)
    assert await files.exists(sha256)
    assert await files.remove(sha256, soon)
    assert not await files.exists(sha256)
    assert not await files.remove(sha256, soon)


async def test_a_file_that_is_put_again_is_young_again(files: Files, tmp_path: Path) -> None:
    sha256, _ = await files.put(b"hello", limit=100)
    kept = next((path for path in tmp_path.rglob(sha256)), None)
    if kept is not None:
        os.utime(kept, (1_000_000_000, 1_000_000_000))
    before = datetime.now(UTC) - timedelta(seconds=1)
    await files.put(b"hello", limit=100)

    assert not await files.remove(sha256, before)
    assert await files.read(sha256) == b"hello"
