"""What a task has made: the files of its workspace and of its subtasks', and those that it sent to its person."""

import mimetypes
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from hub.errors import NotFound, StoreError, ToolError
from hub.flow.uploads import UNKNOWN
from hub.ports import Files, Store, WorkFile, Workspaces
from hub.records import File, Message, Task, TaskId, Turn

MOST = 200
"""Files of one task, those of its subtasks among them."""
MESSAGES, TURNS = 200, 200
NAMED = 8
"""Files that an answer or a summary names."""
KNOWN = 2_000
"""Files whose SHA-256 is remembered."""
SENT_BY_PERSON = "attachments/"
SUBTASKS = "subtasks/"
_BELOW = re.compile(rf"^(?:{SUBTASKS}\d+/)+")


class Artefact(Struct, frozen=True, kw_only=True):
    """A file that a task has made."""

    name: str
    """Its path in the workspace, a subtask's below subtasks/ and its number; or what it was sent as."""
    kind: Literal["made", "sent"]
    media_type: str
    size: int
    sha256: str
    at: datetime
    turn: int | None
    """The number of the turn that made it, of its own task."""
    task: TaskId


class Artefacts:
    """Finds what tasks have made."""

    def __init__(self, store: Store, workspaces: Workspaces, files: Files) -> None:
        self._store = store
        self._workspaces = workspaces
        self._files = files
        self._known: dict[tuple[TaskId, WorkFile], str] = {}

    async def of(self, task: Task) -> tuple[Artefact, ...]:
        """Return what a task and its subtasks have made, the oldest first. A file that can't be read is left out."""
        found = await self._of(task, "", MOST)
        return tuple(sorted(found, key=lambda made: (made.at, made.name)))

    async def names(self, task: Task) -> tuple[str, ...]:
        """Return the paths of the files in a task's own workspace, without reading them."""
        try:
            return tuple(file.path for file in await self._own(task))
        except (ToolError, StoreError):
            return ()

    async def read(self, made: Artefact) -> bytes:
        """Return a file's bytes, to the byte as it was listed; raises NotFound."""
        if made.kind == "sent":
            return await self._files.read(made.sha256)
        task = await self._store.task(made.task)
        path = _BELOW.sub("", made.name)
        try:
            data = await self._workspaces.read(task.tenant, task.id, path) if task else b""
        except (ToolError, StoreError):
            data = b""
        if sha256(data).hexdigest() != made.sha256:
            raise NotFound(f"{made.name} was changed or removed; list the files again")
        return data

    async def _of(self, task: Task, below: str, room: int) -> list[Artefact]:
        turns = await self._store.turns(task.id, limit=TURNS)
        found = [*await self._made(task, below, turns), *await self._sent(task, below, turns)][:room]
        for child in await self._store.split_off(task.id):
            if len(found) < room:
                found += await self._of(child, f"{below}{SUBTASKS}{child.number}/", room - len(found))
        return found

    async def _made(self, task: Task, below: str, turns: Sequence[Turn]) -> list[Artefact]:
        try:
            files = (await self._own(task))[:MOST]
        except (ToolError, StoreError):
            return []
        known = [(file, await self._digest(task, file)) for file in files]
        return [_made(file, digest, task, below, turns) for file, digest in known if digest]

    async def _sent(self, task: Task, below: str, turns: Sequence[Turn]) -> list[Artefact]:
        messages = await self._store.messages_of_task(task.id, limit=MESSAGES)
        return [
            _sent(part, message, task, below, turns)
            for message in messages
            if message.role != "user"
            for part in message.parts
            if isinstance(part, File)
        ]

    async def _own(self, task: Task) -> tuple[WorkFile, ...]:
        files = await self._workspaces.list(task.tenant, task.id)
        return tuple(file for file in files if not file.path.startswith((SENT_BY_PERSON, SUBTASKS)))

    async def _digest(self, task: Task, file: WorkFile) -> str:
        if known := self._known.get((task.id, file)):
            return known
        try:
            data = await self._workspaces.read(task.tenant, task.id, file.path)
        except (ToolError, StoreError):
            return ""
        if len(self._known) >= KNOWN:
            self._known.clear()
        digest = self._known[task.id, file] = sha256(data).hexdigest()
        return digest


def summary(made: Sequence[Artefact]) -> str:
    """Return in a line what was made and sent, for whoever judges it; empty if nothing was."""
    parts = []
    for kind, verb in (("made", "Files made"), ("sent", "Files sent")):
        names = [f"{each.name} ({each.size} bytes)" for each in made if each.kind == kind]
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            parts.append(f"{verb}: {', '.join(names[:NAMED])}{more}.")
    return " ".join(parts)


def unnamed(answer: str, paths: Sequence[str]) -> str:
    """Return a line that names the files which an answer doesn't, or nothing."""
    missing = [path for path in paths if path.rpartition("/")[2] not in answer]
    if not missing:
        return ""
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return f"Files: {', '.join(missing[:NAMED])}{more}"


def _made(file: WorkFile, digest: str, task: Task, below: str, turns: Sequence[Turn]) -> Artefact:
    return Artefact(
        name=f"{below}{file.path}",
        kind="made",
        media_type=mimetypes.guess_type(file.path)[0] or UNKNOWN,
        size=file.size,
        sha256=digest,
        at=file.changed_at,
        turn=_turn_at(turns, file.changed_at),
        task=task.id,
    )


def _sent(part: File, message: Message, task: Task, below: str, turns: Sequence[Turn]) -> Artefact:
    return Artefact(
        name=f"{below}{part.name}",
        kind="sent",
        media_type=part.media_type,
        size=part.size,
        sha256=part.sha256,
        at=message.created_at,
        turn=_turn_at(turns, message.created_at),
        task=task.id,
    )


def _turn_at(turns: Sequence[Turn], at: datetime) -> int | None:
    """Return the turn that was taken at a time; `turns` are newest first."""
    return next(
        (turn.number for turn in turns if turn.started_at <= at <= (turn.ended_at or datetime.max.replace(tzinfo=UTC))),
        None,
    )
