"""What an A2A client says: kept once for each messageId, in the chat of its context, for the task that it's about."""

import base64
import binascii
import re
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import UNSET

from bridges.http import convert
from hub.errors import TooMany
from hub.records import PROGRAM, File, Message, Part, Task, Text
from hub.web.a2a import wire
from hub.web.a2a.faults import Fault
from hub.web.a2a.views import CONTEXTS, MARK, context_of, is_ours, parts_of, view_message, view_task
from hub.web.auth import Caller
from hub.web.chats import FilePart, NewMessage, TextPart, keep
from hub.web.problems import shown
from hub.web.programs import Visit, check_words
from hub.web.services import Services
from hub.web.stream import SETTLED, Ended, Watch, settled, watching
from hub.web.tasking import task_of

CHAT = f"{PROGRAM}a2a"
"""The chat of what's said about tasks that began elsewhere."""
CONTEXT = re.compile(r"[A-Za-z0-9._-]{1,64}")
FITS = re.compile(r"[!-~]{1,180}")
WAIT = 100.0
"""Seconds that a message waits for its answer where its sender would wait."""
ROUTED = 30.0
LOOK_BACK = 20


async def send(visit: Visit, request: wire.SendRequest) -> wire.Update:
    """Keep a message, wait for its answer if that's wished, and return its task as it stands then."""
    message = await kept(visit, request)
    config = request.configuration or wire.Configuration()
    if config.return_immediately:
        message = await _routed(visit.services, message)
    else:
        message = await settled(visit.services, message, WAIT)
    return await outcome(visit, message, config.history_length)


async def outcome(visit: Visit, message: Message, history: int | None) -> wire.Update:
    """Return what came of a message: its task, or, to a command that's about none, the hub's own words."""
    task = await visit.services.store.task(message.task) if message.task else None
    if task is not None:
        return wire.Update(task=await view_task(visit.services, task, visit.base, history=history))
    replies = await visit.services.store.replies(message.id)
    if not replies:
        raise TooMany("the message is kept, but there's no task yet; send it again under the same messageId", after=5.0)
    told = view_message(replies[-1], None, visit.base)
    return wire.Update(
        message=msgspec.structs.replace(told, parts=[part for each in replies for part in parts_of(each, visit.base)])
    )


async def kept(visit: Visit, request: wire.SendRequest) -> Message:
    """Keep what's said, once for each messageId; raises Fault and PersonError."""
    services, caller, said = visit.services, visit.caller, request.message
    if said.role not in ("ROLE_USER", 1):
        raise Fault("INVALID_PARAMS", f"message.role: must be ROLE_USER; it is {shown(said.role)}")
    if request.configuration is not None and request.configuration.task_push_notification_config:
        raise Fault("PUSH_NOTIFICATION_NOT_SUPPORTED", "this hub pushes nothing; stream, subscribe or ask again")
    about = await _named(services, caller, said)
    chat, key = _chat(caller, said, about), key_of(said.message_id)
    parts = [await _part(services, caller, part, number) for number, part in enumerate(said.parts)]
    address = convert.address(caller.person, chat)
    known = await services.store.message_by_external(caller.tenant, address, convert.keyed(caller.key.id, key))
    if known is not None:
        if _same(known.parts, parts):
            return known
        raise Fault("INVALID_PARAMS", "message.messageId: it came before with other parts; use a fresh one")
    words = "\n".join(part.text for part in parts if isinstance(part, Text))
    await check_words(services, caller.tenant, address, words, visit.base)
    agent = _agent(request)
    wish = _open(about) if about else await _going_on(services, caller, chat, agent)
    told = [
        TextPart(text=part.text)
        if isinstance(part, Text)
        else FilePart(sha256=part.sha256, name=part.name, media_type=part.media_type)
        for part in parts
    ]
    return await keep(services, caller, NewMessage(parts=told, task=wish, agent=agent, chat=chat), key)


def key_of(message_id: str) -> str:
    """Return a messageId as an idempotency key, apart from those of other ways in."""
    id = message_id if FITS.fullmatch(message_id) else sha256(message_id.encode("utf-8", "replace")).hexdigest()
    return f"{MARK[1:]}{id}"


async def _named(services: Services, caller: Caller, said: wire.Said) -> Task | None:
    """Return the task that a message names."""
    if not said.task_id:
        return None
    task = await task_of(services, caller, said.task_id)
    if task.person != caller.person:
        raise Fault("TASK_NOT_FOUND", f"task: there's no {shown(said.task_id)} of yours")
    if said.context_id and said.context_id != context_of(task):
        raise Fault("INVALID_PARAMS", f"message.contextId: the task's is {context_of(task)!r}; leave it out")
    return task


def _open(task: Task) -> str:
    if task.state in wire.OVER:
        raise Fault(
            "UNSUPPORTED_OPERATION", f"task {task.id} is {task.state}; leave taskId out, and the context goes on"
        )
    return task.id


def _chat(caller: Caller, said: wire.Said, about: Task | None) -> str:
    if about is not None:
        return f"{CONTEXTS}{context_of(about)}" if is_ours(about.origin) else CHAT
    if not said.context_id:
        # Sent again it's the same chat, so it's found to have come before.
        told = f"{caller.key.id}:{said.message_id}".encode("utf-8", "replace")
        return f"{CONTEXTS}{sha256(told).hexdigest()[:32]}"
    if not CONTEXT.fullmatch(said.context_id):
        raise Fault("INVALID_PARAMS", "message.contextId: must have 1 to 64 letters, digits, '.', '_' and '-'")
    return f"{CONTEXTS}{said.context_id}"


async def _going_on(services: Services, caller: Caller, chat: str, agent: str | None) -> str:
    """Return the conversation that a context goes on with, if its last task is one that's complete; else "new"."""
    address = convert.address(caller.person, chat)
    recent = await services.store.messages_of_chat(caller.tenant, address, limit=LOOK_BACK)
    last = next((message.task for message in reversed(recent) if message.task), None)
    task = await services.store.task(last) if last else None
    if task is None or (task.tenant, task.person) != (caller.tenant, caller.person):
        return "new"
    goes_on = task.kind == "conversation" and task.state == "completed" and agent in (None, task.agent)
    return task.id if goes_on else "new"


def _agent(request: wire.SendRequest) -> str | None:
    """Return the agent that's wished for: a skill of the card, named in the metadata."""
    for metadata in (request.message.metadata, request.metadata):
        if metadata and metadata.get("agent") is not None:
            wished = metadata["agent"]
            if not isinstance(wished, str) or not CONTEXT.fullmatch(wished):
                raise Fault("INVALID_PARAMS", f"metadata.agent: must be the id of a skill; it is {shown(wished)}")
            return wished
    return None


async def _part(services: Services, caller: Caller, part: wire.Part, number: int) -> Part:
    field = f"message.parts[{number}]"
    if part.url is not None:
        raise Fault("CONTENT_TYPE_NOT_SUPPORTED", f"{field}.url: files aren't fetched; send their bytes as raw")
    given = [each for each in (part.text, part.raw) if each is not None] + ([1] if part.data is not UNSET else [])
    if len(given) != 1:
        raise Fault("INVALID_PARAMS", f"{field}: must have one of text, raw, url and data")
    if part.text is not None:
        return Text(part.text)
    if part.raw is None:
        return Text(f"```json\n{msgspec.json.format(msgspec.json.encode(part.data), indent=2).decode()}\n```")
    name, kind = part.filename or "file", part.media_type or ""
    return await services.uploads.keep(caller.tenant, caller.person, name, kind, _bytes(part.raw, field))


def _bytes(raw: str, field: str) -> bytes:
    # Both alphabets, and padding or none: so protobuf's JSON has it.
    plain = raw.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Fault("INVALID_PARAMS", f"{field}.raw: isn't base64") from None


def _same(known: Sequence[Part], parts: Sequence[Part]) -> bool:
    return [_essence(part) for part in known] == [_essence(part) for part in parts]


def _essence(part: Part) -> str:
    return part.sha256 if isinstance(part, File) else part.text


async def _routed(services: Services, message: Message) -> Message:
    """Return a message once it has a task, or as it is after a while."""
    end = services.clock.monotonic() + ROUTED
    async with watching(services, message.tenant, message.person) as watch:
        return await until_routed(services, watch, message, end)


async def until_routed(services: Services, watch: Watch, message: Message, end: float) -> Message:
    """Return a message once it has a task or waits for nothing, or as it is at a time of the monotonic clock."""
    while True:
        message = await services.store.message(message.id) or message
        left = end - services.clock.monotonic()
        if message.task or message.state in SETTLED or left <= 0:
            return message
        try:
            await watch.next(left)
        except Ended:
            return message
