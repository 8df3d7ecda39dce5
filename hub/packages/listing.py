"""What an MCP server says its tools are: looked through once, kept beside the package, and held against it later.

It's a stranger's word: names and sizes are bounded, what it says of effects is a hint, and nothing is used of a schema
that could keep the hub busy.
"""

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from hub.errors import ManifestError
from hub.ports import Effect

if TYPE_CHECKING:
    from mcp_types import Tool as ListedTool

FILE = "tools.json"
MOST = 200
DESCRIPTION = 300
SCHEMA_BYTES, SCHEMA_DEPTH = 16_384, 12
PAGES = 20
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,64}")
_BUSY = ("pattern", "patternProperties", "format", "$schema", "$id", "$comment")
"""Of a schema: a pattern of a stranger's could be matched for ever. The server checks its arguments itself, too."""


class Listed(Struct, frozen=True, kw_only=True):
    """A tool of a server's."""

    name: str
    """As the server calls it."""
    description: str
    schema: dict[str, Any]
    effect: Effect
    reads: bool
    """It says that it changes nothing."""

    @property
    def short(self) -> str:
        """How it's called here, after its package's name and a dot."""
        return re.sub(r"[^a-z0-9_-]", "-", self.name.lower())


def looked_through(
    tools: "Iterable[ListedTool]", declared: Iterable[str]
) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Return what can be used of a server's tools, and a line for each that can't."""
    wanted = frozenset(declared)
    kept: dict[str, Listed] = {}
    left: list[str] = []
    for tool in tools:
        name = tool.name if isinstance(tool.name, str) else ""
        wrong = _wrong(name, tool.input_schema, wanted)
        if not wrong and len(kept) >= MOST:
            wrong = f"there are more than {MOST}"
        if not wrong:
            listed = _listed(tool)
            wrong = "there are two of that name" if listed.short in kept else ""
            kept.setdefault(listed.short, listed)
        if wrong:
            left.append(f"{name[:64]!r}: {wrong}")
    return tuple(kept.values()), tuple(left)


def keep(folder: Path, tools: tuple[Listed, ...]) -> None:
    """Keep a list beside a package's folder, where the package can't write; raises OSError."""
    path = folder.parent / FILE
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(tools))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def kept(folder: Path) -> tuple[Listed, ...] | None:
    """Return the list that was kept, or None if there's none."""
    try:
        return msgspec.json.decode((folder.parent / FILE).read_bytes(), type=tuple[Listed, ...])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ManifestError(f"{FILE}: the list of tools can't be read ({error}); install the package again") from None


def _wrong(name: str, schema: Any, wanted: frozenset[str]) -> str:
    if not _NAME.fullmatch(name):
        return "that's no name for a tool"
    if wanted and name not in wanted:
        return "the manifest doesn't name it"
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return "its arguments aren't an object"
    try:
        size = len(json.dumps(schema))
    except (TypeError, ValueError, RecursionError):
        return "its schema can't be written down"
    if size > SCHEMA_BYTES:
        return f"its schema has {size} bytes; {SCHEMA_BYTES} are the most"
    return "its schema is nested too deeply" if _depth(schema) > SCHEMA_DEPTH else ""


def _listed(tool: "ListedTool") -> Listed:
    hints = tool.annotations
    reads = bool(hints and hints.read_only_hint)
    again = bool(hints and hints.idempotent_hint)
    return Listed(
        name=tool.name,
        description=_line(tool.description or (hints and hints.title) or tool.name),
        schema={"type": "object", **_plain(tool.input_schema, names=False)},
        effect="none" if reads else "idempotent" if again else "once",
        reads=reads,
    )


def _line(text: str) -> str:
    """Return a description as one line without signs that nobody sees."""
    seen = "".join(sign if not unicodedata.category(sign).startswith("C") else " " for sign in text[: 4 * DESCRIPTION])
    line = " ".join(seen.split())
    return line if len(line) <= DESCRIPTION else line[: DESCRIPTION - 1] + "…"


def _plain(schema: Mapping[str, Any], *, names: bool) -> dict[str, Any]:
    """Return a schema without what could keep the hub busy; `names`: its keys are names of arguments."""
    return {key: _below(key, value, names) for key, value in schema.items() if names or key not in _BUSY}


def _below(key: str, value: Any, names: bool) -> Any:
    if isinstance(value, dict):
        return _plain(value, names=not names and key in {"properties", "$defs", "definitions"})
    if isinstance(value, list):
        return [_plain(each, names=False) if isinstance(each, dict) else each for each in value]
    return value


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
