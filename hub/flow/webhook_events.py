"""What happens here -> what others are told of it: which events, of what, and in which words."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import get_args

import msgspec

from hub.ports import Store
from hub.records import (
    Event,
    EventKind,
    Message,
    Task,
    TaskState,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookEvent,
    new_id,
)

ANY = "any"
NAMES: Mapping[EventKind, Mapping[str | None, WebhookEvent]] = {
    "message": {"accepted": "message.accepted", "failed": "message.failed", "stopped": "message.failed"},
    "reply": {ANY: "message.answered", "moved": "message.retracted"},
    "delivery": dict.fromkeys(("sent", "failed", "unknown"), "message.delivered"),
    "notice": {ANY: "notice"},
    "task": {**dict.fromkeys(get_args(TaskState), "task.state")},
    "approval": {ANY: "approval"},
}
"""By kind, and by what became of what it's about."""
Data = dict[str, object]


def named(event: Event) -> WebhookEvent | None:
    """Return what an event is called outside; None if it matters to nobody there."""
    by_state = NAMES.get(event.kind, {})
    return by_state.get(event.state, by_state.get(ANY))


class Matching:
    """Says which webhooks an event is for; looks each record up once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chats: dict[tuple[str | None, str | None], str] = {}

    async def fits(self, hook: Webhook, event: Event) -> bool:
        """Say whether a webhook wants to hear of an event."""
        if hook.tenant != event.tenant or named(event) not in hook.events:
            return False
        if hook.task is not None and hook.task != event.task:
            return False
        return hook.chat is None or hook.chat == await self._chat(event)

    async def _chat(self, event: Event) -> str:
        key = (event.message, event.task)
        if key not in self._chats:
            message = await self._store.message(event.message) if event.message else None
            task = await self._store.task(event.task) if event.task and message is None else None
            self._chats[key] = chat_of(message, task)
        return self._chats[key]


def delivery_of(hook: Webhook, event: Event, now: datetime) -> WebhookDelivery | None:
    """Return what's on its way to a webhook once an event is for it."""
    name = named(event)
    if name is None:
        return None
    return WebhookDelivery(
        id=id_for(event.seq),
        tenant=hook.tenant,
        webhook=hook.id,
        event=name,
        seq=event.seq,
        person=event.person,
        message=event.message,
        task=event.task,
        turn=event.turn,
        became=event.state,
        happened_at=event.created_at,
        created_at=now,
        due_at=now,
    )


def id_for(seq: int) -> WebhookDeliveryId:
    """Return a fresh id that sorts as the event does. It isn't the number alone: a restored backup counts anew."""
    return WebhookDeliveryId(f"{seq:016x}-{new_id()}")


def chat_of(message: Message | None, task: Task | None) -> str:
    """Return what the API calls the chat of a message or of a task's beginning; empty if there's none any more."""
    address = message.address if message else task.origin if task else None
    if address is None:
        return ""
    return address.chat.partition("/")[2] if address.bridge == "http" else address.chat


async def payload(store: Store, hook: Webhook, delivery: WebhookDelivery, url: str) -> bytes:
    """Return the body of a delivery as JSON: ids, states and links; what was said, if the webhook asks for it.

    `url` is the hub's own; empty: links have paths alone.
    """
    message, task = await asyncio.gather(_message(store, delivery), _task(store, delivery))
    data: Data = {"tenant": delivery.tenant, "person": delivery.person}
    if delivery.message:
        data |= _of_message(delivery, message)
    if delivery.task:
        data |= {"task": delivery.task, "task_number": task.number if task else None}
    if delivery.turn:
        data["turn"] = delivery.turn
    if delivery.became is not None:
        data["state"] = delivery.became
    if chat := chat_of(message, task):
        data["chat"] = chat
    if "text" in hook.include:
        data |= _text(delivery, message, task)
    data["links"] = _links(delivery, message, url.rstrip("/"))
    body = {"type": delivery.event, "timestamp": delivery.happened_at, "sequence": delivery.seq, "data": data}
    return msgspec.json.encode(body)


async def _message(store: Store, delivery: WebhookDelivery) -> Message | None:
    return await store.message(delivery.message) if delivery.message else None


async def _task(store: Store, delivery: WebhookDelivery) -> Task | None:
    return await store.task(delivery.task) if delivery.task else None


def _of_message(delivery: WebhookDelivery, message: Message | None) -> Data:
    if message is None:
        return {"message": delivery.message, "gone": True}
    return {"message": message.id, "role": message.role, "answers": message.answers}


def _text(delivery: WebhookDelivery, message: Message | None, task: Task | None) -> Data:
    if delivery.event == "message.retracted" or (message is None and task is None):
        return {}
    return {"text": message.text} if message else {"title": task.title if task else ""}


def _links(delivery: WebhookDelivery, message: Message | None, url: str) -> Mapping[str, str]:
    found = {}
    if message is not None:
        found["message"] = f"{url}/v1/messages/{message.id}"
    if delivery.task:
        found["task"] = f"{url}/v1/tasks/{delivery.task}"
        found["page"] = f"{url}/tasks/{delivery.task}"
    return found
