"""Messages as /v1/responses shows them: how far they are, and what came of them."""

from datetime import datetime
from typing import Any

from hub.flow.orders import Order, is_result
from hub.records import File, Message, MessageId, Text
from hub.web.openai import responses_wire as wire
from hub.web.openai.outcomes import Called, Outcome
from hub.web.services import Services
from hub.web.stream import SETTLED

PREFIX = "resp_"


def id_of(message: MessageId) -> str:
    """Return what a message is called as a response."""
    return PREFIX + message


def message_id(response: str) -> MessageId:
    """Return which message a response is about."""
    return MessageId(response.removeprefix(PREFIX))


async def view(services: Services, outcome: Outcome) -> wire.ResponseView:
    """Return a message as a response."""
    message, order = outcome.message, outcome.order
    status = await _status(services, outcome)
    over = message.state in SETTLED
    labels = {**order.labels, **({"task": outcome.task} if outcome.task else {})}
    return wire.ResponseView(
        id=id_of(message.id),
        created_at=int(message.created_at.timestamp()),
        completed_at=_seconds(outcome.answer.created_at) if outcome.answer and status == "completed" else None,
        status=status,
        background=order.background,
        error=wire.ResponseError(message=message.error or "the turn failed") if status == "failed" else None,
        incomplete_details=wire.Incomplete() if status == "incomplete" else None,
        instructions=order.instructions or None,
        max_output_tokens=order.tokens,
        metadata=labels,
        model=order.model or message.agent or "",
        output=output(outcome) if over and status != "failed" else [],
        previous_response_id=id_of(MessageId(order.after)) if order.after else None,
        temperature=order.temperature,
        text={"format": _format(order)},
        tool_choice={"type": "function", "name": order.wanted} if order.wanted else order.choice,
        tools=[_tool(order, at) for at in range(len(order.tools))],
        usage=_usage(outcome) if over else None,
    )


def output(outcome: Outcome) -> list[wire.Output]:
    """Return what came of a message: words, or a call."""
    if outcome.call:
        return [call_item(outcome.call)]
    return [text_item(outcome.message.id, outcome.text, cut=outcome.is_cut)] if outcome.text else []


def text_item(message: MessageId, text: str, *, cut: bool = False) -> wire.OutputMessage:
    """Return an answer."""
    return wire.OutputMessage(
        id=f"msg_{message}",
        status="incomplete" if cut else "completed",
        content=[wire.OutputText(text=text)],
    )


def call_item(call: Called) -> wire.OutputCall:
    """Return a call that the program is to make."""
    return wire.OutputCall(id=f"fc_{call.id}", call_id=f"call_{call.id}", name=call.name, arguments=call.arguments)


def input_items(message: Message) -> list[dict[str, Any]]:
    """Return what was new in a request."""
    if is_result(message):
        call = message.external_id.rpartition(":")[2]
        item = {"id": f"fco_{message.id}", "type": "function_call_output", "call_id": f"call_{call}"}
        return [{**item, "output": message.text, "status": "completed"}]
    content = [_part(part) for part in message.parts]
    return [
        {"id": f"msg_in_{message.id}", "type": "message", "role": "user", "status": "completed", "content": content}
    ]


def _part(part: Text | File) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if part.media_type.startswith("image/"):
        return {"type": "input_image", "detail": "auto", "file_id": part.sha256, "image_url": None}
    return {"type": "input_file", "file_id": part.sha256, "filename": part.name}


async def _status(services: Services, outcome: Outcome) -> wire.Status:
    message = outcome.message
    match message.state:
        case "answered":
            return "incomplete" if outcome.is_cut else "completed"
        case "stopped":
            return "cancelled"
        case "failed":
            return "failed"
    task = await services.store.task(message.task) if message.task else None
    return "in_progress" if task is not None and task.state == "working" else "queued"


def _usage(outcome: Outcome) -> wire.ResponseUsage:
    return wire.ResponseUsage(
        input_tokens=outcome.tokens_in,
        output_tokens=outcome.tokens_out,
        total_tokens=outcome.tokens_in + outcome.tokens_out,
    )


def _format(order: Order) -> dict[str, Any]:
    if order.form is None:
        return {"type": "text"}
    return {"type": "json_schema", "name": "answer", "schema": order.form, "strict": True}


def _tool(order: Order, at: int) -> dict[str, Any]:
    tool = order.tools[at]
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description or None,
        "parameters": tool.schema,
        "strict": False,
    }


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
