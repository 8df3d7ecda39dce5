"""A folder for each task's files, in which a sandboxed program may have planted anything.

Nothing is ever followed out of it: each folder on the way is opened by its own handle and never through a link, and a
file is read only if it's an ordinary one with one name. Nothing can block: pipes and devices aren't read.
"""

import asyncio
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from hub.errors import StoreUnavailable, ToolError
from hub.paths import DEPTH, parts_of
from hub.ports import BEGINNING, WorkFile
from hub.records import TaskId, TenantId
from hub.store.disk import make_folder
from hub.store.planted import erase

FILES = 500
BYTES = 50 << 20
SEEN = 20_000
"""Names of a workspace that are looked at: a program may plant more than anybody has time for."""

COMING = ".coming"
GONE = ".gone"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")

T = TypeVar("T")


class FolderWorkspaces:
    """Workspaces below one folder: FOLDER/TENANT/TASK."""

    def __init__(self, folder: Path, *, files: int = FILES, size: int = BYTES) -> None:
        """Take the most files and bytes that a task may keep."""
        self._root = folder
        self._files = files
        self._bytes = size

    async def open(self) -> None:
        """Make the folder, and clear away what a killed hub left half written or half removed."""
        await _on_disk(self._open)

    async def folder(self, tenant: TenantId, task: TaskId) -> Path:
        return await _on_disk(lambda: self._made(tenant, task))

    async def list(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        return await _on_disk(lambda: self._list(tenant, task))

    async def read(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        return await _on_disk(lambda: self._read(tenant, task, path))

    async def write(self, tenant: TenantId, task: TaskId, path: str, data: bytes) -> None:
        await _on_disk(lambda: self._write(tenant, task, path, data))

    async def remove(self, tenant: TenantId, task: TaskId, path: str) -> bool:
        return await _on_disk(lambda: self._remove(tenant, task, path))

    async def clear(self, tenant: TenantId, task: TaskId) -> None:
        await _on_disk(lambda: self._clear(self._path(tenant, task)))

    async def kept(self) -> tuple[tuple[TenantId, TaskId], ...]:
        return await _on_disk(lambda: tuple(self._kept()))

    # --- in a thread

    def _open(self) -> None:
        for name in (COMING, GONE):
            make_folder(self._root / name)
            with _opened(self._root / name) as left:
                erase(left)

    def _path(self, tenant: TenantId, task: TaskId) -> Path:
        return self._root / _named(tenant) / _named(task)

    def _made(self, tenant: TenantId, task: TaskId) -> Path:
        path = self._path(tenant, task)
        make_folder(path)
        return path

    def _kept(self) -> Iterator[tuple[TenantId, TaskId]]:
        # A folder whose name was made up for an odd id doesn't tell whose it is: the hub's own ids aren't odd.
        for tenant in sorted(self._root.glob("[!.]*")):
            for task in sorted(tenant.glob("*")):
                if _SAFE.fullmatch(tenant.name) and _SAFE.fullmatch(task.name):
                    yield TenantId(tenant.name), TaskId(task.name)

    def _list(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        try:
            with _opened(self._path(tenant, task)) as root:
                return tuple(sorted(_walk(root), key=lambda file: file.path))
        except FileNotFoundError:
            return ()

    def _read(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        try:
            with _opened(self._path(tenant, task)) as root:
                return _whole(root, path, self._bytes)
        except OSError as error:
            raise _told(error, path) from None

    def _write(self, tenant: TenantId, task: TaskId, path: str, data: bytes) -> None:
        *folders, name = parts_of(path)
        self._check_room(self._list(tenant, task), path, len(data))
        self._made(tenant, task)
        make_folder(self._root / COMING)
        # It's written where no program of the task can see it, or put something in its place.
        with _opened(self._root / COMING) as coming, _opened(self._path(tenant, task)) as root:
            part = secrets.token_hex(8)
            try:
                _write_new(coming, part, data)
                with _below(root, folders, make=True) as folder:
                    os.replace(part, name, src_dir_fd=coming, dst_dir_fd=folder)
                    os.fsync(folder)
            except OSError as error:
                raise _told(error, path) from None
            finally:
                with suppress(OSError):
                    os.unlink(part, dir_fd=coming)

    def _check_room(self, kept: tuple[WorkFile, ...], path: str, size: int) -> None:
        others = [file for file in kept if file.path != path]
        if len(others) >= self._files:
            raise ToolError(f"The workspace is full: it has {len(others)} files, the most there may be. Remove some.")
        taken = sum(file.size for file in others)
        if taken + size > self._bytes:
            raise ToolError(
                f"There's no room for {path}: the workspace may have {self._bytes} bytes, {taken} are taken and "
                f"{size} would come. Remove some files, or write less."
            )

    def _remove(self, tenant: TenantId, task: TaskId, path: str) -> bool:
        *folders, name = parts_of(path)
        try:
            with _opened(self._path(tenant, task)) as root, _below(root, folders) as folder:
                os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _told(error, path) from None
        return True

    def _clear(self, path: Path) -> None:
        make_folder(self._root / GONE)
        with _opened(self._root / GONE) as gone:
            # Moved first: it's gone at once, whatever is in it, and also after a crash.
            with suppress(FileNotFoundError):
                os.rename(path, secrets.token_hex(8), dst_dir_fd=gone)
            erase(gone)


def everything(root: Path) -> Iterator[tuple[str, bytes]]:
    """Return the path below `root` and the bytes of every file of every workspace, for a backup.

    A program may be at work in one meanwhile: what it takes away or puts in a file's place is passed over.
    """
    for tenant in sorted(root.glob("[!.]*")):
        for task in sorted(tenant.glob("[!.]*")):
            with suppress(OSError), _opened(task) as folder:
                for file in sorted(_walk(folder), key=lambda file: file.path):
                    with suppress(OSError, ToolError):
                        yield f"{tenant.name}/{task.name}/{file.path}", _whole(folder, file.path, BYTES)


async def _on_disk(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StoreUnavailable(f"the workspace can't be used: {error.strerror}") from None


def _named(id: str) -> str:
    """Return a name that's safe in a folder, and no other id's."""
    return id if _SAFE.fullmatch(id) else f"x.{sha256(id.encode(errors='replace')).hexdigest()}"


@contextmanager
def _opened(path: Path | str, at: int | None = None) -> Iterator[int]:
    handle = os.open(path, _FOLDER, dir_fd=at)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _below(root: int, folders: list[str], *, make: bool = False) -> Iterator[int]:
    """Open a folder below another, each on the way by its own handle, on the same disk."""
    handle = os.dup(root)
    try:
        for name in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=handle)
            inner = os.open(name, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        if os.fstat(handle).st_dev != os.fstat(root).st_dev:
            raise OSError(errno.EXDEV, "another disk")
        yield handle
    finally:
        os.close(handle)


def _whole(root: int, path: str, most: int) -> bytes:
    *folders, name = parts_of(path)
    with _below(root, folders) as folder:
        opened = os.open(name, _FILE, dir_fd=folder)
        with os.fdopen(opened, "rb") as file:
            _refuse_odd(os.fstat(opened), path)
            data = file.read(most + 1)
    if len(data) > most:
        raise ToolError(f"The file {path} has more than {most} bytes: it can't be read.")
    return data


def _write_new(folder: int, name: str, data: bytes) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _time(seconds: float) -> datetime:
    """Return a file's time; a program may have given it any at all."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return BEGINNING


def _walk(root: int) -> Iterator[WorkFile]:
    """Find the ordinary files, by names that can be asked for again; nothing odd is followed or told."""
    seen = 0
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        at = waiting.pop()
        with suppress(OSError), _below(root, list(at)) as folder, os.scandir(folder) as names:
            for name in names:
                seen += 1
                if seen > SEEN:
                    raise ToolError(f"The workspace has more than {SEEN} names in it: it can't be used any more.")
                path = (*at, name.name)
                kind = os.stat(name.name, dir_fd=folder, follow_symlinks=False)
                if not _can_be_asked_for(path):
                    continue
                if stat.S_ISDIR(kind.st_mode) and len(path) < DEPTH:
                    waiting.append(path)
                elif stat.S_ISREG(kind.st_mode) and kind.st_nlink == 1:
                    yield WorkFile(path="/".join(path), size=kind.st_size, changed_at=_time(kind.st_mtime))


def _can_be_asked_for(path: tuple[str, ...]) -> bool:
    try:
        parts_of("/".join(path))
    except ToolError:
        return False
    return True


def _refuse_odd(kind: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(kind.st_mode):
        raise ToolError(f"{path} is a folder. Give the path of a file.")
    if not stat.S_ISREG(kind.st_mode) or kind.st_nlink != 1:
        # A file with a second name may well be somebody else's.
        raise ToolError(f"{path} is no ordinary file: it isn't read.")


def _told(error: OSError, path: str) -> ToolError | OSError:
    """Return what to raise: words for what's wrong with a path, the error itself for what's wrong with the disk."""
    match error.errno:
        case errno.ENOENT:
            return ToolError(f"There is no file {path} in the workspace.")
        case errno.ELOOP | errno.ENOTDIR | errno.EXDEV | errno.ENXIO | errno.EACCES | errno.EPERM | errno.EMLINK:
            return ToolError(f"{path} leads through a link or something else that's no ordinary file: it isn't used.")
        case errno.EISDIR | errno.EEXIST | errno.ENOTEMPTY:
            return ToolError(f"{path} is a folder. Give the path of a file.")
        case errno.ENAMETOOLONG:
            return ToolError(f"The path {path[:80]} is too long.")
        case _:
            return error
