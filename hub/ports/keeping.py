"""Small documents and files."""

from collections.abc import AsyncIterable, Mapping
from typing import Protocol


class Documents(Protocol):
    """Small human-readable documents with one owner: an agent's memory of a person, a plugin's own data."""

    async def put(self, owner: str, id: str, document: Mapping[str, object]) -> None:
        """Keep a document under an id, in place of one that's there; raises TooLarge above the owner's quota."""

    async def get(self, owner: str, id: str) -> Mapping[str, object] | None: ...
    async def all(self, owner: str) -> tuple[tuple[str, Mapping[str, object]], ...]:
        """Return an owner's documents with their ids, in the order they were first put."""

    async def remove(self, owner: str, id: str) -> bool: ...


class Files(Protocol):
    """The bytes of files that came along with messages, each kept once under their SHA-256 in hexadecimal."""

    async def put(self, data: bytes | AsyncIterable[bytes], *, limit: int) -> tuple[str, int]:
        """Keep a file durably, and return its SHA-256 and size.

        Raises TooLarge as soon as more than `limit` bytes have come, StoreUnavailable if there's no room.
        """

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes; raises NotFound."""

    async def exists(self, sha256: str) -> bool: ...
