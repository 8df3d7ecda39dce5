"""Checks a JSON value against a tool's schema, with msgspec's messages; a stranger's schema is tamed first."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hub.errors import ToolError

LONGEST = 500
"""Characters of what's wrong: the LLM reads it, and may have caused it to be long."""

_NUMBER = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_KINDS: dict[str, tuple[Any, dict[str, str]]] = {
    "string": (str, {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}),
    "integer": (int, _NUMBER),
    "number": (float, _NUMBER),
    "boolean": (bool, {}),
    "null": (None, {}),
}
_ARRAY = {"minItems": "min_length", "maxItems": "max_length"}


def decode(json: str, schema: Mapping[str, object]) -> Mapping[str, object]:
    """Return the object that a text holds, if it fits the schema; raises ToolError with what's wrong.

    Of JSON schema it knows types, enum, const, anyOf, properties, items and bounds; what else a schema says, only the
    tool checks. The schema is one of ours, or tamed.
    """
    try:
        value = msgspec.json.decode(json, type=_kind(schema))
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError) as error:
        raise ToolError(f"The arguments don't fit the tool: {str(error)[:LONGEST]}.") from None
    except RecursionError:
        raise ToolError("The arguments don't fit the tool: they are nested too deeply.") from None
    built: object = msgspec.to_builtins(value)
    if not isinstance(built, dict):
        raise ToolError("The arguments don't fit the tool: expected an object.")
    if _kind(schema) is Any and (fault := _by_the_book(built, schema)):
        raise ToolError(f"The arguments don't fit the tool: {fault[:LONGEST]}.")
    return built


def fit(values: Mapping[str, object], schema: Mapping[str, object]) -> None:
    """Make sure that arguments fit the schema; raises ToolError with what's wrong."""
    try:
        json = msgspec.json.encode(values).decode()
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ToolError(f"The arguments can't be written down: {str(error)[:LONGEST]}.") from None
    decode(json, schema)


def _kind(schema: Mapping[str, object]) -> Any:
    """Return the type that a schema says, or Any where msgspec has none for it: two objects to choose from, say."""
    try:
        kind = _type(schema)
        msgspec.json.Decoder(kind)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError, NotImplementedError):
        return Any
    return kind


def _by_the_book(value: object, schema: Mapping[str, object]) -> str:
    import jsonschema  # noqa: PLC0415 - few schemas need it

    fault = next(jsonschema.Draft202012Validator(schema).iter_errors(value), None)
    return "" if fault is None else f"{fault.message} - at `{fault.json_path}`"


def _type(schema: Mapping[str, Any]) -> Any:
    if "const" in schema:
        return Literal[schema["const"]]
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    if "anyOf" in schema:
        return _union([_type(one) for one in schema["anyOf"]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union([_type({**schema, "type": one}) for one in kind])
    return _object(schema) if kind == "object" else _value(kind, schema)


def _value(kind: str | None, schema: Mapping[str, Any]) -> Any:
    if kind == "array":
        items = _type(schema.get("items", {}))
        return _bound(list[items], schema, _ARRAY)  # type: ignore[valid-type]  # made at run time
    return _bound(_KINDS[kind][0], schema, _KINDS[kind][1]) if kind in _KINDS else Any


def _bound(kind: Any, schema: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    bounds = {name: schema[key] for key, name in names.items() if key in schema}
    return Annotated[kind, Meta(**bounds)] if bounds else kind


def _union(kinds: list[Any]) -> Any:
    union = kinds[0]
    for kind in kinds[1:]:
        union = union | kind
    return union


def _object(schema: Mapping[str, Any]) -> Any:
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    if not properties:
        return dict[str, Any]
    fields: list[Any] = []
    for index, (name, below) in enumerate(properties.items()):
        given = _type(below)
        field = (
            (f"field{index}", given)
            if name in required
            else (f"field{index}", given | msgspec.UnsetType, msgspec.UNSET)
        )
        fields.append(field)
    return msgspec.defstruct(
        "Arguments",
        fields,
        kw_only=True,
        forbid_unknown_fields=schema.get("additionalProperties") is False,
        rename={f"field{index}": name for index, name in enumerate(properties)},
    )
