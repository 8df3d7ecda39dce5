"""A stranger's JSON schema -> one that a grammar and a check can be made of, and that says no less.

Where it says what can't be used here (references elsewhere, patterns that may take for ever, conditions), it's
loosened: the tool itself knows best what it takes, and says so.
"""

import math
from collections.abc import Mapping
from typing import Any

DEEP, MANY, OPTIONS = 6, 60, 100
"""Schemas within each other, properties of an object, values of an enum."""
NODES = 400
"""Schemas in all: a few references to each other unfold to as many as one likes."""
TOLD = 200
"""Characters of a description."""
Schema = dict[str, Any]

_BOUNDS = {
    "string": (("minLength", "maxLength"),),
    "array": (("minItems", "maxItems"),),
    "integer": (("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum")),
    "number": (("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum")),
}
_KINDS = ("string", "integer", "number", "boolean", "null", "array", "object")


def tame(schema: Mapping[str, object]) -> Schema:
    """Return a schema of an object that's at most looser; the same where it's plain. Never raises."""
    tamed = _Tamer(schema).tamed(schema, 0)
    return tamed if tamed.get("type") == "object" else {"type": "object", "properties": {}, "required": []}


class _Tamer:
    def __init__(self, root: Mapping[str, object]) -> None:
        self._root = root
        self._left = NODES

    def tamed(self, schema: object, depth: int) -> Schema:
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > DEEP or self._left < 0:
            return {}
        found = self._shape(schema, depth)
        told = schema.get("description")
        return {**found, "description": " ".join(told.split())[:TOLD]} if isinstance(told, str) and found else found

    def _shape(self, schema: Mapping[str, Any], depth: int) -> Schema:
        if "$ref" in schema:
            return self.tamed(self._referred(schema["$ref"]), depth + 1)
        if "const" in schema or "enum" in schema:
            return _enum([schema["const"]] if "const" in schema else schema["enum"])
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self._union(schema[key], depth) if key != "allOf" or _is_one(schema[key]) else {}
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._union([{**schema, "type": one} for one in kind], depth)
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, depth)
        return self._value(kind, schema, depth) if isinstance(kind, str) and kind in _KINDS else {}

    def _union(self, branches: object, depth: int) -> Schema:
        if not isinstance(branches, list) or not 0 < len(branches) <= OPTIONS:
            return {}
        found = [self.tamed(branch, depth + 1) for branch in branches]
        if not all(found):
            return {}
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _value(self, kind: str, schema: Mapping[str, Any], depth: int) -> Schema:
        found: Schema = {"type": kind}
        for low, high in _BOUNDS.get(kind, ()):
            least, most = _number(schema, low, kind), _number(schema, high, kind)
            if least is None or most is None or least < most or (least == most and not low.startswith("exclusive")):
                found |= {key: value for key, value in ((low, least), (high, most)) if value is not None}
        if kind == "array":
            found["items"] = self.tamed(schema.get("items", {}), depth + 1)
        default = schema.get("default")
        return {**found, "default": default} if _is_plain(default) and default is not None else found

    def _object(self, schema: Mapping[str, Any], depth: int) -> Schema:
        properties, required = schema.get("properties"), schema.get("required")
        given = list(properties.items())[:MANY] if isinstance(properties, Mapping) else []
        below = {name: self.tamed(value, depth + 1) for name, value in given if isinstance(name, str)}
        needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        found: Schema = {
            "type": "object",
            "properties": below,
            "required": [name for name in dict.fromkeys(needed) if name in below],
        }
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping) and (rest := self.tamed(more, depth + 1)):
            return {**found, "additionalProperties": rest}
        return {**found, "additionalProperties": False} if more is False else found

    def _referred(self, reference: object) -> object:
        """Return what a reference within the schema points to; nothing is ever fetched."""
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        found: object = self._root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def _enum(values: object) -> Schema:
    if not isinstance(values, list) or not 0 < len(values) <= OPTIONS or not all(map(_is_plain, values)):
        return {}
    # Of like kind and each once: True is 1 to Python, and not to JSON.
    once = {(type(value), value): value for value in values}
    return {"enum": list(once.values())}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _is_one(branches: object) -> bool:
    return isinstance(branches, list) and len(branches) == 1


def _number(schema: Mapping[str, Any], key: str, kind: str) -> int | float | None:
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if kind in {"string", "array"}:
        return value if isinstance(value, int) and 0 <= value < 2**31 else None
    if abs(value) >= 2**53:
        return None
    return value if kind == "number" or value == int(value) else None
