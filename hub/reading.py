"""A TOML file and the environment -> a tree that fits Structs, key by key, with a line for every fault."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from hub.errors import ConfigError

PREFIX = "AGENTHOST__"


def key_paths(kind: type[Struct], prefix: str = "") -> list[str]:
    """Return the path of every key, as `hub.port`, and `llm.fallback[].url` where there may be several sections."""
    paths: list[str] = []
    for field in msgspec.structs.fields(kind):
        path = f"{prefix}{field.name}"
        if one := _section(field.type):
            paths += key_paths(one, path + ".")
        elif each := _sections(field.type):
            paths += key_paths(each, path + "[].")
        else:
            paths.append(path)
    return paths


def read(path: Path) -> dict[str, Any]:
    """Return a TOML file as a tree; raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; copy config.example.toml there, or leave out --config") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); make it readable for this user") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: isn't UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: isn't TOML: {error}") from None


def overlay(tree: dict[str, Any], kind: type[Struct], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Lay the environment over a tree; return which variable each key came from, and the faults."""
    overlaid: dict[str, str] = {}
    faults = []
    known = set(key_paths(kind))
    for name, value in environ.items():
        path = name.removeprefix(PREFIX).lower().replace("__", ".")
        if not name.startswith(PREFIX):
            continue
        if path not in known:
            faults.append(f"{path}: unknown key (from the environment's {name}); unset it or see config.example.toml")
            continue
        node = tree
        *sections, key = path.split(".")
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                break
        else:
            node[key] = value
            overlaid[path] = name
    return overlaid, faults


def good(node: object, kind: type[Struct], path: str, faults: list[str]) -> dict[str, Any]:
    """Return what of a section can be used, and add a line to `faults` for what can't.

    Key by key, for msgspec tells only the first fault of a whole tree.
    """
    if not isinstance(node, dict):
        faults.append(f"{path}: must be a section ([{path}]); it is {shown(path, node)}")
        return {}
    kinds = {field.name: field.type for field in msgspec.structs.fields(kind)}
    found: dict[str, Any] = {}
    for key, value in node.items():
        below = f"{path}.{key}" if path else key
        if key not in kinds:
            faults.append(f"{below}: unknown key; known here: {', '.join(kinds)}")
        elif one := _section(kinds[key]):
            found[key] = good(value, one, below, faults)
        elif each := _sections(kinds[key]):
            found[key] = list(_each(value, each, below, faults))
        elif fault := _fault(value, kinds[key]):
            faults.append(f"{below}: {fault}; it is {shown(below, value)}")
        else:
            found[key] = value
    return found


def shown(path: str, value: object) -> str:
    """Return a value as a fault may show it; a secret's never is."""
    if path.endswith(("key", "token", "password", "secret")):
        return "hidden"
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _section(kind: Any) -> type[Struct] | None:
    return kind if isinstance(kind, type) and issubclass(kind, Struct) else None


def _sections(kind: Any) -> type[Struct] | None:
    return _section(get_args(kind)[0]) if get_origin(kind) is tuple else None


def _each(value: object, kind: type[Struct], path: str, faults: list[str]) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list):
        faults.append(f"{path}: each is a section of its own ([[{path}]]); it is {shown(path, value)}")
        return
    for number, node in enumerate(value, 1):
        yield good(node, kind, f"{path}[{number}]", faults)


def _fault(value: object, kind: Any) -> str:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        if get_origin(kind) is Literal:
            return f"must be one of {', '.join(choice or 'empty' for choice in get_args(kind))}"
        return _plain(str(error))
    return ""


def _plain(text: str) -> str:
    """Say msgspec's complaint in the words of somebody who writes TOML."""
    words = {"Expected": "must be", "got": "not", "int": "a whole number", "float": "a number", "str": "text"}
    words |= {"bool": "true or false", "object": "a section", "array": "a list"}
    plain = text.removesuffix(" - at `$`").replace("`", "")
    return re.sub(r"\w+", lambda word: words.get(word[0], word[0]), plain)
