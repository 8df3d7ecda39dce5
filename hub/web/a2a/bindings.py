"""A2A's two bindings at /a2a, JSON-RPC and HTTP+JSON, and the card at /.well-known/agent-card.json."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post, route
from litestar.params import FromPath
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage
from msgspec import Struct

from hub.web.a2a import wire
from hub.web.a2a.card import PATH, Card, public_card
from hub.web.a2a.faults import KINDS, Fault, RestError, RpcError, as_rest, as_rpc
from hub.web.a2a.following import Updates
from hub.web.a2a.methods import REFUSED, STREAMING, answer, check_version, updates
from hub.web.auth import ANY, Hub
from hub.web.once import OWN
from hub.web.problems import shown
from hub.web.programs import base_of, visit_of

BODY = 12 * 1024 * 1024
"""The most bytes of a request: a file of 8 MiB in base64, and words."""
MEDIA_TYPE = "application/a2a+json"
Asked = Request[Any, Any, Any]
Id = str | int | None


class Result(Struct, frozen=True, kw_only=True):
    """A JSON-RPC response."""

    jsonrpc: str = "2.0"
    id: Id
    result: Any


class Failure(Struct, frozen=True, kw_only=True):
    """A JSON-RPC response that tells of an error."""

    jsonrpc: str = "2.0"
    id: Id
    error: RpcError


class Refused(Struct, frozen=True, kw_only=True):
    """An HTTP+JSON response that tells of an error."""

    error: RestError


@get("/.well-known/agent-card.json", opt={"open": True}, include_in_schema=False, sync_to_thread=False)
def agent_card(request: Asked, services: Hub) -> Response[Card]:
    """Return the card by which other agents find ours."""
    return Response(public_card(services, base_of(request)), headers={"Cache-Control": "max-age=60"})


class A2AController(Controller):
    """Messages and tasks for other agents."""

    path = PATH
    opt: Mapping[str, Any] = {"scope": ANY, OWN: True}
    include_in_schema = False
    request_max_body_size = BODY

    @post("/", status_code=200)
    async def rpc(self, request: Asked) -> Response[Any] | ServerSentEvent:
        """Answer a JSON-RPC request; each method needs its own scope."""
        visit, id = visit_of(request), None

        def failed(fault: Fault) -> Failure:
            return Failure(id=id, error=as_rpc(fault))

        try:
            said = _object(await request.body())
            id = _id(said)
            method, params = _method(said), said.get("params") or {}
            check_version(request)
            if method in STREAMING:
                stream = await updates(visit, method, params)
                return _stream(stream, lambda update: Result(id=id, result=update), failed)
            return Response(Result(id=id, result=await answer(visit, method, params)))
        except Fault as fault:
            return Response(failed(fault))

    @post("/message:send", status_code=200)
    async def send(self, request: Asked) -> Response[Any]:
        """Say something, and have what came of it."""
        return await _plain(request, "SendMessage")

    @post("/message:stream", status_code=200)
    async def stream(self, request: Asked) -> Response[Any] | ServerSentEvent:
        """Say something, and have what comes of it as it comes."""
        return await _streamed(request, "SendStreamingMessage")

    @get("/tasks")
    async def tasks(self, request: Asked) -> Response[Any]:
        """List tasks."""
        return await _plain(request, "ListTasks", dict(request.query_params))

    @get("/tasks/{id:str}")
    async def task(self, request: Asked, id: FromPath[str]) -> Response[Any] | ServerSentEvent:
        """Read a task, or follow it."""
        name, _, verb = id.partition(":")
        if verb == "subscribe":
            return await _streamed(request, "SubscribeToTask", {"id": name})
        return await _plain(request, "GetTask", {**dict(request.query_params), "id": id})

    @post("/tasks/{id:str}", status_code=200)
    async def do(self, request: Asked, id: FromPath[str]) -> Response[Any] | ServerSentEvent:
        """Cancel a task, or follow it."""
        name, _, verb = id.partition(":")
        if verb == "subscribe":
            return await _streamed(request, "SubscribeToTask", {"id": name})
        if verb == "cancel":
            return await _plain(request, "CancelTask", {"id": name})
        return await _plain(request, f"tasks/{verb}", {})

    @route(
        ["/tasks/{id:str}/pushNotificationConfigs", "/tasks/{id:str}/pushNotificationConfigs/{config:str}"],
        http_method=["GET", "POST", "DELETE"],
        status_code=200,
    )
    async def push(self, request: Asked) -> Response[Any]:
        """Say that there are no push notifications."""
        return await _plain(request, next(iter(REFUSED)), {})

    @get("/extendedAgentCard")
    async def card(self, request: Asked) -> Response[Any]:
        """Return the card with all agents that the key may wish for."""
        return await _plain(request, "GetExtendedAgentCard", {})


async def _plain(request: Asked, method: str, params: object = None) -> Response[Any]:
    """Answer over HTTP+JSON; without `params`, they are the body."""
    visit = visit_of(request)
    try:
        check_version(request)
        told = _object(await request.body()) if params is None else params
        return Response(await answer(visit, method, told), media_type=MEDIA_TYPE)
    except Fault as fault:
        return _refused(fault)


async def _streamed(request: Asked, method: str, params: object = None) -> Response[Any] | ServerSentEvent:
    visit = visit_of(request)
    try:
        check_version(request)
        told = _object(await request.body()) if params is None else params
        return _stream(await updates(visit, method, told), lambda update: update, _refusal)
    except Fault as fault:
        return _refused(fault)


def _refused(fault: Fault) -> Response[Any]:
    return Response(_refusal(fault), status_code=KINDS[fault.reason].http)


def _refusal(fault: Fault) -> Refused:
    return Refused(error=as_rest(fault))


def _stream(
    stream: Updates, told: Callable[[wire.Update], Struct], failed: Callable[[Fault], Struct]
) -> ServerSentEvent:
    return ServerSentEvent(_events(stream, told, failed))


async def _events(
    stream: Updates, told: Callable[[wire.Update], Struct], failed: Callable[[Fault], Struct]
) -> AsyncGenerator[ServerSentEventMessage, None]:
    async with aclosing(stream):
        try:
            async for update in stream:
                if update is None:
                    yield ServerSentEventMessage(data=None, comment="alive")
                else:
                    yield ServerSentEventMessage(data=msgspec.json.encode(told(update)))
        except Fault as fault:
            yield ServerSentEventMessage(data=msgspec.json.encode(failed(fault)), event="error")


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Fault("PARSE_ERROR", f"body: isn't JSON in UTF-8: {str(error)[:100]}") from None
    if not isinstance(said, dict):
        raise Fault("INVALID_REQUEST", "body: must be one JSON object; send requests one by one")
    return said


def _id(said: dict[str, Any]) -> Id:
    id = said.get("id")
    if isinstance(id, bool) or not isinstance(id, str | int | None):
        raise Fault("INVALID_REQUEST", f"id: must be a string, an integer or null; it is {shown(id)}")
    return id


def _method(said: dict[str, Any]) -> str:
    if said.get("jsonrpc") != "2.0":
        raise Fault("INVALID_REQUEST", 'jsonrpc: must be "2.0"')
    method = said.get("method")
    if not isinstance(method, str) or not method:
        raise Fault("INVALID_REQUEST", "method: is missing; name one")
    return method
