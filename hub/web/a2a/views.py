"""Our tasks and messages as A2A shows them."""

import base64
from collections.abc import Sequence

from bridges.http import convert
from bridges.http.convert import BRIDGE
from hub.errors import NotFound, StoreError
from hub.flow.artefacts import Artefact
from hub.flow.asking import pause_of
from hub.records import PROGRAM, Address, Message, PersonId, Task, Text
from hub.web.a2a import wire
from hub.web.resources import chat_name
from hub.web.services import Services

MARK = ":a2a:"
"""What stands in a message's external id before the id that its sender gave it."""
CONTEXTS = f"{PROGRAM}a2a."
"""What the chat of a context begins with."""
HISTORY = 100
FILES = 50
INLINE = 100_000
"""So many bytes of a file are told at once; a larger one is told of by its address, which takes the same key."""


def context_of(task: Task) -> str:
    """Return what a task's context is called: by who began it, or where it began if that's elsewhere."""
    origin = task.origin
    name = chat_name(origin.bridge, origin.chat, task.person)
    return name.removeprefix(CONTEXTS) if is_ours(origin) else f"{origin.bridge}:{name}"


def is_ours(address: Address) -> bool:
    """Say whether a chat is a context that A2A's clients speak in."""
    return address.bridge == BRIDGE and address.chat.rpartition("/")[2].startswith(CONTEXTS)


def address_of(person: PersonId, context: str) -> Address:
    """Return the chat that a context is, as `context_of` calls it."""
    bridge, mark, chat = context.partition(":")
    if not mark:
        return convert.address(person, f"{CONTEXTS}{context}")
    return convert.address(person, chat) if bridge == BRIDGE else Address(bridge=bridge, chat=chat)


async def view_task(
    services: Services, task: Task, base: str, *, history: int | None = None, artifacts: bool = True
) -> wire.Task:
    """Return a task with its newest messages (so many, or a hundred) and what it has brought forth."""
    messages = await services.store.messages_of_task(task.id, limit=HISTORY)
    said = [message for message in messages if message.state != "moved"]
    told = said[max(0, len(said) - history) :] if history is not None else said
    return wire.Task(
        id=task.id,
        context_id=context_of(task),
        status=view_status(task, said, base),
        artifacts=await _artifacts(services, task, said, base) if artifacts else [],
        history=[view_message(message, task, base) for message in told],
    )


def view_status(task: Task, said: Sequence[Message], base: str) -> wire.Status:
    """Return how a task stands; where it waits or has failed, with what it said last.

    One that waits for its person's leave waits for nothing that a program could send.
    """
    last = next((message for message in reversed(said) if message.role != "user"), None)
    speaks = task.state in wire.RESTING and task.state != "completed" and last is not None
    asks_leave = task.state == "input-required" and last is not None and pause_of(last.choices) is not None
    return wire.Status(
        state="TASK_STATE_AUTH_REQUIRED" if asks_leave else wire.STATES[task.state],
        message=view_message(last, task, base) if speaks and last is not None else None,
        timestamp=task.updated_at,
    )


def view_message(message: Message, task: Task | None, base: str) -> wire.Message:
    """Return a message under the id that its sender knows it by."""
    _, mark, theirs = message.external_id.partition(MARK)
    return wire.Message(
        message_id=theirs if mark and message.role == "user" else message.id,
        context_id=context_of(task) if task else message.address.chat.rpartition("/")[2].removeprefix(CONTEXTS),
        task_id=task.id if task else "",
        role="ROLE_USER" if message.role == "user" else "ROLE_AGENT",
        parts=parts_of(message, base),
    )


def parts_of(message: Message, base: str) -> list[wire.Part]:
    """Return the parts of a message; a file's by its address, which takes the same key."""
    return [
        wire.Part(text=part.text, media_type="text/markdown" if message.role == "agent" else "text/plain")
        if isinstance(part, Text)
        else wire.Part(url=f"{base}/v1/files/{part.sha256}", filename=part.name, media_type=part.media_type)
        for part in message.parts
    ]


def view_answer(message: Message, base: str) -> wire.Artifact:
    """Return an agent's answer as an artifact; pieces of it, while it's written, have the same id."""
    return wire.Artifact(artifact_id=message.turn or message.id, name="answer", parts=parts_of(message, base))


async def _artifacts(services: Services, task: Task, said: Sequence[Message], base: str) -> list[wire.Artifact]:
    answer = next((message for message in reversed(said) if message.role == "agent"), None)
    made = await services.artefacts.of(task) if services.artefacts else ()
    files = [await _file(services, task, file, base) for file in made[:FILES]]
    return [*([view_answer(answer, base)] if answer else []), *files]


async def _file(services: Services, task: Task, file: Artefact, base: str) -> wire.Artifact:
    part = wire.Part(
        url=f"{base}/v1/tasks/{task.id}/artefacts/{file.sha256}", filename=file.name, media_type=file.media_type
    )
    if file.size <= INLINE and services.artefacts is not None:
        try:
            raw = base64.b64encode(await services.artefacts.read(file)).decode()
            part = wire.Part(raw=raw, filename=file.name, media_type=file.media_type)
        except (NotFound, StoreError):
            pass  # It was changed at this very moment: its address tells of the change.
    return wire.Artifact(artifact_id=file.sha256, name=file.name, parts=[part])
