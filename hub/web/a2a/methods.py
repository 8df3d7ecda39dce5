"""What can be asked over A2A, by either binding: each method with what it takes and which scope it needs."""

import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec
from litestar.connection import ASGIConnection
from msgspec import Struct

from hub.errors import AgentHostError, PersonError
from hub.records import TaskState
from hub.web.a2a import wire
from hub.web.a2a.card import VERSION, Card, card_for
from hub.web.a2a.faults import Fault, fault_of
from hub.web.a2a.following import Updates, send_streaming, subscribe
from hub.web.a2a.sending import send
from hub.web.a2a.views import address_of, view_task
from hub.web.auth import ANY
from hub.web.problems import fault_of as json_fault
from hub.web.problems import shown
from hub.web.programs import Visit
from hub.web.tasking import task_of
from hub.web.wishes import agents_for

log = logging.getLogger(__name__)

MOST = 1_000
"""Tasks that a listing goes through."""
PAGE = 50


class Unary(NamedTuple):
    """A method with one answer."""

    takes: type[Struct]
    scope: str
    do: Callable[[Visit, Any], Awaitable[Struct]]


class Streaming(NamedTuple):
    """A method that's answered by a stream."""

    takes: type[Struct]
    scope: str
    do: Callable[[Visit, Any], Updates]


async def _get(visit: Visit, request: wire.TaskRequest) -> wire.Task:
    task = await task_of(visit.services, visit.caller, request.id)
    return await view_task(visit.services, task, visit.base, history=request.history_length)


async def _cancel(visit: Visit, request: wire.TaskRequest) -> wire.Task:
    task = await task_of(visit.services, visit.caller, request.id)
    if task.state in wire.OVER:
        raise Fault("TASK_NOT_CANCELABLE", f"task {task.id} is {task.state} already")
    return await view_task(visit.services, await visit.services.tasks.cancel(task), visit.base)


async def _list(visit: Visit, request: wire.ListRequest) -> wire.TaskList:
    services, caller = visit.services, visit.caller
    states = _states(request.status)
    found = await services.store.tasks(
        caller.tenant,
        caller.person,
        states=states,
        chat=address_of(caller.person, request.context_id) if request.context_id else None,
        updated_since=request.status_timestamp_after,
        limit=MOST,
        by="updated_at",
    )
    if request.status not in (None, "TASK_STATE_UNSPECIFIED") and not states:
        found = ()  # A state that no task of ours is ever in.
    begin, size = _begin(request.page_token), request.page_size or PAGE
    tasks = [
        await view_task(
            services, task, visit.base, history=request.history_length or 0, artifacts=bool(request.include_artifacts)
        )
        for task in found[begin : begin + size]
    ]
    more = str(begin + size) if begin + size < len(found) else ""
    return wire.TaskList(tasks=tasks, next_page_token=more, page_size=size, total_size=len(found))


def _states(wished: wire.State | None) -> tuple[TaskState, ...]:
    return tuple(ours for ours, theirs in wire.STATES.items() if theirs == wished)


def _begin(token: str | None) -> int:
    if not token:
        return 0
    if not token.isascii() or not token.isdecimal() or len(token) > 6:
        raise Fault("INVALID_PARAMS", f"pageToken: must be what nextPageToken said; it is {shown(token)}")
    return int(token)


async def _card(visit: Visit, _: wire.Nothing) -> Card:
    return card_for(visit.services, visit.base, await agents_for(visit.services, visit.caller))


UNARY: Mapping[str, Unary] = {
    "SendMessage": Unary(wire.SendRequest, "messages:write", send),
    "GetTask": Unary(wire.TaskRequest, "tasks:read", _get),
    "ListTasks": Unary(wire.ListRequest, "tasks:read", _list),
    "CancelTask": Unary(wire.TaskRequest, "tasks:write", _cancel),
    "GetExtendedAgentCard": Unary(wire.Nothing, ANY, _card),
}
STREAMING: Mapping[str, Streaming] = {
    "SendStreamingMessage": Streaming(wire.SendRequest, "messages:write", send_streaming),
    "SubscribeToTask": Streaming(wire.TaskRequest, "tasks:read", subscribe),
}
REFUSED = frozenset(
    {
        "CreateTaskPushNotificationConfig",
        "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig",
    }
)
"""Of push notifications, of which there are none: the card says so."""


def check_version(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Raise Fault unless a client speaks our version; without a header it speaks 0.3, so the protocol says."""
    told = connection.headers.get("a2a-version", "").strip() or "0.3"
    if told.partition(".")[0] != VERSION.partition(".")[0]:
        raise Fault("VERSION_NOT_SUPPORTED", f"A2A-Version: {shown(told)} isn't spoken here; this hub speaks {VERSION}")


async def answer(visit: Visit, method: str, params: object) -> Struct:
    """Do what a method with one answer says; raises Fault, or what HTTP itself has a word for."""
    if method in REFUSED:
        raise Fault("PUSH_NOTIFICATION_NOT_SUPPORTED", "this hub pushes nothing; stream, subscribe or ask again")
    known = UNARY.get(method)
    if known is None:
        raise Fault("METHOD_NOT_FOUND", f"there's no {shown(method)}; there are {', '.join((*UNARY, *STREAMING))}")
    request = _request(visit, known.scope, known.takes, params)
    try:
        return await known.do(visit, request)
    except PersonError as error:
        raise fault_of(error) from None
    except AgentHostError:
        raise
    except Exception as error:
        raise unforeseen(error) from error


async def updates(visit: Visit, method: str, params: object) -> Updates:
    """Return a stream whose first update is there: what's wrong with a request is raised now, as by `answer`."""
    known = STREAMING[method]
    request = _request(visit, known.scope, known.takes, params)
    stream = known.do(visit, request)
    try:
        first = await anext(stream)
    except PersonError as error:
        raise fault_of(error) from None
    except AgentHostError:
        raise
    except Exception as error:
        raise unforeseen(error) from error
    return _from(first, stream)


async def _from(first: wire.Update | None, stream: Updates) -> AsyncGenerator[wire.Update | None, None]:
    async with aclosing(stream):
        yield first
        try:
            async for update in stream:
                yield update
        except PersonError as error:
            raise fault_of(error) from None
        except Exception as error:
            raise unforeseen(error) from error


def unforeseen(error: Exception) -> Fault:
    """Return what's told of an error that nobody foresaw: an id, which stands in the log."""
    id = secrets.token_hex(4)
    log.error("A2A: request failed, id %s", id, exc_info=error)
    return Fault("INTERNAL_ERROR", f"the hub failed at this; its log tells more under the id {id}.")


def _request(visit: Visit, scope: str, takes: type[Struct], params: object) -> Struct:
    if scope != ANY:
        visit.caller.needs(scope)
    try:
        return msgspec.convert(params, takes, strict=False)
    except msgspec.ValidationError as error:
        raise fault_of(json_fault(error)) from None
