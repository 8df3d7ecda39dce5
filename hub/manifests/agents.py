"""Agents: each a folder with agent.toml and prompt.md."""

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from hub.errors import ManifestError
from hub.manifests.reading import Tags, common_faults, read, refuse, text
from hub.records import Limits

DATE = "{date}"
"""Where it stands in a prompt, an agent is told the date."""
MANIFEST = "agent.toml"
PROMPT = "prompt.md"
PROMPT_CHARACTERS = 20_000
SUPERVISOR = "supervisor.md"
SUPERVISOR_CHARACTERS = 1_000
MISSING = f"an agent is a folder with {MANIFEST} and {PROMPT}"

_TOOL = re.compile(r"\*|[a-z][a-z0-9_.-]*(/[a-z0-9_.-]+)*(/\*)?", re.IGNORECASE)
_AGENT = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
TOOL_CHARACTERS = 128


class Agent(Struct, frozen=True, kw_only=True):
    """A prompt with the tools it may use, its limits and a model wish; no code."""

    name: str
    version: str
    description: str
    """One line, for people and for the router."""
    prompt: str
    """The system prompt; `{date}` in it becomes the day's date."""
    tools: tuple[str, ...] = ()
    """The tools it may use, by name; `units/*` is all of the package units, `*` all of all packages. Those that aren't
    installed are simply not offered."""
    ask: tuple[str, ...] = ()
    """Of its tools, those that its person is asked about before every call."""
    agents: tuple[str, ...] = ()
    """The agents that it may hand subtasks to, besides itself; the first one has those for which it names none."""
    limits: Limits = Limits()
    model: str = ""
    """A wish; empty is the hub's own."""
    supervisor: str = ""
    """What its work is checked for besides, in words for the model that judges."""


class _Manifest(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    description: str
    tags: Tags = ()
    tools: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    model: str = ""
    limits: Limits = Limits()


def load_agent(folder: Path) -> Agent:
    """Read agent.toml and prompt.md from a folder that is called what the agent is called; raises ManifestError."""
    path = folder / MANIFEST
    manifest = read(path, _Manifest, missing=MISSING, hints={"prompt": f"put the prompt into {PROMPT}"})
    _check(path, manifest, folder.absolute().name)
    return Agent(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        prompt=_prompt(folder / PROMPT),
        tools=manifest.tools,
        ask=manifest.ask,
        agents=manifest.agents,
        limits=manifest.limits,
        model=manifest.model,
        supervisor=_prompt(criteria, SUPERVISOR_CHARACTERS) if (criteria := folder / SUPERVISOR).exists() else "",
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


def _check(path: Path, manifest: _Manifest, folder: str) -> None:
    faults = {
        **common_faults(manifest.name, manifest.version, manifest.description),
        "tools": "" if _tools_fit(manifest.tools) else "name each tool once, as clock, or units/* for all of a package",
        "ask": "" if set(manifest.ask) <= set(manifest.tools) else "name tools that stand in tools",
        "agents": "" if _named_once(manifest.agents) else "name each agent once, as researcher",
        "limits": "" if _positive(manifest.limits) else "turns, tokens and minutes must be above 0, money 0 or more",
    }
    refuse(path, manifest, faults, folder)


def _tools_fit(tools: tuple[str, ...]) -> bool:
    return len(set(tools)) == len(tools) and all(
        _TOOL.fullmatch(tool) and len(tool) <= TOOL_CHARACTERS for tool in tools
    )


def _named_once(agents: tuple[str, ...]) -> bool:
    return len(set(agents)) == len(agents) and all(_AGENT.fullmatch(name) for name in agents)


def _positive(limits: Limits) -> bool:
    return limits.turns > 0 and limits.tokens > 0 and limits.minutes > 0 and limits.money >= 0


def _prompt(path: Path, most: int = PROMPT_CHARACTERS) -> str:
    prompt = text(path, MISSING).strip()
    if not prompt:
        raise ManifestError(f"{path}: empty; write the prompt into it")
    if len(prompt) > most:
        raise ManifestError(f"{path}: {len(prompt)} characters; {most} are the most, and few are best")
    return prompt
