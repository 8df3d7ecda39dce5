"""What people see at Telegram, and what Telegram refuses."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class Refusal(Exception):
    """What's answered with ok: false, in Telegram's words."""

    def __init__(self, text: str, status: int = 400, **parameters: int) -> None:
        super().__init__(text)
        self.status = status
        self.parameters = parameters


class Shown(Struct, kw_only=True):
    """A message as people see it."""

    id: int
    chat: int
    thread: int | None
    text: str
    method: str
    fields: Mapping[str, str]
    buttons: list[list[dict[str, Any]]] = field(default_factory=list)
    gone: bool = False


class Topic(Struct, kw_only=True):
    """A topic of a chat."""

    name: str
    closed: bool = False


class Draft(Struct, frozen=True, kw_only=True):
    """A draft as it was shown."""

    at: float
    chat: int
    thread: int | None
    id: int
    text: str
    can_stop: bool


def sends(method: str) -> bool:
    """Say whether a method sends something to a chat."""
    return method.startswith("send")


def text_of(fields: Mapping[str, str]) -> str:
    """Return what people would read."""
    if "rich_message" in fields:
        return str(json.loads(fields["rich_message"])["html"])
    return fields.get("text", fields.get("caption", ""))


def check_text(fields: Mapping[str, str], text: str) -> None:
    """Raise Refusal for a text that Telegram wouldn't take."""
    units = len(text.encode("utf-16-le")) // 2
    if "rich_message" in fields:
        if len(text.encode()) > 32_768:
            raise Refusal("Bad Request: RICH_MESSAGE_TOO_LONG")
        return
    if "text" in fields and not text.strip():
        raise Refusal("Bad Request: message text is empty")
    if units > (4096 if "text" in fields else 1024):
        raise Refusal("Bad Request: message is too long")
    for entity in json.loads(fields.get("entities", fields.get("caption_entities", "[]"))):
        if entity["offset"] < 0 or entity["length"] < 1 or entity["offset"] + entity["length"] > units:
            raise Refusal("Bad Request: ENTITY_BOUNDS_INVALID")
