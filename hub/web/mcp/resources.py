"""Resources at /mcp: what was said in a task, and the files that it has made."""

import re

from msgspec import Struct

from hub.errors import NotFound, TooLarge
from hub.flow.artefacts import Artefact
from hub.records import Task
from hub.web.problems import shown
from hub.web.programs import Visit
from hub.web.tasking import task_of

SCOPE = "tasks:read"
LISTED = 20
MESSAGES = 200
BYTES = 4 * 1024 * 1024
"""The most of a file that's read so: it comes in JSON, whole."""
TRANSCRIPT = "agenthost://tasks/{task}/transcript"
ARTEFACT = "agenthost://tasks/{task}/artefacts/{sha256}"
URI = re.compile(r"agenthost://tasks/(\d{1,9})/(?:transcript|artefacts/([0-9a-f]{64}))")


class Read(Struct, frozen=True, kw_only=True):
    """What a resource holds."""

    media_type: str
    data: bytes

    @property
    def is_text(self) -> bool:
        """Whether it can be told as text."""
        return self.media_type.startswith("text/") or self.media_type == "application/json"


async def listed(visit: Visit) -> list[Task]:
    """Return the tasks whose transcripts are listed."""
    caller = visit.caller
    if not caller.may(SCOPE):
        return []
    found = await visit.services.store.tasks(caller.tenant, caller.person, limit=LISTED, by="updated_at", split=False)
    return list(found)


async def read(visit: Visit, uri: str) -> Read:
    """Return what a resource holds; raises NotFound, TooLarge and NotAllowed."""
    visit.caller.needs(SCOPE)
    found = URI.fullmatch(uri)
    if found is None:
        raise NotFound(f"resource: there's no {shown(uri)}; there are {TRANSCRIPT} and {ARTEFACT}")
    task = await task_of(visit.services, visit.caller, found[1])
    if found[2] is None:
        return Read(media_type="text/markdown", data=(await _transcript(visit, task)).encode())
    return await _artefact(visit, task, found[2])


async def _transcript(visit: Visit, task: Task) -> str:
    messages = await visit.services.store.messages_of_task(task.id, limit=MESSAGES)
    said = [
        f"**{message.role}**, {message.created_at.isoformat(timespec='seconds')}\n\n{message.text}"
        for message in messages
        if message.state != "moved"
    ]
    return "\n\n".join((f"# {task.number} {task.title}", *said))


async def _artefact(visit: Visit, task: Task, sha256: str) -> Read:
    made = await visit.services.artefacts.of(task) if visit.services.artefacts else ()
    file: Artefact | None = next((each for each in made if each.sha256 == sha256), None)
    if file is None or visit.services.artefacts is None:
        raise NotFound(f"resource: task {task.number} has made no file {shown(sha256)}")
    if file.size > BYTES:
        raise TooLarge(
            f"resource: {file.size:,} bytes, at most {BYTES:,} are read so; "
            f"GET /v1/tasks/{task.number}/artefacts/{sha256} has all of it"
        )
    return Read(media_type=file.media_type, data=await visit.services.artefacts.read(file))
