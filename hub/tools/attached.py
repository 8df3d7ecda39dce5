"""A task's workspace with what its person sent in it, and with the files of its subtasks.

What was sent stands under attachments/ by the names they gave, what a subtask made under subtasks/ by its number; both
can't be changed.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from hub.errors import NotFound, StoreUnavailable, ToolError
from hub.ports import Files, Store, WorkFile, Workspaces
from hub.records import File, TaskId, TenantId

FOLDER = "attachments"
SUBTASKS = "subtasks"
MESSAGES = 200
"""The newest ones of a task, whose files are found."""
_BELOW = f"{FOLDER}/"
_PARTS = f"{SUBTASKS}/"


class Attached:
    """Workspaces that show what was sent; the folder that's given to a sandbox has only what was written."""

    def __init__(self, workspaces: Workspaces, store: Store, files: Files) -> None:
        self._workspaces = workspaces
        self._store = store
        self._files = files

    async def sent(self, tenant: TenantId, task: TaskId) -> Mapping[str, File]:
        """Return what the task's person sent in it, by path, the newest last."""
        found: dict[str, File] = {}
        known = await self._store.task(task)
        if known is None or known.tenant != tenant:
            return found
        for message in await self._store.messages_of_task(task, limit=MESSAGES):
            for part in message.parts if message.role == "user" else ():
                if isinstance(part, File) and part.sha256 not in {file.sha256 for file in found.values()}:
                    found[_path(part.name, found)] = part
        return found

    async def folder(self, tenant: TenantId, task: TaskId) -> Path:
        return await self._workspaces.folder(tenant, task)

    async def list(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        kept = await self._own(tenant, task)
        sent = [WorkFile(path=path, size=file.size) for path, file in (await self.sent(tenant, task)).items()]
        return tuple(sorted((*kept, *sent, *await self._handed_up(tenant, task)), key=lambda file: file.path))

    async def read(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        if path.startswith(_PARTS):
            return await self._read_subtasks(tenant, task, path)
        if not path.startswith(_BELOW):
            return await self._workspaces.read(tenant, task, path)
        sent = await self.sent(tenant, task)
        if path not in sent:
            there = f"There are: {', '.join(list(sent)[:10])}." if sent else "There are none."
            raise ToolError(f"The user sent no such file. {there}")
        try:
            return await self._files.read(sent[path].sha256)
        except NotFound:
            raise ToolError(f"{path} isn't there any more.") from None
        except StoreUnavailable as error:
            raise ToolError(f"{path} can't be read now: {error}.") from None

    async def _own(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        """Return a workspace's files but for what a program planted where others' are shown."""
        found = await self._workspaces.list(tenant, task)
        return tuple(file for file in found if not file.path.startswith((_BELOW, _PARTS)))

    async def _handed_up(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        """Return what the subtasks have made, and what theirs have, by their numbers."""
        found: tuple[WorkFile, ...] = ()
        for child in await self._store.split_off(task):
            if child.tenant == tenant:
                made = (*await self._own(tenant, child.id), *await self._handed_up(tenant, child.id))
                found += tuple(replace(file, path=f"{_PARTS}{child.number}/{file.path}") for file in made)
        return found

    async def _read_subtasks(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        number, _, rest = path.removeprefix(_PARTS).partition("/")
        for child in await self._store.split_off(task):
            if child.tenant == tenant and str(child.number) == number and rest and not rest.startswith(_BELOW):
                return await self.read(tenant, child.id, rest)
        raise ToolError(f"There is no file {path}. List the files to see what there is.")

    async def write(self, tenant: TenantId, task: TaskId, path: str, data: bytes) -> None:
        _refuse(path)
        await self._workspaces.write(tenant, task, path, data)

    async def remove(self, tenant: TenantId, task: TaskId, path: str) -> bool:
        _refuse(path)
        return await self._workspaces.remove(tenant, task, path)

    async def clear(self, tenant: TenantId, task: TaskId) -> None:
        await self._workspaces.clear(tenant, task)

    async def kept(self) -> tuple[tuple[TenantId, TaskId], ...]:
        return await self._workspaces.kept()


def _refuse(path: str) -> None:
    if path == FOLDER or path.startswith(_BELOW):
        raise ToolError(f"What the user sent can't be changed. Write it elsewhere than in {_BELOW}.")
    if path == SUBTASKS or path.startswith(_PARTS):
        raise ToolError(f"What a subtask made can't be changed. Write it elsewhere than in {_PARTS}.")


def _path(name: str, taken: Mapping[str, File]) -> str:
    plain = re.sub(r"[^\w .,()+=@&-]+", "_", name).strip(" .")[-100:].lstrip(" .") or "file"
    stem, dot, ending = plain.rpartition(".")
    number, path = 1, _BELOW + plain
    while path in taken:
        number += 1
        path = f"{_BELOW}{stem} ({number}){dot}{ending}" if stem else f"{_BELOW}{plain} ({number})"
    return path
