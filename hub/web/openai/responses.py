"""/v1/responses: something said, by whom the answer may be asked for later."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from hub.errors import AgentHostError, BadRequest, NotFound
from hub.flow.orders import Offer, Order, is_ordered
from hub.records import Message, TaskId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import IdempotencyKey, sees
from hub.web.files import LARGE
from hub.web.once import OWN
from hub.web.openai import responses_wire as wire
from hub.web.openai.chat import ALIVE, STREAM, RetryCount, Streaming, data
from hub.web.openai.conversations import remember
from hub.web.openai.faults import FAULTS, fault_of
from hub.web.openai.intake import (
    Asked,
    Call,
    agent_of,
    begin,
    check_order,
    form_of,
    is_new,
    labels_of,
    speaker_of,
    task_of,
)
from hub.web.openai.outcomes import Outcome, Piece, awaited, outcome_of, pieces_of
from hub.web.openai.parts import Line, read
from hub.web.openai.responses_view import call_item, input_items, message_id, text_item, view
from hub.web.problems import Busy, shown
from hub.web.replaying import key_of
from hub.web.services import Services
from hub.web.stream import SETTLED

Wish = Annotated[bool | None, QueryParameter(name="stream", description="As server-sent events, from the beginning.")]


class ResponsesController(Controller):
    """Answers that are kept, as OpenAI's clients have them."""

    path = "/v1/responses"
    tags = ("openai",)

    @post(
        status_code=200,
        opt={"scope": "messages:write", OWN: True, LARGE: True},
        operation_class=Streaming,
        responses=FAULTS,
        summary="Have something answered",
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        caller: Asker,
        data: JSONBody[wire.NewResponse],
        idempotency_key: IdempotencyKey = None,
        retry_count: RetryCount = None,
    ) -> Response[wire.ResponseView]:
        """Keep what's said as a message, and answer with what the agent says to it; in the `background`, at once.

        With `stream`, as server-sent events.
        """
        call = await _call(services, caller, data)
        body = msgspec.json.encode(data)
        asked = Asked(path=request.url.path, key=key_of(idempotency_key), again=retry_count, body=body)
        message = await begin(services, caller, call, asked)
        if data.stream:
            return ServerSentEvent(_stream(services, message, call), headers=STREAM)  # type: ignore[return-value]
        if data.background:
            return Response(await view(services, await outcome_of(services, message)), status_code=200)
        outcome = await awaited(services, message)
        await _remember(services, call, outcome, outcome.text)
        return Response(await view(services, outcome), status_code=200)

    @get(
        "/{id:str}",
        opt={"scope": "messages:read"},
        operation_class=Streaming,
        responses=FAULTS,
        summary="Read a response",
    )
    async def read(
        self, services: Hub, caller: Asker, id: FromPath[str], stream: Wish = None
    ) -> Response[wire.ResponseView]:
        """Return a response as it stands."""
        message = await _message(services, caller, id)
        if stream:
            return ServerSentEvent(_stream(services, message, None), headers=STREAM)  # type: ignore[return-value]
        return Response(await view(services, await outcome_of(services, message)), status_code=200)

    @get("/{id:str}/input_items", opt={"scope": "messages:read"}, responses=FAULTS, summary="Read what was said")
    async def items(self, services: Hub, caller: Asker, id: FromPath[str]) -> wire.Items:
        """Return what was new in a response's request."""
        found = input_items(await _message(services, caller, id))
        return wire.Items(data=found, first_id=found[0]["id"], last_id=found[-1]["id"])

    @post(
        "/{id:str}/cancel",
        status_code=200,
        opt={"scope": "messages:write"},
        responses=FAULTS,
        summary="Cancel a response",
    )
    async def cancel(self, services: Hub, caller: Asker, id: FromPath[str]) -> wire.ResponseView:
        """Stop what's at work for a response that was asked for in the background; one that's over stays as it is."""
        message = await _message(services, caller, id)
        outcome = await outcome_of(services, message)
        if message.state not in SETTLED:
            if not outcome.order.background:
                raise BadRequest("id", "wasn't asked for in the background; hang up, or stop its task")
            task = await services.store.task(message.task) if message.task else None
            if task is None:
                raise Busy("id: it's only just been taken; cancel it in a moment")
            await services.tasks.stop(task)
            message = await services.store.message(message.id) or message
        return await view(services, await outcome_of(services, message))


async def _call(services: Services, caller: Caller, new: wire.NewResponse) -> Call:
    agent = await agent_of(services, caller, new.model)
    person = await speaker_of(services, caller, new.user)
    labels = labels_of(new.metadata)
    lines, told = _lines(new.input)
    before = await _previous(services, caller, new.previous_response_id)
    format = new.text.format if new.text else None
    order = Order(
        instructions="\n\n".join(filter(None, (new.instructions or "", told))),
        tools=tuple(_offer(tool) for tool in new.tools or ()),
        choice=new.tool_choice if isinstance(new.tool_choice, str) else "auto",
        wanted=new.tool_choice.name if isinstance(new.tool_choice, wire.Choose) else "",
        form=None if format is None or format.type == "text" else form_of(format.schema, "text.format.schema"),
        tokens=new.max_output_tokens,
        temperature=new.temperature,
        model=new.model,
        labels=labels,
        after=before.id if before else "",
        background=bool(new.background),
    )
    if before is not None and before.person != person:
        raise BadRequest("previous_response_id", "is somebody else's; leave out user, or name theirs")
    task = _task(before) if before else await task_of(services, caller, person, labels)
    return Call(
        agent=agent,
        person=person,
        lines=lines,
        order=check_order(order, "instructions"),
        task=task,
        anew=is_new(labels),
    )


def _lines(input: str | Sequence[wire.InputItem]) -> tuple[tuple[Line, ...], str]:
    if isinstance(input, str):
        return (Line(role="user", text=input),), ""
    lines: list[Line] = []
    told: list[str] = []
    for at, item in enumerate(input):
        match item.type:
            case "function_call":
                lines.append(Line(role="assistant", text="", call=item.call_id or ""))
            case "function_call_output":
                text, _ = read(item.output, f"input[{at}].output")
                lines.append(Line(role="tool", text=text, call=item.call_id or ""))
            case "item_reference":
                raise BadRequest(f"input[{at}]", "refers to what was said before; use previous_response_id instead")
            case "message":
                text, files = read(item.content, f"input[{at}].content")
                if item.role in ("system", "developer"):
                    told.append(text)
                else:
                    role = item.role if item.role == "assistant" else "user"
                    lines.append(Line(role=role, text=text, files=files))
            case "reasoning":
                pass
    return tuple(lines), "\n\n".join(filter(None, told))


def _offer(tool: wire.FunctionTool) -> Offer:
    if tool.type != "function":
        raise BadRequest("tools", f"{shown(tool.type)}: functions of your own are taken; the agent has its own tools")
    return Offer(name=tool.name, description=tool.description or "", schema=dict(tool.parameters or {}))


async def _previous(services: Services, caller: Caller, id: str | None) -> Message | None:
    if id is None:
        return None
    try:
        return await _message(services, caller, id)
    except NotFound:
        raise BadRequest("previous_response_id", f"there's no {shown(id)}") from None


def _task(before: Message) -> TaskId:
    if before.task is None:
        raise Busy("previous_response_id: it's only just been taken; come again in a moment")
    return before.task


async def _message(services: Services, caller: Caller, id: str) -> Message:
    """Return a program's message that this caller may see; raises NotFound."""
    message = await services.store.message(message_id(id))
    if message is None or message.tenant != caller.tenant or not is_ordered(message):
        raise NotFound(f"response: there's no {shown(id)}")
    if message.key != caller.key.id and not sees(caller, message.person):
        raise NotFound(f"response: there's no {shown(id)}")
    return message


async def _remember(services: Services, call: Call | None, outcome: Outcome, text: str) -> None:
    """Know the answer by what a program sends the next time that sends all each time."""
    if call is None or outcome.answer is None or outcome.call is not None or outcome.order.after:
        return
    await remember(services, call.agent, (*call.lines, Line(role="assistant", text=text)), outcome.answer)


# --- as it's written


async def _stream(
    services: Services, message: Message, call: Call | None
) -> AsyncGenerator[ServerSentEventMessage, None]:
    events = _Events(message)
    begun = msgspec.to_builtins(await view(services, await outcome_of(services, message)))
    waiting = {**begun, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield events.of("response.created", response=waiting)
    yield events.of("response.in_progress", response=waiting)
    try:
        async with aclosing(pieces_of(services, message)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece) and not piece.text:
                    yield ALIVE
                    continue
                for event in events.piece(piece.text) if isinstance(piece, Piece) else events.items(piece):
                    yield event
                if isinstance(piece, Outcome):
                    await _remember(services, call, piece, events.text)
                    done = await view(services, piece)
                    kind = "incomplete" if done.status == "incomplete" else "completed"
                    yield events.of(f"response.{kind}", response=msgspec.to_builtins(done))
    except AgentHostError as error:
        _, fault, _ = fault_of(error)
        outcome = await outcome_of(services, await services.store.message(message.id) or message)
        if outcome.message.state == "failed":
            failed = msgspec.to_builtins(await view(services, outcome))
            yield events.of("response.failed", response=failed)
        else:
            yield events.of("error", code=fault.code, message=fault.message, param=fault.param)


class _Events:
    """Makes the events of one stream."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._number = -1
        self.text = ""
        self._place = {"item_id": f"msg_{message.id}", "output_index": 0, "content_index": 0}

    def of(self, kind: str, **fields: object) -> ServerSentEventMessage:
        self._number += 1
        return data({"type": kind, "sequence_number": self._number, **fields}, kind)

    def piece(self, text: str) -> list[ServerSentEventMessage]:
        """Return some more of an answer; the first piece opens it."""
        events = []
        if not self.text:
            item = {**_item(self._message, ""), "status": "in_progress", "content": []}
            events.append(self.of("response.output_item.added", output_index=0, item=item))
            events.append(self.of("response.content_part.added", **self._place, part=_text("")))
        self.text += text
        events.append(self.of("response.output_text.delta", **self._place, delta=text, logprobs=[]))
        return events

    def items(self, outcome: Outcome) -> list[ServerSentEventMessage]:
        """Return the end of an answer, or a call."""
        if outcome.call is None:
            if not self.text:
                return []
            item = {**_item(self._message, self.text), "status": "incomplete" if outcome.is_cut else "completed"}
            return [
                self.of("response.output_text.done", **self._place, text=self.text, logprobs=[]),
                self.of("response.content_part.done", **self._place, part=_text(self.text)),
                self.of("response.output_item.done", output_index=0, item=item),
            ]
        call = msgspec.to_builtins(call_item(outcome.call))
        place = {"item_id": call["id"], "output_index": 0}
        begun = {**call, "arguments": "", "status": "in_progress"}
        return [
            self.of("response.output_item.added", output_index=0, item=begun),
            self.of("response.function_call_arguments.delta", **place, delta=call["arguments"]),
            self.of("response.function_call_arguments.done", **place, arguments=call["arguments"], name=call["name"]),
            self.of("response.output_item.done", output_index=0, item=call),
        ]


def _item(message: Message, text: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(text_item(message.id, text))
    return found


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
