"""A TOML file and the environment -> a tree that fits Structs, key by key, with a line for every fault."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin
from urllib.parse import unquote

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
            tag = [f"{path}[].{_tag_field(each)}"] if len(each) > 1 else []
            paths += dict.fromkeys(chain(tag, *(key_paths(kind, path + "[].") for kind in each)))
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
    """Lay the environment over a tree; return which variable each key came from, and the faults.

    A section that there may be several of is found by its name, as AGENTHOST__BRIDGES__MY_BOT__TOKEN; a variable that
    sets its kind makes one that the file doesn't have.
    """
    overlaid: dict[str, str] = {}
    faults = []
    known = set(key_paths(kind))
    for name in sorted(environ, key=lambda name: (not name.endswith("__KIND"), name)):
        if not name.startswith(PREFIX):
            continue
        path = name.removeprefix(PREFIX).lower().replace("__", ".")
        *sections, key = path.split(".")
        node: Any = tree
        if len(sections) == 2 and f"{sections[0]}[].{key}" in known and f"{sections[0]}[].kind" in known:
            number, node = _named(tree, sections[0], sections[1].replace("_", "-"), new=key == "kind")
            path, sections = f"{sections[0]}[{number}].{key}", []
        elif path not in known:
            node = None
        if node is None:
            faults.append(f"{path}: unknown key (from the environment's {name}); unset it or see config.example.toml")
            continue
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                break
        else:
            node[key] = environ[name]
            overlaid[path] = name
    return overlaid, faults


def _named(tree: dict[str, Any], key: str, name: str, *, new: bool) -> tuple[int, dict[str, Any] | None]:
    """Return which of several sections has a name (or, having none, that kind), and itself."""
    nodes = tree.setdefault(key, [])
    if not isinstance(nodes, list):
        return 0, None
    for number, node in enumerate(nodes):
        if isinstance(node, dict) and (node.get("name") or node.get("kind")) == name:
            return number, node
    if not new:
        return len(nodes), None
    nodes.append({"name": name})
    return len(nodes) - 1, nodes[-1]


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
        elif fault := _fault(value := _listed(value, kinds[key]), kinds[key]):
            faults.append(f"{below}: {fault}; it is {shown(below, value)}")
        else:
            found[key] = value
    return found


def shown(path: str, value: object) -> str:
    """Return a value as a fault may show it; a secret's never is."""
    if re.search(r"(key|token|password|secrets?|\.value)(\[\d+\])?$", path):
        return "hidden"
    # What stands in a section, nobody knows where it isn't one of ours: [bridges] for [[bridges]] has a token in it.
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list of sections" if any(isinstance(each, dict) for each in value) else _cut(url_shown(repr(value)))
    return _cut(f'"{url_shown(value)}"' if isinstance(value, str) else repr(value))


def url_shown(text: str) -> str:
    """Return an address, or a text with some, as a fault may show it: without who and password."""
    return re.sub(r"(?<=//)(?!USER:PASSWORD@)[^/?#\s]*@", "hidden@", text)


def passwords_in(url: str) -> tuple[str, ...]:
    """Return the password that stands in an address, as it's written there and as it's meant; none: nothing."""
    found = re.search(r"//[^/?#@]*?:([^/?#]*)@", url)
    return (found[1], unquote(found[1])) if found else ()


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _section(kind: Any) -> type[Struct] | None:
    return kind if isinstance(kind, type) and issubclass(kind, Struct) else None


def _sections(kind: Any) -> tuple[type[Struct], ...]:
    """Return what each of several sections may be: one kind, or several that their tags tell apart."""
    if get_origin(kind) is not tuple:
        return ()
    each = get_args(kind)[0]
    kinds = get_args(each) if isinstance(each, UnionType) else (each,)
    return tuple(filter(None, map(_section, kinds)))


def _tag_field(kinds: tuple[type[Struct], ...]) -> str:
    return str(kinds[0].__struct_config__.tag_field)


def _each(value: object, kinds: tuple[type[Struct], ...], path: str, faults: list[str]) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list):
        faults.append(f"{path}: each is a section of its own ([[{path}]]); it is {shown(path, value)}")
        return
    for number, node in enumerate(value):
        below = f"{path}[{number}]"
        if len(kinds) == 1:
            yield good(node, kinds[0], below, faults)
        elif isinstance(node, dict):
            yield from _tagged(node, kinds, below, faults)
        else:
            faults.append(f"{below}: must be a section ([[{path}]]); it is {shown(below, node)}")


def _tagged(
    node: dict[str, Any], kinds: tuple[type[Struct], ...], path: str, faults: list[str]
) -> Iterator[dict[str, Any]]:
    field = _tag_field(kinds)
    tags = {str(kind.__struct_config__.tag): kind for kind in kinds}
    tag = node.get(field)
    if isinstance(tag, str) and tag in tags:
        rest = {key: value for key, value in node.items() if key != field}
        yield {field: tag} | good(rest, tags[tag], path, faults)
    else:
        is_ = "missing" if tag is None else f"{shown(path, tag)} isn't known"
        faults.append(f"{path}.{field}: {is_}; it must be one of {', '.join(tags)}")


def _listed(value: object, kind: Any) -> object:
    """Read words with commas between them as a list, where one is wanted: the environment has no lists."""
    if get_origin(kind) is tuple and isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


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
