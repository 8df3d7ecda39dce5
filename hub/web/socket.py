"""/v1/ws: the events of /v1/events as JSON frames, and messages the other way, on one WebSocket."""

import asyncio
from contextlib import aclosing
from typing import Annotated, Any

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from hub.errors import PersonError, StoreUnavailable
from hub.records import TaskId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import Id, Name, NewMessage, keep
from hub.web.problems import Problem, fault_of, problem_of
from hub.web.replaying import key_of
from hub.web.resources import Accepted
from hub.web.services import Services
from hub.web.stream import Frame, frames

PATIENCE = 30.0
"""Seconds that a client may take to read one frame."""
GOING_AWAY = 1001
POLICY = 1008


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client's frame: something to say. `id` is the client's own, and counts as an idempotency key."""

    text: str
    task: Annotated[int, Meta(ge=1, le=2**31)] | Id | None = None
    chat: Name = "main"
    agent: Name | None = None
    reply_to: Id | None = None
    id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class Told(Struct, frozen=True, kw_only=True):
    """A frame to a client."""

    event: str
    data: msgspec.Raw | Accepted | Problem
    id: int | UnsetType = UNSET
    ref: str | UnsetType = UNSET


@websocket("/v1/ws", opt={"scope": "messages:read"})
async def talk(
    socket: WebSocket[Any, Any, Any],
    services: Hub,
    caller: Asker,
    after: Annotated[int | None, QueryParameter(ge=0, le=2**62)] = None,
    task: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> None:
    """Tell what happens, and take messages."""
    await socket.accept()
    telling = asyncio.ensure_future(_tell(socket, services, caller, after, TaskId(task) if task else None))
    listening = asyncio.ensure_future(_listen(socket, services, caller))
    try:
        await asyncio.wait((telling, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for side in (telling, listening):
            side.cancel()
        results = await asyncio.gather(telling, listening, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | TimeoutError):
            raise result
    if not isinstance(results[1], WebSocketDisconnect):
        await socket.close(GOING_AWAY)


async def _tell(
    socket: WebSocket[Any, Any, Any], services: Services, caller: Caller, after: int | None, task: TaskId | None
) -> None:
    async with aclosing(frames(services, caller, after, task)) as stream:
        async for together in stream:
            for frame in together:
                if frame.event:
                    await _send(socket, _told(frame))


async def _listen(socket: WebSocket[Any, Any, Any], services: Services, caller: Caller) -> None:
    while True:
        await _send(socket, await _take(services, caller, await socket.receive_data("text")))


async def _take(services: Services, caller: Caller, frame: str | bytes) -> Told:
    ref: str | UnsetType = UNSET
    try:
        said = _said(frame)
        ref = said.id if said.id is not None else UNSET
        caller.needs("messages:write")
        new = NewMessage(text=said.text, task=said.task, chat=said.chat, agent=said.agent, reply_to=said.reply_to)
        message = await keep(services, caller, new, key_of(said.id))
    except (PersonError, StoreUnavailable) as error:
        return Told(event="error", data=problem_of(error)[0], ref=ref)
    return Told(event="accepted", data=Accepted(id=message.id, state=message.state, ref=ref))


def _said(frame: str | bytes) -> Said:
    try:
        return msgspec.json.decode(frame, type=Said)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise fault_of(error) from None


async def _send(socket: WebSocket[Any, Any, Any], told: Told) -> None:
    async with asyncio.timeout(PATIENCE):
        await socket.send_data(msgspec.json.encode(told), mode="text")


def _told(frame: Frame) -> Told:
    return Told(event=frame.event, data=msgspec.Raw(frame.data), id=frame.id if frame.id is not None else UNSET)
