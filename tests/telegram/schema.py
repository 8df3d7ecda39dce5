"""The Bot API as npm's @gramio/types describes it, and a judge of calls by it.

The description isn't aiogram's: what aiogram still lets through but Telegram took out is seen.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INTERFACE = re.compile(r"export interface (\w+)(?:\s+extends [^{]+)? \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
ALIAS = re.compile(r"export type (\w+) =\s*(.*?)(?=\n\n|\nexport |\Z)", re.DOTALL)
FIELD = re.compile(r"^ {4}(\w+)(\?)?:(.*?)(?=^ {4}\w+\??:|\Z)", re.DOTALL | re.MULTILINE)
METHOD = re.compile(r"^ {4}(\w+): CallAPI\w*<?\s*(?:Params\.(\w+))?", re.MULTILINE)
TOKEN = re.compile(r"Exclude<[^>]*>|\"[^\"]*\"|[\w.]+|\[\]|[|()&]|\{[^{}]*\}")


class Field(Struct, frozen=True):
    """A parameter or a field: whether it must be there, and its type as TypeScript has it."""

    required: bool
    type: str


Fields = Mapping[str, Field]


class Schema:
    """What may be asked of the Bot API."""

    def __init__(self, methods: str, params: str, objects: str) -> None:
        asked = COMMENT.sub("", params)
        self._params = {name: _fields(body) for name, body in INTERFACE.findall(asked)}
        bare = COMMENT.sub("", objects)
        self._objects = {name: _fields(body) for name, body in INTERFACE.findall(bare)}
        self._aliases: dict[str, str] = dict([*ALIAS.findall(asked), *ALIAS.findall(bare)])
        self.methods = dict(METHOD.findall(COMMENT.sub("", methods)))

    def faults(self, method: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> list[str]:
        """Return what's wrong with a call, each with where; nothing if all is well."""
        if method not in self.methods:
            return [f"{method}: no such method"]
        known = self._params.get(self.methods[method], {})
        found = [
            f"{method}.{name}: is missing" for name, field in known.items() if field.required and name not in fields
        ]
        attached = {name for name in files if f"attach://{name}" in " ".join(fields.values())}
        found += [f"{method}: file {name} belongs to nothing" for name in files if name not in attached | known.keys()]
        for name, text in fields.items():
            if name not in known:
                found.append(f"{method}.{name}: no such parameter")
            else:
                found += self._check(f"{method}.{name}", _value(text), known[name].type)
        return found

    def emojis(self) -> set[str]:
        """Return the emoji that a bot may react with."""
        return set(re.findall(r"\"([^\"]+)\"", self._aliases["TelegramReactionTypeEmojiEmoji"]))

    def _check(self, where: str, value: object, type_: str) -> list[str]:
        """Return what's wrong with a value that should be of a type: of the alternatives, the nearest one's faults."""
        faults = [self._against(where, value, option) for option in _options(type_)]
        return min(faults, key=len) if faults else [f"{where}: nothing fits"]

    def _against(self, where: str, value: object, option: str) -> list[str]:
        if option.endswith("[]"):
            if not isinstance(value, list):
                return [f"{where}: {value!r} is no list"] * 2
            inside = option[:-2]
            return [fault for n, item in enumerate(value) for fault in self._check(f"{where}[{n}]", item, inside)]
        name = option.removeprefix("Objects.")
        if found := re.fullmatch(r"Exclude<keyof Objects\.(\w+), \"(\w+)\">", option):
            names = self._objects[found[1]].keys() - {found[2]}
            return [] if value in names else [f"{where}: {value!r} is no {found[1]}"]
        if name in self._aliases:
            return self._check(where, value, self._aliases[name])
        if name in self._objects:
            return self._object(where, value, self._objects[name])
        return [] if _is_simple(value, option) else [f"{where}: {value!r} is no {option}"] * 2

    def _object(self, where: str, value: object, fields: Fields) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no object"] * 2
        found = [
            f"{where}.{name}: is missing" for name, field in fields.items() if field.required and name not in value
        ]
        for name, inside in value.items():
            if name not in fields:
                found.append(f"{where}.{name}: no such field")
            else:
                found += self._check(f"{where}.{name}", inside, fields[name].type)
        return found


@cache
def load(folder: Path) -> Schema:
    """Read the description."""
    methods, params, objects = ((folder / f"{part}.d.ts").read_text() for part in ("methods", "params", "objects"))
    return Schema(methods, params, objects)


def _fields(body: str) -> Fields:
    return {name: Field(required=not optional, type=type_.strip()) for name, optional, type_ in FIELD.findall(body)}


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_simple(value: object, option: str) -> bool:
    if option.startswith('"'):
        return value == option.strip('"')
    if option.startswith("{"):
        return "toString" in option and isinstance(value, str)
    kinds = {
        "string": not isinstance(value, bool | dict | list),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "true": value is True,
        "false": value is False,
        "Blob": isinstance(value, str) and value.startswith("attach://"),
    }
    return kinds.get(option, False)


def _options(type_: str) -> Iterator[str]:
    """Split a union at its top: "A | (B | C)[]" has A, and the list of B or C."""
    depth, parts = 0, [""]
    for token in TOKEN.findall(type_):
        depth += (token == "(") - (token == ")")
        if token == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += token if token != "|" else " | "
    for part in parts:
        if part.startswith("(") and part.endswith(")"):
            yield from _options(part[1:-1])
        elif part:
            yield part
