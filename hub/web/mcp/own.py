"""The hub's own tools at /mcp: speak to agents, and see to tasks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridges.http import convert
from hub.records import PROGRAM, TaskState
from hub.web.chats import NewMessage, keep, message_of, question_of
from hub.web.mcp.views import Answer, TaskDetail, TaskLine, Tasks, view_answer, view_detail, view_line
from hub.web.problems import fault_of
from hub.web.programs import Visit, check_leave, check_words
from hub.web.replaying import key_of
from hub.web.stream import SETTLED, settled
from hub.web.tasking import task_of

CHAT = f"{PROGRAM}mcp"
"""The chat that what's said here belongs to."""
Number = Annotated[int, Meta(ge=1, le=2**31, description="Its number")]
Seconds = Annotated[float, Meta(ge=0, le=120, description="Seconds to wait for the answer")]
MessageName = Annotated[str, Meta(min_length=1, max_length=64, description="What send_message returned")]


class Send(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What's said."""

    text: Annotated[str, Meta(min_length=1)]
    task: Annotated[str | int | None, Meta(description='A task\'s number, or "new"; else the hub finds out')] = None
    agent: Annotated[str, Meta(max_length=64, description="Who shall answer in a new task")] | None = None
    wait: Seconds = 30
    id: Annotated[str, Meta(max_length=200, description="Yours: sent again with it, it counts once")] | None = None


class Wait(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which message."""

    message: MessageName
    wait: Seconds = 30


class Choose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which answer to which question."""

    message: MessageName
    choice: Annotated[str, Meta(min_length=1, max_length=200, description="The id of one of its choices")]
    wait: Seconds = 30


class Listing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks."""

    state: TaskState | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Which(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which task."""

    task: Number


class OwnTool(Struct, frozen=True, kw_only=True):
    """A tool of the hub's own: what it takes and gives, which scope it needs, and what it does."""

    name: str
    description: str
    scope: str
    takes: type[Struct]
    gives: type[Struct]
    do: Callable[[Visit, Any], Awaitable[Struct]]
    reads: bool = False
    destroys: bool = False
    idempotent: bool = False


async def call_own(tool: OwnTool, visit: Visit, arguments: Mapping[str, object]) -> Struct:
    """Call one; raises PersonError."""
    visit.caller.needs(tool.scope)
    try:
        wish = msgspec.convert(arguments, tool.takes)
    except msgspec.ValidationError as error:
        raise fault_of(error) from None
    return await tool.do(visit, wish)


async def _send(visit: Visit, wish: Send) -> Answer:
    services, caller = visit.services, visit.caller
    address = convert.address(caller.person, CHAT)
    await check_words(services, caller.tenant, address, wish.text, visit.base)
    new = NewMessage(text=wish.text, task=wish.task, agent=wish.agent, chat=CHAT)
    message = await keep(services, caller, new, key_of(wish.id))
    if wish.wait > 0:
        message = await settled(services, message, wish.wait)
    return await view_answer(services, message, visit.base)


async def _wait(visit: Visit, wish: Wait) -> Answer:
    message = await message_of(visit.services, visit.caller, wish.message)
    if wish.wait > 0 and message.role == "user" and message.state not in SETTLED:
        message = await settled(visit.services, message, wish.wait)
    return await view_answer(visit.services, message, visit.base)


async def _choose(visit: Visit, wish: Choose) -> Answer:
    services, caller = visit.services, visit.caller
    asked = await message_of(services, caller, wish.message)
    question = await question_of(services, asked)
    check_leave(question, visit.base)
    await services.questions.choose(question, wish.choice, caller.person)
    about = await services.store.message(question.answers) if question.answers else None
    message = about or asked
    if wish.wait > 0 and message.role == "user":
        message = await settled(services, message, wish.wait)
    return await view_answer(services, message, visit.base)


async def _tasks(visit: Visit, wish: Listing) -> Tasks:
    states = (wish.state,) if wish.state else ()
    caller = visit.caller
    found = await visit.services.store.tasks(
        caller.tenant, caller.person, states=states, limit=wish.limit, by="updated_at", split=False
    )
    return Tasks(tasks=[view_line(task) for task in found])


async def _task(visit: Visit, wish: Which) -> TaskDetail:
    return await view_detail(visit.services, await task_of(visit.services, visit.caller, str(wish.task)), visit.base)


async def _cancel(visit: Visit, wish: Which) -> TaskLine:
    task = await task_of(visit.services, visit.caller, str(wish.task))
    return view_line(await visit.services.tasks.cancel(task))


OWN = {
    tool.name: tool
    for tool in (
        OwnTool(
            name="send_message",
            description="Say something to an agent of the hub, and get its answer.",
            scope="messages:write",
            takes=Send,
            gives=Answer,
            do=_send,
        ),
        OwnTool(
            name="wait",
            description="Wait for the answer to a message; with 0 seconds, look.",
            scope="messages:read",
            takes=Wait,
            gives=Answer,
            do=_wait,
            reads=True,
        ),
        OwnTool(
            name="answer_question",
            description="Choose one of the answers that a question offers.",
            scope="messages:write",
            takes=Choose,
            gives=Answer,
            do=_choose,
            idempotent=True,
        ),
        OwnTool(
            name="tasks",
            description="List tasks, the latest first.",
            scope="tasks:read",
            takes=Listing,
            gives=Tasks,
            do=_tasks,
            reads=True,
        ),
        OwnTool(
            name="task",
            description="Read a task: its last messages, plan, files and tool calls.",
            scope="tasks:read",
            takes=Which,
            gives=TaskDetail,
            do=_task,
            reads=True,
        ),
        OwnTool(
            name="cancel_task",
            description="Give a task up for good.",
            scope="tasks:write",
            takes=Which,
            gives=TaskLine,
            do=_cancel,
            destroys=True,
            idempotent=True,
        ),
    )
}
"""By name, in the order that they're listed in."""


def schema_of(kind: type[Struct]) -> dict[str, Any]:
    """Return a JSON schema whose root is an object, as the protocol wants it, without words that say nothing."""
    (_,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    root = _plain(parts.pop(kind.__name__))
    if parts:
        root["$defs"] = {name: _plain(part) for name, part in parts.items()}
    return root


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in ("title", "description")}
