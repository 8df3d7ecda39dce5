"""Plugins: each a folder with plugin.toml and plugin.py, whose functions are tools.

The program is read as text here and never imported: it only ever runs in Monty, in a process of its own.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hub.errors import ManifestError
from hub.manifests.permissions import Permissions, fault
from hub.manifests.reading import Tags, common_faults, read, refuse, text

MANIFEST = "plugin.toml"
PROGRAM = "plugin.py"
MISSING = f"a plugin is a folder with {MANIFEST} and {PROGRAM}"
PROGRAM_CHARACTERS = 100_000
_FUNCTION = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Shown(Struct, frozen=True, kw_only=True):
    """A message, and the arguments that the tool should be called with for it."""

    text: str
    arguments: dict[str, Any]


class ToolManifest(Struct, frozen=True, kw_only=True):
    """When a function is offered to an agent as a tool. Its name, words and arguments stand in the program itself."""

    words: Annotated[tuple[str, ...], Meta(min_length=1, max_length=50)]
    """It's offered for messages that have one of these words or phrases; * at the end stands for any letters."""
    examples: Annotated[tuple[Shown, ...], Meta(min_length=1, max_length=6)]
    others: Annotated[tuple[str, ...], Meta(min_length=1, max_length=6)]
    """Messages that look a little like it, and don't need it."""
    effect: Literal["none", "idempotent", "keyed", "once"] = "none"
    """What it changes, and what a repetition does. keyed: it's given `key` as an argument, and twice with one key is as
    once. once: after a crash in mid-call it isn't repeated but asked about."""
    ask: bool = False
    """Its person is asked before every call."""


class Plugin(Struct, frozen=True, kw_only=True):
    """A program whose functions are tools, and what it may do."""

    name: str
    version: str
    description: str
    tools: dict[str, ToolManifest]
    """By the function's name."""
    permissions: Permissions
    program: str
    path: str
    """Of the program, for messages about it."""
    function: str = ""
    """What the one tool's function is called, if not as the tool is."""


class _Manifest(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    description: str
    tags: Tags = ()
    tools: Annotated[dict[str, ToolManifest], Meta(min_length=1, max_length=20)]
    permissions: Permissions = Permissions()


def load_plugin(folder: Path) -> Plugin:
    """Read a plugin from a folder that is called what the plugin is called; raises ManifestError."""
    path = folder / MANIFEST
    manifest = read(path, _Manifest, missing=MISSING)
    odd = [name for name in manifest.tools if not _FUNCTION.fullmatch(name)]
    faults = {
        **common_faults(manifest.name, manifest.version, manifest.description),
        "tools": f"{odd[0]!r} can't be a tool: use lower-case letters, digits and _" if odd else "",
    }
    refuse(path, manifest, faults, folder.absolute().name)
    if wrong := fault(manifest.permissions):
        raise ManifestError(f"{path}: permissions.{wrong}")
    program = text(folder / PROGRAM, MISSING)
    if len(program) > PROGRAM_CHARACTERS:
        raise ManifestError(f"{folder / PROGRAM}: {len(program)} characters; {PROGRAM_CHARACTERS} are the most")
    return Plugin(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        tools=manifest.tools,
        permissions=manifest.permissions,
        program=program,
        path=str(folder / PROGRAM),
    )


def load_plugins(folders: Iterable[Path]) -> dict[str, Plugin]:
    """Read every plugin below these folders, by name; one in a later folder takes the place of its namesake.

    A folder without plugin.toml is passed over; a folder that isn't there, or a broken plugin, raises ManifestError.
    """
    plugins = {}
    for folder in folders:
        if not folder.is_dir():
            raise ManifestError(f"{folder}: no such folder; create it or take it out of packages.folder")
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            plugin = load_plugin(path.parent)
            plugins[plugin.name] = plugin
    return plugins
