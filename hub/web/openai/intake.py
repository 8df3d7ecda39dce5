"""A program's request -> a message of its person: kept once, in the task that it's about."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bridges.http import convert
from hub.errors import BadRequest, NotAllowed, StoreError, StoreUnavailable, TooMany
from hub.flow import orders
from hub.flow.orders import Earlier, Order
from hub.ports import Add, Change, Save
from hub.records import Message, Part, Pause, PauseId, PersonId, Replay, TaskId, new_id
from hub.web.auth import Caller
from hub.web.chats import EndUser, speaker, wish_of
from hub.web.once import check_same, replay_of
from hub.web.openai.conversations import CHAT, address, answers_to
from hub.web.openai.faults import NoModel
from hub.web.openai.parts import Line, kept_parts
from hub.web.pace import slow
from hub.web.problems import Busy, shown
from hub.web.services import Services
from hub.web.wishes import agents_for

RETRIED = "x-stainless-retry-count"
"""By this header OpenAI's clients say that they have asked before."""
AGAIN = timedelta(hours=1)
TRIES = 20
INSTRUCTIONS = 60_000
"""Characters."""
NEW = "new"
TOOLS = 128
TOOLS_CHARACTERS = 100_000
LABELS = 16
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Call(Struct, frozen=True, kw_only=True):
    """What a program asks for, whichever of the two APIs it speaks."""

    agent: str
    person: PersonId
    lines: tuple[Line, ...]
    order: Order
    task: TaskId | None = None
    """Where it belongs, if the program says so."""
    anew: bool = False
    """Whether the program wants a new task, whatever came before."""

    @property
    def fresh(self) -> int:
        """Where what's new in the conversation begins."""
        at = len(self.lines)
        while at and self.lines[at - 1].role == self.lines[-1].role and self.lines[-1].role != "assistant":
            at -= 1
        return at


class Asked(Struct, frozen=True, kw_only=True):
    """How a request came."""

    path: str
    key: str | None
    """Its idempotency key."""
    again: int | None
    """How often it was asked before, if the program tells; None: it doesn't."""
    body: bytes


async def agent_of(services: Services, caller: Caller, model: str) -> str:
    """Return the agent that's called by this name, or by name@version; raises NoModel."""
    name, _, version = model.partition("@")
    theirs = await agents_for(services, caller)
    for agent in theirs:
        if agent.name == name and version in ("", agent.version):
            return agent.name
    known = ", ".join(agent.name for agent in theirs) or "none"
    raise NoModel(f"model: there's no {shown(model)}; a model is an agent here: {known}")


async def speaker_of(services: Services, caller: Caller, user: str | None) -> PersonId:
    """Return who speaks: the key's person, or the end user whom it may speak for; made, if they're new.

    Raises BadRequest, NotAllowed and TooMany.
    """
    if not user:
        return caller.person
    try:
        return await speaker(services, caller, msgspec.convert({"external": user}, EndUser))
    except msgspec.ValidationError:
        raise BadRequest("user", f"can't be somebody's name: {shown(user)}") from None
    except NotAllowed as error:
        raise NotAllowed(str(error).replace("on_behalf_of:", "user:")) from None


async def task_of(services: Services, caller: Caller, person: PersonId, labels: Mapping[str, Any]) -> TaskId | None:
    """Return the task that `metadata.task` names, by id or number; raises BadRequest for one of somebody else."""
    wish = labels.get("task")
    if wish is None or wish == "":
        return None
    try:
        found = await wish_of(services, person, caller, str(wish))
    except BadRequest as error:
        raise BadRequest("metadata.task", str(error).removeprefix("task: ")) from None
    return TaskId(found) if found != NEW else None


def is_new(labels: Mapping[str, Any]) -> bool:
    """Say whether `metadata.task` asks for a new task."""
    return labels.get("task") == NEW


def labels_of(labels: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a program's own notes; raises BadRequest for too many or too long ones."""
    found = {name: str(value) for name, value in (labels or {}).items()}
    if len(found) > LABELS or any(len(name) > 64 or len(value) > 512 for name, value in found.items()):
        raise BadRequest("metadata", f"may have {LABELS} entries, with names of 64 characters and values of 512")
    return found


def form_of(schema: Mapping[str, Any] | None, field: str) -> dict[str, object]:
    """Return a JSON schema for an answer; raises BadRequest for what's none."""
    # Late: it takes a while to load, and few programs ask for it.
    import jsonschema  # noqa: PLC0415

    found = dict(schema or {"type": "object"})
    try:
        jsonschema.Draft202012Validator.check_schema(found)
    except (jsonschema.SchemaError, RecursionError) as error:
        raise BadRequest(field, f"isn't a JSON schema: {str(error).partition(chr(10))[0][:200]}") from None
    return found


def check_order(order: Order, field: str) -> Order:
    """Return an order that's within limits; raises BadRequest."""
    if len(order.instructions) > INSTRUCTIONS:
        raise BadRequest(field, f"system messages have {len(order.instructions)} characters; {INSTRUCTIONS} at most")
    if len(order.tools) > TOOLS:
        raise BadRequest("tools", f"are {len(order.tools)}; at most {TOOLS} are taken")
    if sum(len(str(tool)) for tool in order.tools) > TOOLS_CHARACTERS:
        raise BadRequest("tools", f"are too long; {TOOLS_CHARACTERS} characters at most, all together")
    names = [tool.name for tool in order.tools]
    for name in names:
        if not NAME.fullmatch(name):
            raise BadRequest("tools", f"{shown(name)} can't be a function's name; use letters, digits, - and _")
    if len(set(names)) < len(names):
        raise BadRequest("tools", "have the same name twice")
    if order.wanted and order.wanted not in names:
        raise BadRequest("tool_choice", f"there's no {shown(order.wanted)} among the tools")
    if order.choice == "required" and not names:
        raise BadRequest("tool_choice", "is required, and there are no tools")
    return order


async def begin(services: Services, caller: Caller, call: Call, asked: Asked) -> Message:
    """Keep what's new in a conversation as a message and return it; raises PersonError and StoreUnavailable.

    Asked again, by an idempotency key or as OpenAI's clients do it by themselves, it's the message of the first time.
    """
    if (before := await _before(services, caller, call, asked)) is not None:
        return before
    try:
        return await _begin(services, caller, call, asked)
    except TooMany:
        await slow(services)
        raise


async def _begin(services: Services, caller: Caller, call: Call, asked: Asked) -> Message:
    fresh = call.lines[call.fresh :]
    if not fresh:
        raise BadRequest("messages", "must end with what a user or a tool says")
    if fresh[0].role == "tool":
        return await _result(services, caller, call, asked, fresh[-1])
    parts = await kept_parts(services, caller.tenant, call.person, fresh)
    so_far = call.lines[: call.fresh]
    if call.task is None and so_far and not call.anew:
        for answer in await answers_to(services, caller.tenant, call.person, call.agent, so_far):
            external = orders.external(caller.key.id, f"next:{answer.id}")
            message, new = await _keep(services, caller, call, asked, parts, external, answer.task)
            if new:
                return message
            # Somebody has gone on from there at this very moment: this is another branch of it.
    order = call.order
    if call.task is None:
        order = replace(order, earlier=tuple(map(_earlier, so_far)))
    external = orders.external(caller.key.id, new_id())
    message, _ = await _keep(services, caller, replace(call, order=order), asked, parts, external, call.task)
    return message


async def _result(services: Services, caller: Caller, call: Call, asked: Asked, line: Line) -> Message:
    """Keep what came of a call of the program's own tool: the task's turn goes on with it."""
    pause = await services.store.pause(PauseId(line.call.removeprefix("call_")))
    known = pause is not None and (pause.tenant, pause.person) == (caller.tenant, call.person)
    if pause is None or not known or not orders.is_clients(pause.tool):
        raise BadRequest("messages", f"tool_call_id {shown(line.call)}: no such call was asked for")
    if pause.state != "asked":
        return await _told_before(services, pause)
    parts = await kept_parts(
        services, caller.tenant, call.person, [line if line.text else replace(line, text="(nothing)")]
    )
    external = orders.of_result(caller.key.id, pause.id)
    message, _ = await _keep(services, caller, call, asked, parts, external, pause.task)
    return message


async def _told_before(services: Services, pause: Pause) -> Message:
    told = await services.store.message(pause.to) if pause.to else None
    if told is None or not orders.is_result(told):
        raise BadRequest("messages", "tool_call_id: that call isn't waited for any more; the conversation went on")
    return told


async def _keep(
    services: Services,
    caller: Caller,
    call: Call,
    asked: Asked,
    parts: Sequence[Part],
    external: str,
    task: TaskId | None,
) -> tuple[Message, bool]:
    incoming = convert.incoming(
        tenant=caller.tenant,
        person=call.person,
        chat=CHAT,
        parts=parts,
        external_id=external,
        sent_at=services.clock.now(),
        wish=task or NEW,
        agent=call.agent,
        key=caller.key.id,
    )
    order = orders.kept(call.order, caller.tenant, caller.key.id, external, services.clock)
    for _ in range(TRIES):
        try:
            return await services.inbox.keep(incoming, order, *await _noted(services, caller, asked, external))
        except StoreUnavailable:
            raise
        except StoreError:
            # The same request came twice at once. By one key it's one; without, each is meant.
            if asked.key is not None and (before := await _before(services, caller, call, asked)) is not None:
                return before, True
    raise Busy("the same request comes too often at once; come again in a moment")


# --- the same request again


async def _before(services: Services, caller: Caller, call: Call, asked: Asked) -> Message | None:
    """Return the message of an earlier request like this one; raises AlreadyUsed for a key that had another body."""
    if (name := _name(asked)) is None or (asked.key is None and not asked.again):
        return None
    kept = await check_same(services, replay_of(services, caller, name, asked.body))
    if kept is None or (asked.key is None and services.clock.now() - kept.created_at > AGAIN):
        return None
    return await services.store.message_by_external(caller.tenant, address(call.person), kept.body)


async def _noted(services: Services, caller: Caller, asked: Asked, external: str) -> list[Change]:
    """Return what keeps that this request was this message."""
    if (name := _name(asked)) is None:
        return []
    note: Replay = replace(replay_of(services, caller, name, asked.body, status=202), body=external)
    if asked.key is not None:
        return [Add(note)]
    # Without a key the same words may well be meant anew: it's the last time that counts.
    return [Save(note) if await services.store.replay(caller.key.id, name) else Add(note)]


def _name(asked: Asked) -> str | None:
    if asked.key is not None:
        return f"POST {asked.path} {asked.key}"
    return None if asked.again is None else f"POST {asked.path} body {sha256(asked.body).hexdigest()}"


def _earlier(line: Line) -> Earlier:
    text = "\n".join((*(f"[file: {file.name}]" for file in line.files), line.text)).strip()
    if line.role == "tool":
        return Earlier("user", f"(The tool found: {text})")
    return Earlier(line.role, text)
