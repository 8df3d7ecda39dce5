"""Workspaces that are forgotten with the process."""

import shutil
import tempfile
import weakref
from datetime import UTC, datetime
from pathlib import Path

from hub.errors import ToolError
from hub.paths import parts_of
from hub.ports import WorkFile
from hub.records import TaskId, TenantId


class MemoryWorkspaces:
    """In a temporary folder, for programs can be given one; made for tests, where nobody plants anything."""

    def __init__(self, *, files: int = 100, size: int = 1 << 20) -> None:
        self._files = files
        self._bytes = size
        self._root = Path(tempfile.mkdtemp(prefix="workspaces-"))
        weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)

    async def folder(self, tenant: TenantId, task: TaskId) -> Path:
        path = self._root / tenant / task
        path.mkdir(parents=True, exist_ok=True)
        return path

    async def list(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        root = await self.folder(tenant, task)
        found = [
            WorkFile(
                path=path.relative_to(root).as_posix(),
                size=path.stat().st_size,
                changed_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            )
            for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()
        ]
        return tuple(sorted(found, key=lambda file: file.path))

    async def read(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        file = (await self.folder(tenant, task)).joinpath(*parts_of(path))
        if file.is_symlink() or not file.is_file():
            raise ToolError(f"There is no file {path} in the workspace.")
        return file.read_bytes()

    async def write(self, tenant: TenantId, task: TaskId, path: str, data: bytes) -> None:
        parts = parts_of(path)
        others = [file for file in await self.list(tenant, task) if file.path != path]
        if len(others) >= self._files or sum(file.size for file in others) + len(data) > self._bytes:
            raise ToolError(f"There's no room for {path} in the workspace.")
        file = (await self.folder(tenant, task)).joinpath(*parts)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        except OSError as error:
            raise ToolError(f"{path} can't be written: {error.strerror}.") from None

    async def remove(self, tenant: TenantId, task: TaskId, path: str) -> bool:
        file = (await self.folder(tenant, task)).joinpath(*parts_of(path))
        if file.is_dir():
            raise ToolError(f"{path} is a folder. Give the path of a file.")
        there = file.exists()
        file.unlink(missing_ok=True)
        return there

    async def clear(self, tenant: TenantId, task: TaskId) -> None:
        shutil.rmtree(self._root / tenant / task, ignore_errors=True)

    async def kept(self) -> tuple[tuple[TenantId, TaskId], ...]:
        return tuple((TenantId(path.parent.name), TaskId(path.name)) for path in sorted(self._root.glob("*/*")))
