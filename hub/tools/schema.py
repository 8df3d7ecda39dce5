"""What the built-in tools' schemas and arguments have in common."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from hub.errors import ToolError

S = TypeVar("S", bound=Struct)


def text(description: str, most: int) -> dict[str, object]:
    """Return the schema of a text."""
    return {"type": "string", "description": description, "maxLength": most}


def arguments(required: Mapping[str, object], optional: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the schema of a tool's arguments."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def convert(values: Mapping[str, object], kind: type[S]) -> S:
    """Turn a call's arguments into a tool's own Struct; raises ToolError."""
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        raise ToolError(f"The arguments don't fit: {error}. Give them as the tool's schema says.") from None
