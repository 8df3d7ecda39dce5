"""Functions that give a program documents of its own, and the files of the task's workspace."""

import re
from urllib.parse import quote

import msgspec

from hub.errors import TooLarge, ToolError
from hub.packages.scripts import Hosts
from hub.paths import parts_of
from hub.ports import Documents, ToolCall, Workspaces

DATA = """\
async def read(id: str) -> dict[str, Any] | None: ...
async def write(id: str, document: dict[str, Any]) -> None: ...
async def erase(id: str) -> bool: ...
async def ids() -> list[str]: ...
"""
READING = """\
async def list_files() -> list[str]: ...
async def read_file(path: str) -> str: ...
"""
WRITING = """\
async def write_file(path: str, text: str) -> None: ...
async def remove_file(path: str) -> bool: ...
"""
ID = re.compile(r"[\w.:@-]{1,100}")
FILE_BYTES = 2_000_000
"""Of a file that's read or written: more wouldn't fit into a program's memory."""


def data_functions(documents: Documents, owner: str, call: ToolCall) -> Hosts:
    """Return what a program does with its own documents about the call's person."""
    data = _Data(documents, "/".join(quote(part, safe="") for part in ("plugin", call.tenant, owner, call.person)))
    return {"read": data.read, "write": data.write, "erase": data.erase, "ids": data.ids}


def file_functions(workspaces: Workspaces | None, call: ToolCall, *, writing: bool) -> Hosts:
    """Return what a program does with the files of the call's task: read, and write if it may."""
    files = _Files(workspaces, call)
    reading: Hosts = {"list_files": files.list_files, "read_file": files.read_file}
    return {**reading, "write_file": files.write_file, "remove_file": files.remove_file} if writing else reading


class _Data:
    def __init__(self, documents: Documents, owner: str) -> None:
        self._documents = documents
        self._owner = owner

    async def read(self, id: object) -> object:
        kept = await self._documents.get(self._owner, _id(id))
        return None if kept is None else dict(kept)

    async def write(self, id: object, document: object) -> None:
        if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
            raise TypeError("a document is a dictionary with texts as keys")
        try:
            # What can't be JSON can't be kept; and what's kept is a copy of its own.
            plain = msgspec.json.decode(msgspec.json.encode(document))
            await self._documents.put(self._owner, _id(id), plain)
        except TooLarge as error:
            raise ValueError(str(error)) from None

    async def erase(self, id: object) -> bool:
        return await self._documents.remove(self._owner, _id(id))

    async def ids(self) -> list[str]:
        return [id for id, _ in await self._documents.all(self._owner)]


class _Files:
    def __init__(self, workspaces: Workspaces | None, call: ToolCall) -> None:
        self._workspaces = workspaces
        self._tenant = call.tenant
        self._task = call.task

    async def list_files(self) -> list[str]:
        return [file.path for file in await self._given().list(self._tenant, self._task)]

    async def read_file(self, path: object) -> str:
        data = await self._given().read(self._tenant, self._task, _path(path))
        if len(data) > FILE_BYTES:
            raise ValueError(f"{path}: has {len(data)} bytes; a program reads files of at most {FILE_BYTES}")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path}: isn't UTF-8 text") from None

    async def write_file(self, path: object, text: object) -> None:
        if not isinstance(text, str):
            raise TypeError("a file's content is a text")
        data = text.encode(errors="replace")
        if len(data) > FILE_BYTES:
            raise ValueError(f"{len(data)} bytes; a program writes files of at most {FILE_BYTES}")
        await self._given().write(self._tenant, self._task, _path(path), data)

    async def remove_file(self, path: object) -> bool:
        return await self._given().remove(self._tenant, self._task, _path(path))

    def _given(self) -> Workspaces:
        if self._workspaces is None:
            raise RuntimeError("this hub has no workspaces")
        return self._workspaces


def _id(id: object) -> str:
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise ValueError("an id has 1 to 100 letters, digits and . : @ _ -")
    return id


def _path(path: object) -> str:
    """Check a path before the workspace does: what's refused here never meets a file system."""
    if not isinstance(path, str):
        raise ValueError("a path is a text, as notes/today.txt")
    try:
        parts_of(path)
    except ToolError as error:
        raise ValueError(str(error)) from None
    return path
