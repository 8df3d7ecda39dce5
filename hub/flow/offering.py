"""Which of an agent's tools are offered for a message: few, whatever is installed.

A tool with words of its own is offered where one of them stands. One without (a stranger's server, a skill) is found by
what it's about, and only where enough of that was said. All together stay within a budget of tokens, so that a hundred
installed packages cost a message that needs none of them nothing, and one that does, no more than a few would.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from hub.flow.gleaning import gives, glean
from hub.flow.taming import tame
from hub.flow.wording import asked
from hub.manifests import Agent
from hub.ports import Exemplary, Findable, ForAssignments, Hit, Packaged, Ranking, Subject, Tool

TOKENS = 300
"""Of all lines about the offered tools together."""
PER_TOKEN = 4
"""Characters of a token, about."""
LINE, SHOTS = 120, 2
"""Characters of a description in a choice, and the examples of each tool in one."""
FOUND = 6
"""Tools that are found by what they're about."""
BESIDE = 0.4
"""Those that fit so much less than the best aren't offered."""
FILLED, IDLE = 1.5, 0.6
"""How much better a tool fits if the message gives all that it needs, and if it has no use for what's given."""
SHARE = 0.4
"""A single word counts if it's so much of what was said, for a tool whose name has more words than that."""
ALL = "*"
OF_PACKAGE = "/*"


class _Allowed(Struct, frozen=True):
    """A tool that an agent may use."""

    tool: Tool
    is_findable: bool
    for_assignments: bool


class Offering:
    """Picks tools for a message."""

    def __init__(self, ranking: Ranking | None = None, tokens: int = TOKENS) -> None:
        """Without a ranking, a tool without words is offered wherever it says that it fits."""
        self._ranking = ranking
        self._tokens = tokens
        self._tools: Mapping[str, Tool] = {}
        # What a tool can do is asked for every message, and looking at its methods takes longer than a look at a text.
        self._allowed: dict[tuple[str, ...], tuple[_Allowed, ...]] = {}

    def fill(self, tools: Mapping[str, Tool]) -> None:
        """Know these tools, by their names, in place of those that were known before."""
        self._tools = dict(tools)
        self._allowed.clear()
        if self._ranking is not None:
            self._ranking.fill({tool.name: _subject(tool) for tool in tools.values() if isinstance(tool, Findable)})

    def offered(self, agent: Agent, text: str, *, assignment: bool = False) -> tuple[Tool, ...]:
        """Return the tools that the agent may use and that may be of use for a message.

        Those that are ForAssignments are left out where the message isn't about an `assignment`.

        Those with words that stand in it come first, in the agent's order; then those found by what they're about, the
        best first. What has no room within the budget is left out, but never the first.
        """
        allowed = [each for each in self._allowed_of(agent) if assignment or not each.for_assignments]
        found = [each.tool for each in allowed if each.is_findable] if self._ranking else []
        worded = [each.tool for each in allowed if not (each.is_findable and self._ranking) and each.tool.fits(text)]
        room = self._tokens
        offered: list[Tool] = []
        for tool in (*worded, *self._best(found, text)):
            room -= cost(tool)
            if room < 0 and offered:
                break
            offered.append(tool)
        return tuple(offered)

    def _allowed_of(self, agent: Agent) -> "tuple[_Allowed, ...]":
        if (allowed := self._allowed.get(agent.tools)) is None:
            allowed = self._allowed[agent.tools] = tuple(
                _Allowed(tool, is_findable=isinstance(tool, Findable), for_assignments=for_assignments(tool))
                for tool in allowed_of(agent, self._tools)
            )
        return allowed

    def _best(self, tools: Sequence[Tool], text: str) -> list[Tool]:
        if not tools or self._ranking is None:
            return []
        words = asked(text)
        by_name = {tool.name: tool for tool in tools if tool.fits(text)}
        hits = [hit for hit in self._ranking.best(words, by_name) if _is_enough(hit, words, by_name[hit.key].name)]
        scored = [(hit.score * _holds(by_name[hit.key], text), by_name[hit.key]) for hit in hits]
        scored.sort(key=lambda pair: -pair[0])
        return [tool for score, tool in scored[:FOUND] if score >= BESIDE * scored[0][0]]


def allowed_of(agent: Agent, tools: Mapping[str, Tool]) -> tuple[Tool, ...]:
    """Return the installed tools that an agent names, in its order, each once.

    `clock` names a tool, `units/*` all tools of the package `units`, and `*` all tools of all packages.
    """
    found: dict[str, Tool] = {}
    for name in agent.tools:
        if name == ALL or name.endswith(OF_PACKAGE):
            package = name.removesuffix(OF_PACKAGE)
            found |= {tool.name: tool for tool in _packaged(tools) if name == ALL or _package(tool) == package}
        elif name in tools:
            found.setdefault(name, tools[name])
    return tuple(found.values())


def for_assignments(tool: Tool) -> bool:
    """Say whether a tool is offered in assignments only."""
    return isinstance(tool, ForAssignments) and tool.for_assignments


def cost(tool: Tool) -> int:
    """Return about how many tokens a tool adds to a choice."""
    characters = len(tool.name) + min(len(tool.description), LINE)
    if isinstance(tool, Exemplary):
        shown = [*(example.text for example in tool.examples[:SHOTS]), *tool.others[:SHOTS]]
        characters = sum(len(text) + len(tool.name) + 6 for text in shown)
    return characters // PER_TOKEN + 1


def _holds(tool: Tool, text: str) -> float:
    schema = tame(tool.schema)
    known = glean(schema["properties"], schema["required"], text)
    if schema["required"] and set(schema["required"]) <= known.keys():
        return FILLED
    return IDLE if not known and gives(text) else 1.0


def _is_enough(hit: Hit, words: Sequence[str], name: str) -> bool:
    if len(hit.words) > 1:
        return True
    whole = not set(asked(name.rpartition(".")[2])) - _alike(hit.named)
    return bool(hit.named) and (whole or len(hit.words) >= SHARE * len(words))


def _alike(words: Iterable[str]) -> set[str]:
    """Return words with the other number's too: what's asked for as weathers is weather."""
    return {form for word in words for form in (word, word.removesuffix("s"), f"{word}s")}


def _packaged(tools: Mapping[str, Tool]) -> list[Tool]:
    return sorted((tool for tool in tools.values() if isinstance(tool, Packaged)), key=lambda tool: tool.name)


def _package(tool: Tool) -> str:
    return tool.package if isinstance(tool, Packaged) else ""


def _subject(tool: Tool) -> Subject:
    about = tool.about if isinstance(tool, Findable) else ""
    return Subject(name=tool.name, about=f"{tool.description} {about}", details=_details(tool.schema))


def _details(schema: Mapping[str, Any]) -> str:
    """Return the names and descriptions of a tool's arguments; a stranger's schema may be anything."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return ""
    told = [(str(name), below) for name, below in list(properties.items())[:50]]
    return " ".join(
        f"{name} {below.get('description', '')}" if isinstance(below, Mapping) else name for name, below in told
    )
