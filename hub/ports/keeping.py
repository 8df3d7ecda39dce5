"""Small documents and files."""

from collections.abc import AsyncIterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hub.records import TaskId, TenantId

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Documents(Protocol):
    """Small human-readable documents with one owner: an agent's memory of a person, a plugin's own data."""

    async def put(self, owner: str, id: str, document: Mapping[str, object]) -> None:
        """Keep a document under an id, in place of one that's there; raises TooLarge above the owner's quota."""

    async def get(self, owner: str, id: str) -> Mapping[str, object] | None: ...
    async def all(self, owner: str) -> tuple[tuple[str, Mapping[str, object]], ...]:
        """Return an owner's documents with their ids, in the order they were first put."""

    async def remove(self, owner: str, id: str) -> bool: ...
    async def owners(self) -> tuple[str, ...]:
        """Return who has documents, sorted; whose were last put by an old version may be missing."""

    async def forget(self, owner: str) -> None:
        """Remove all that an owner has."""


class Files(Protocol):
    """The bytes of files that came along with messages, each kept once under their SHA-256 in hexadecimal."""

    async def put(self, data: bytes | AsyncIterable[bytes], *, limit: int) -> tuple[str, int]:
        """Keep a file durably, and return its SHA-256 and size.

        Raises TooLarge as soon as more than `limit` bytes have come, StoreUnavailable if there's no room.
        """

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes; raises NotFound."""

    async def exists(self, sha256: str) -> bool: ...
    async def old(self, before: datetime) -> tuple[str, ...]:
        """Return the files that were last put before a time, by this machine's clock, sorted."""

    async def remove(self, sha256: str, before: datetime) -> bool:
        """Remove a file, unless it was put again since that time; return whether it was removed."""


class WorkFile(Struct, frozen=True, kw_only=True):
    """A file in a task's workspace."""

    path: str
    """Below the workspace, with / between: never absolute, never with a part that begins with a dot."""
    size: int
    changed_at: datetime = BEGINNING
    """When it was last written, by the clock of the disk."""


class Workspaces(Protocol):
    """A folder for each task, for what its agent and its tools write: all of them small, and gone when it's cleared.

    Paths are relative; one that's odd, or leads out by a link, raises ToolError in words for an LLM.
    """

    async def folder(self, tenant: TenantId, task: TaskId) -> Path:
        """Return the folder itself, made if it wasn't: for a sandbox that's given it."""

    async def list(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        """Return the files, by path."""

    async def read(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        """Return a file's bytes; raises ToolError."""

    async def write(self, tenant: TenantId, task: TaskId, path: str, data: bytes) -> None:
        """Write a file, whole or not at all, in place of one that's there; raises ToolError above the quota."""

    async def remove(self, tenant: TenantId, task: TaskId, path: str) -> bool: ...
    async def clear(self, tenant: TenantId, task: TaskId) -> None:
        """Remove a task's workspace."""

    async def kept(self) -> tuple[tuple[TenantId, TaskId], ...]:
        """Return whose workspaces are there, for whoever clears those that nobody needs any more."""
