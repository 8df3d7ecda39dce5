"""Every sentence that ports.Files promises, over every implementation."""

import hashlib
from collections.abc import AsyncIterator, Callable
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
