"""What a package declares: so far agents, each a folder with agent.toml and prompt.md.

A manifest is read strictly: what isn't understood is refused, with the file, the key, the value and the way out.
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hub.errors import ManifestError
from hub.records import Limits

DATE = "{date}"
"""Where it stands in a prompt, an agent is told the date."""
MANIFEST = "agent.toml"
PROMPT = "prompt.md"
PROMPT_CHARACTERS = 20_000

_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_TOOL = re.compile(r"[a-z][a-z0-9_./-]{0,127}")
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


class Agent(Struct, frozen=True, kw_only=True):
    """A prompt with the tools it may use, its limits and a model wish; no code."""

    name: str
    version: str
    description: str
    """One line, for people and for the router."""
    prompt: str
    """The system prompt; `{date}` in it becomes the day's date."""
    tools: tuple[str, ...] = ()
    """The tools it may use, by name; those that aren't installed are simply not offered."""
    limits: Limits = Limits()
    model: str = ""
    """A wish; empty is the hub's own."""


class _Manifest(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    description: str
    tools: tuple[str, ...] = ()
    model: str = ""
    limits: Limits = Limits()


def load_agent(folder: Path) -> Agent:
    """Read agent.toml and prompt.md from a folder that is called what the agent is called; raises ManifestError."""
    path = folder / MANIFEST
    tree = _toml(path)
    _refuse_unknown(path, tree, _Manifest, "")
    manifest = _convert(path, tree)
    _check(path, manifest, folder.absolute().name)
    return Agent(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        prompt=_prompt(folder / PROMPT),
        tools=manifest.tools,
        limits=manifest.limits,
        model=manifest.model,
    )


def load_agents(folders: Iterable[Path]) -> dict[str, Agent]:
    """Read every agent below these folders, by name; one in a later folder takes the place of its namesake.

    A folder without agent.toml is passed over; a folder that isn't there, or a broken agent, raises ManifestError.
    """
    agents = {}
    for folder in folders:
        if not folder.is_dir():
            raise ManifestError(f"{folder}: no such folder; create it or take it out of agents.folder")
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            agent = load_agent(path.parent)
            agents[agent.name] = agent
    return agents


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path}: isn't TOML: {error}; mend that line") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestError(f"{path}: missing; an agent is a folder with {MANIFEST} and {PROMPT}") from None
    except OSError as error:
        raise ManifestError(f"{path}: can't be read ({error.strerror}); make it readable for this user") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: isn't UTF-8 text; save it as UTF-8") from None


def _refuse_unknown(path: Path, tree: dict[str, Any], kind: type[Struct], prefix: str) -> None:
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in tree.items():
        if key not in known:
            hint = f"put the prompt into {PROMPT}" if key == "prompt" else f"known here: {', '.join(known)}"
            raise ManifestError(f"{path}: {prefix}{key}: unknown key; {hint}")
        below = known[key]
        if isinstance(value, dict) and isinstance(below, type) and issubclass(below, Struct):
            _refuse_unknown(path, value, below, f"{prefix}{key}.")


def _convert(path: Path, tree: dict[str, Any]) -> _Manifest:
    try:
        return msgspec.convert(tree, _Manifest)
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "").partition(" - at ")
        key = where.removeprefix("$").removeprefix(".") or _missing(what)
        raise ManifestError(f"{path}: {key}: {_worded(what)}; it is {_value(tree, key)}") from None


def _missing(what: str) -> str:
    return what.rpartition(" ")[2] if "required field" in what else "the whole file"


def _worded(what: str) -> str:
    return "must be set" if "required field" in what else what.replace("Expected", "must be")


def _value(tree: dict[str, Any], key: str) -> str:
    node: Any = tree
    for name in re.findall(r"[^.\[\]]+", key):
        node = node.get(name) if isinstance(node, dict) else None
    return "missing" if node is None else repr(node)


def _check(path: Path, manifest: _Manifest, folder: str) -> None:
    faults = {
        "name": not _NAME.fullmatch(manifest.name) and "use lower-case letters, digits and hyphens, 64 at most",
        "version": not _VERSION.fullmatch(manifest.version) and "write a SemVer version such as 1.0.0",
        "description": not _one_line(manifest.description) and "write one line of at most 200 characters",
        "tools": not _tools_fit(manifest.tools) and "name each tool once, as clock or publisher/plugin",
        "limits": not _positive(manifest.limits) and "turns, tokens and minutes must be above 0, money 0 or more",
    }
    for key, advice in faults.items():
        if advice:
            raise ManifestError(f"{path}: {key}: {getattr(manifest, key)!r} won't do; {advice}")
    if manifest.name != folder:
        raise ManifestError(f"{path}: name: {manifest.name!r}, but its folder is {folder!r}; give both one name")


def _one_line(text: str) -> bool:
    return bool(text.strip()) and len(text) <= 200 and "\n" not in text


def _tools_fit(tools: tuple[str, ...]) -> bool:
    return len(set(tools)) == len(tools) and all(_TOOL.fullmatch(tool) for tool in tools)


def _positive(limits: Limits) -> bool:
    return limits.turns > 0 and limits.tokens > 0 and limits.minutes > 0 and limits.money >= 0


def _prompt(path: Path) -> str:
    text = _text(path).strip()
    if not text:
        raise ManifestError(f"{path}: empty; write the system prompt into it")
    if len(text) > PROMPT_CHARACTERS:
        raise ManifestError(f"{path}: {len(text)} characters; {PROMPT_CHARACTERS} are the most, and few are best")
    return text
