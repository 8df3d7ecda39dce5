"""/v1/chat/completions: a conversation that a program sends whole, gone on with as a task."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import HeaderParameter, JSONBody
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage
from msgspec import UNSET

from hub.errors import AgentHostError, BadRequest
from hub.flow.orders import Offer, Order
from hub.records import Message
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import IdempotencyKey
from hub.web.files import LARGE
from hub.web.once import OWN
from hub.web.openai import chat_wire as wire
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
from hub.web.openai.outcomes import Called, Outcome, Piece, awaited, pieces_of
from hub.web.openai.parts import Line, read
from hub.web.replaying import key_of
from hub.web.services import Services

DONE = b"[DONE]"
STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RetryCount = Annotated[
    int | None,
    HeaderParameter(
        name="x-stainless-retry-count", ge=0, le=1000, description="OpenAI's clients count their tries by it."
    ),
]


@dataclass
class Streaming(Operation):
    """An operation that may answer with a stream."""

    def __post_init__(self) -> None:
        """Say so beside the JSON."""
        good = (self.responses or {}).get("200")
        if isinstance(good, OpenAPIResponse) and good.content is not None:
            words = Schema(type=OpenAPIType.STRING)
            events = Schema(
                type=OpenAPIType.OBJECT,
                properties={"data": words, "event": words},
                description="Server-sent events, if `stream` was asked for; their data are JSON.",
            )
            good.content["text/event-stream"] = OpenAPIMediaType(schema=events)


class ChatController(Controller):
    """Conversations as OpenAI's clients have them."""

    path = "/v1/chat/completions"
    tags = ("openai",)

    @post(
        status_code=200,
        opt={"scope": "messages:write", OWN: True, LARGE: True},
        operation_class=Streaming,
        responses=FAULTS,
        summary="Go on with a conversation",
    )
    async def complete(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        caller: Asker,
        data: JSONBody[wire.NewCompletion],
        idempotency_key: IdempotencyKey = None,
        retry_count: RetryCount = None,
    ) -> Response[wire.Completion]:
        """Keep what's new in a conversation as a message, and answer with what the agent says to it.

        The conversation is a task on the board like any other. With `stream`, as server-sent events.
        """
        call = await _call(services, caller, data)
        body = msgspec.json.encode(data)
        asked = Asked(path=request.url.path, key=key_of(idempotency_key), again=retry_count, body=body)
        message = await begin(services, caller, call, asked)
        if data.stream:
            events = _stream(services, call, message, bool(data.stream_options and data.stream_options.include_usage))
            return ServerSentEvent(events, headers=STREAM)  # type: ignore[return-value]  # documented by Streaming
        outcome = await awaited(services, message)
        await _remember(services, call, outcome, outcome.text)
        return Response(_completion(services, call, outcome), status_code=200)


async def _call(services: Services, caller: Caller, new: wire.NewCompletion) -> Call:
    for name, odd in (("n", new.n not in (None, 1)), ("logprobs", bool(new.logprobs))):
        if odd:
            raise BadRequest(name, f"{getattr(new, name)}: an agent gives one answer, without probabilities")
    if new.modalities and set(new.modalities) != {"text"}:
        raise BadRequest("modalities", "an agent answers with text")
    agent = await agent_of(services, caller, new.model)
    person = await speaker_of(services, caller, new.user)
    labels = labels_of(new.metadata)
    lines, instructions = lines_of(new.messages)
    stop = [new.stop] if isinstance(new.stop, str) else new.stop or ()
    order = Order(
        instructions=instructions,
        tools=tuple(_offer(tool.function) for tool in new.tools or ()),
        choice=new.tool_choice if isinstance(new.tool_choice, str) else "auto",
        wanted=new.tool_choice.function.name if isinstance(new.tool_choice, wire.Choose) else "",
        form=_form(new.response_format),
        tokens=new.max_completion_tokens or new.max_tokens,
        temperature=new.temperature,
        stop=tuple(filter(None, stop)),
        model=new.model,
        labels=labels,
    )
    task = await task_of(services, caller, person, labels)
    return Call(
        agent=agent, person=person, lines=lines, order=check_order(order, "messages"), task=task, anew=is_new(labels)
    )


def lines_of(messages: Sequence[wire.ChatMessage]) -> tuple[tuple[Line, ...], str]:
    """Return what was said, and what a program told the agent to be; raises BadRequest."""
    lines: list[Line] = []
    told: list[str] = []
    for at, message in enumerate(messages):
        field = f"messages[{at}].content"
        text, files = read(message.content, field)
        match message.role:
            case "system" | "developer":
                told.append(text)
            case "user":
                lines.append(Line(role="user", text=text, files=files))
            case "tool":
                lines.append(Line(role="tool", text=text, call=message.tool_call_id or ""))
            case "assistant":
                call = ",".join(each.id for each in message.tool_calls or ())
                lines.append(Line(role="assistant", text=text, call=call))
    return tuple(lines), "\n\n".join(filter(None, told))


def _offer(function: wire.Function) -> Offer:
    return Offer(name=function.name, description=function.description or "", schema=dict(function.parameters or {}))


def _form(format: wire.Format | None) -> dict[str, object] | None:
    if format is None or format.type == "text":
        return None
    if format.type == "json_object":
        return form_of(None, "response_format")
    if format.json_schema is None:
        raise BadRequest("response_format.json_schema", "is missing")
    return form_of(format.json_schema.schema, "response_format.json_schema.schema")


async def _remember(services: Services, call: Call, outcome: Outcome, text: str) -> None:
    """Know the answer by what the program will send the next time."""
    if outcome.answer is None or outcome.call is not None:
        # A call is known by its id.
        return
    await remember(services, call.agent, (*call.lines, Line(role="assistant", text=text)), outcome.answer)


# --- what's answered


def _completion(services: Services, call: Call, outcome: Outcome) -> wire.Completion:
    calls = [_called(outcome.call)] if outcome.call else UNSET
    answer = wire.Answer(content=None if outcome.call else outcome.text, tool_calls=calls)
    return wire.Completion(
        id=f"chatcmpl-{outcome.message.id}",
        created=int(outcome.message.created_at.timestamp()),
        model=call.order.model,
        choices=[wire.AnswerChoice(message=answer, finish_reason=outcome.finish)],
        usage=usage_of(outcome),
        system_fingerprint=fingerprint(services),
        metadata=metadata_of(outcome),
    )


def usage_of(outcome: Outcome) -> wire.ChatUsage:
    """Return what a turn took."""
    return wire.ChatUsage(
        prompt_tokens=outcome.tokens_in,
        completion_tokens=outcome.tokens_out,
        total_tokens=outcome.tokens_in + outcome.tokens_out,
    )


def metadata_of(outcome: Outcome) -> dict[str, str]:
    """Return a program's own notes, with the task that its message is in."""
    return {**outcome.order.labels, **({"task": outcome.task} if outcome.task else {})}


def fingerprint(services: Services) -> str:
    """Return what changes when the hub does."""
    return f"fp_agenthost_{services.version}"


def _called(call: Called) -> wire.ToolCall:
    return wire.ToolCall(id=f"call_{call.id}", function=wire.FunctionCall(name=call.name, arguments=call.arguments))


async def _stream(
    services: Services, call: Call, message: Message, with_usage: bool
) -> AsyncGenerator[ServerSentEventMessage, None]:
    chunks = _Chunks(services, call, message, with_usage)
    yield chunks.of(wire.Delta(role="assistant", content=""))
    told: list[str] = []
    try:
        async with aclosing(pieces_of(services, message)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece):
                    told.append(piece.text)
                    yield chunks.of(wire.Delta(content=piece.text)) if piece.text else ALIVE
                    continue
                await _remember(services, call, piece, "".join(told))
                for chunk in chunks.end(piece):
                    yield chunk
    except AgentHostError as error:
        # The answer has begun with 200: what went wrong is told as an event, which their clients raise.
        yield data({"error": msgspec.to_builtins(fault_of(error)[1])})
    yield ServerSentEventMessage(data=DONE)


ALIVE = ServerSentEventMessage(data=None, comment="alive")


def data(value: object, event: str | None = None) -> ServerSentEventMessage:
    """Return an event of a stream."""
    return ServerSentEventMessage(data=msgspec.json.encode(value), event=event)


class _Chunks:
    """Makes the events of one stream."""

    def __init__(self, services: Services, call: Call, message: Message, with_usage: bool) -> None:
        self._services = services
        self._call = call
        self._message = message
        self._with_usage = with_usage

    def of(
        self, delta: wire.Delta, finish: wire.Finish | None = None, task: str | None = None
    ) -> ServerSentEventMessage:
        return data(self._chunk([wire.DeltaChoice(delta=delta, finish_reason=finish)], task=task))

    def end(self, outcome: Outcome) -> Iterator[ServerSentEventMessage]:
        if outcome.call:
            called = _called(outcome.call)
            yield self.of(wire.Delta(tool_calls=[wire.CallDelta(index=0, id=called.id, function=called.function)]))
        yield self.of(wire.Delta(), outcome.finish, outcome.task)
        if self._with_usage:
            yield data(self._chunk([], usage_of(outcome), outcome.task))

    def _chunk(
        self, choices: list[wire.DeltaChoice], usage: wire.ChatUsage | None = None, task: str | None = None
    ) -> wire.Chunk:
        return wire.Chunk(
            id=f"chatcmpl-{self._message.id}",
            created=int(self._message.created_at.timestamp()),
            model=self._call.order.model,
            choices=choices,
            usage=usage if self._with_usage else UNSET,
            system_fingerprint=fingerprint(self._services),
            metadata={**self._call.order.labels, "task": task} if task else UNSET,
        )
