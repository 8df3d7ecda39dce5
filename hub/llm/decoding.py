"""JSON schema -> grammar -> value."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

LONGEST = 120
"""Characters of a string that the schema leaves unbounded, in a second try after the first ran on and on."""

MOST = 8
"""Items of such a list."""


COUNTED = 500
"""Greater bounds are left out of the grammar, which would get a rule within a rule for each: llama.cpp dies of it."""

RANGE = 100
"""A grammar lists so many integers one by one; a greater range is only checked afterwards."""

LARGEST = 40_000
"""Characters of a grammar that llama.cpp is trusted with."""

_HEX = "[0-9a-fA-F]"
_RULES = {
    "char": (
        r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ('
        f"[0-9a-ce-fA-CE-F] {_HEX} {_HEX} {_HEX} | [dD] [0-7] {_HEX} {_HEX}"
        rf' | [dD] [89abAB] {_HEX} {_HEX} "\\u" [dD] [c-fC-F] {_HEX} {_HEX}))'
    ),
    "number": '("-"? integral-part) ("." decimal-part)? ([eE] [-+]? [0-9] [0-9]?)? space',
}
"""Instead of the library's rules of these names, by which a model can write what's no JSON, or can't be read.

In a string no control character stands bare and no surrogate alone (RFC 8259, sections 7 and 8.2); a number's exponent
keeps within what a float of 64 bits holds.
"""
_RULE = re.compile(rf"^({'|'.join(_RULES)}) ::= .*$", re.MULTILINE)


def checked(schema: Mapping[str, object]) -> str:
    """Return a JSON schema as JSON; raises ValueError if it isn't one."""
    # Late, here and below: a hub that starts has nothing to check, and the library takes a while to load.
    import jsonschema  # noqa: PLC0415

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        return json.dumps(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"not a JSON schema: {error.json_path}: {error.message}") from None
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not a JSON schema: {error}") from None


def grammar(schema: str) -> str:
    """Turn a JSON schema into a GBNF grammar; raises ValueError where that's impossible, rather than allow any JSON."""
    # Here and not above: the hub's process validates values too, and must never load llama.cpp.
    from llama_cpp.llama_grammar import json_schema_to_gbnf  # noqa: PLC0415

    try:
        text = str(json_schema_to_gbnf(json.dumps(_countable(json.loads(schema)))))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, RecursionError) as error:
        raise ValueError(f"the schema can't be turned into a grammar: {error}") from None
    text = _RULE.sub(lambda rule: f"{rule[1]} ::= {_RULES[rule[1]]}", text)
    if len(text) > LARGEST:
        raise ValueError(f"the schema makes a grammar of {len(text)} characters; at most {LARGEST} are used")
    return text


def bounded(schema: Any) -> Any:
    """Return the schema with an end to every string and list that had none."""
    match schema:
        case {"type": "string"} if not schema.keys() & {"maxLength", "enum", "const", "pattern", "format"}:
            return {**schema, "maxLength": max(LONGEST, schema.get("minLength", 0))}
        case {"type": "array"} if "maxItems" not in schema:
            inner = {key: bounded(value) for key, value in schema.items()}
            return {**inner, "maxItems": max(MOST, schema.get("minItems", 0))}
        case dict():
            return {key: value if key in ("enum", "const") else bounded(value) for key, value in schema.items()}
        case list():
            return [bounded(value) for value in schema]
        case _:
            return schema


def _countable(schema: Any) -> Any:
    """Return a schema that's at most looser, with nothing that a grammar would have to count far."""
    match schema:
        case {"type": "integer", "minimum": int(least), "maximum": int(most)} if 0 <= most - least < RANGE:
            return {"enum": list(range(least, most + 1))}
        case dict():
            counts = ("minLength", "maxLength", "minItems", "maxItems")
            kept = {key: value for key, value in schema.items() if not (key in counts and _far(value))}
            return {key: value if key in ("enum", "const") else _countable(value) for key, value in kept.items()}
        case list():
            return [_countable(value) for value in schema]
        case _:
            return schema


def _far(count: object) -> bool:
    return isinstance(count, int | float) and count > COUNTED


def unfenced(text: str) -> str:
    """Return what stands in a Markdown code block, if the answer is one."""
    found = re.fullmatch(r"\s*```[a-zA-Z]*\n(.*?)\n?```\s*", text, re.DOTALL)
    return found[1] if found else text


def validated(text: str, schema: Mapping[str, object]) -> str:
    """Return the JSON in `text`, compactly; raises ValueError naming what doesn't fit the schema."""
    import jsonschema  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    # With a registry of its own, a $ref elsewhere is an error; without, the library would fetch it.
    validator = jsonschema.Draft202012Validator(schema, registry=Registry())
    try:
        fault = next(validator.iter_errors(value), None)
    except (Unresolvable, RecursionError) as error:
        raise ValueError(f"the JSON schema refers to what isn't in it: {error}") from None
    if fault is not None:
        raise ValueError(f"{fault.json_path}: {fault.message}"[:500])
    return msgspec.json.encode(value).decode()
