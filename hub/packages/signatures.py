"""A plugin's functions -> what an agent is told of them: names, one line each, and a JSON schema of the arguments.

The program is parsed, not run: `ast` tells all that's needed.
"""

import ast
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hub.errors import ManifestError
from hub.manifests import Plugin

LONGEST_TEXT = 4_000
MANY = 100
KEY = "key"
"""An argument of that name isn't the agent's to give: it's the call's key, for tools with an effect."""

_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


class Signature(Struct, frozen=True, kw_only=True):
    """One function of a plugin, as a tool."""

    name: str
    """The tool's."""
    function: str
    description: str
    schema: dict[str, object]
    waits: bool
    """It's `async def`."""
    keyed: bool
    """It takes the call's key."""


def signatures(plugin: Plugin) -> dict[str, Signature]:
    """Return the signature of each function that the manifest names as a tool.

    Raises ManifestError where a function is missing, has no docstring, or takes something that no schema can say.
    """
    try:
        module = ast.parse(plugin.program)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ManifestError(f"{plugin.path}: isn't Python: {error}; mend that line") from None
    found = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    functions = {name: plugin.function or name for name in plugin.tools}
    missing = [function for function in functions.values() if function not in found]
    if missing:
        raise ManifestError(f"{plugin.path}: {missing[0]}: no such function; the manifest names it as a tool")
    return {name: _signature(plugin, name, found[function]) for name, function in functions.items()}


def _signature(plugin: Plugin, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
    where = f"{plugin.path}: {node.name}"
    said = (ast.get_docstring(node) or "").strip().splitlines()
    if not said or not 10 < len(said[0]) < 120:
        raise ManifestError(f"{where}: begin its docstring with one line of 11 to 119 characters, written for an agent")
    arguments = node.args
    if arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        raise ManifestError(f"{where}: takes arguments without a name or any number of them; name each one")
    named = [*arguments.args, *arguments.kwonlyargs]
    optional = {argument.arg for argument in _optional(arguments)}
    properties = {argument.arg: _schema(where, argument) for argument in named if argument.arg != KEY}
    return Signature(
        name=name,
        function=node.name,
        description=said[0],
        schema={
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name not in optional],
            "additionalProperties": False,
        },
        waits=isinstance(node, ast.AsyncFunctionDef),
        keyed=any(argument.arg == KEY for argument in named),
    )


def _optional(arguments: ast.arguments) -> list[ast.arg]:
    ordered = arguments.args[len(arguments.args) - len(arguments.defaults) :] if arguments.defaults else []
    named = [arg for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value is not None]
    return [*ordered, *named]


def _schema(where: str, argument: ast.arg) -> Mapping[str, object]:
    if argument.annotation is None:
        raise ManifestError(f"{where}: {argument.arg} has no type; annotate it")
    schema = _typed(argument.annotation)
    if schema is None:
        told = ast.unparse(argument.annotation)
        raise ManifestError(
            f"{where}: {argument.arg}: an agent can't give a {told}; use str, int, float, bool, Literal, or a list"
        )
    return schema


def _typed(node: ast.expr) -> dict[str, object] | None:
    match node:
        case ast.Name(id="str"):
            return {"type": "string", "maxLength": LONGEST_TEXT}
        case ast.Name(id=name) if name in _PLAIN:
            return {"type": _PLAIN[name]}
        case ast.Subscript(value=ast.Name(id="list"), slice=inner) if items := _typed(inner):
            return {"type": "array", "items": items, "maxItems": MANY}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return _choices(inner)
        case _:
            return None


def _choices(node: ast.expr) -> dict[str, object] | None:
    options: list[Any] = [option.value for option in _elements(node) if isinstance(option, ast.Constant)]
    return {"enum": options} if options and all(isinstance(option, str) for option in options) else None


def _elements(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]
