"""Skills: each a folder with SKILL.md, as agentskills.io describes them.

Read leniently, for a skill is used as it was published: what's odd is told, and only what leaves nothing to use is
refused. Of YAML only its shape is read, every scalar as the text it is: no dates, no numbers, no yes that becomes true.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import yaml
from msgspec import Struct

from hub.errors import ManifestError
from hub.manifests.reading import VERSION, text

MANIFEST = "SKILL.md"
MISSING = f"a skill is a folder with {MANIFEST}"
CHARACTERS = 200_000
"""Of SKILL.md."""
FRONT = 20_000
"""Characters of its front matter."""
NODES, DEPTH = 2_000, 20
NAMED, DESCRIBED, COMPATIBLE = 64, 1_024, 500
"""Characters of a name, a description and a compatibility note, as the format has it."""
LONGEST_VERSION = 64

_BREAKS = re.compile("[\x85\u2028\u2029]")
"""What some readers of YAML take for a line's end, and some don't."""

KNOWN = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")

Tree = str | list["Tree"] | dict[str, "Tree"]


class Skill(Struct, frozen=True, kw_only=True):
    """Instructions for a kind of work, and files beside them; a stranger's words, until somebody vouches for them."""

    name: str
    """As packages are called: made so, where its own name isn't."""
    version: str
    """The format has none: its metadata's, else one made of its text."""
    description: str
    """What it's for and when to use it, on one line."""
    license: str = ""
    compatibility: str = ""
    wishes: tuple[str, ...] = ()
    """Tools that it would like to use (`allowed-tools`): words of its author, and no grant of anybody's."""
    body: str
    """The instructions, in Markdown."""
    odd: tuple[str, ...] = ()
    """What isn't as the format has it."""


class Flaw(Exception):
    """Why front matter can't be read."""


def load_skill(folder: Path) -> Skill:
    """Read a skill from its folder; raises ManifestError where nothing is left to use."""
    path = folder / MANIFEST
    content = text(path, MISSING)
    try:
        return read_skill(content)
    except Flaw as flaw:
        raise ManifestError(f"{path}: {flaw}") from None


def read_skill(content: str) -> Skill:
    """Read SKILL.md, leniently; raises Flaw where nothing is left to use."""
    if len(content) > CHARACTERS:
        raise Flaw(f"{len(content)} characters; {CHARACTERS} are the most, put the rest into files beside it")
    front, body = _parts(content)
    keys, odd = _forgiven(front)
    description = _line(keys.get("description"))
    if not description:
        raise Flaw("description: must be set, it is what tells an agent when to use the skill")
    if len(description) > DESCRIBED:
        odd.append(f"its description has {len(description)} characters, {DESCRIBED} are the most")
        description = f"{description[: DESCRIBED - 1]}…"
    written = _line(keys.get("name"))
    name = plain_name(written)
    if name != written:
        odd.append(f"its name is {written[:NAMED]!r}, here it's called {name}" if written else f"has no name: {name}")
    unknown = [key for key in keys if key not in KNOWN]
    if unknown:
        odd.append(f"has keys of its own: {', '.join(unknown)[:200]}")
    return Skill(
        name=name,
        version=_version(keys, content),
        description=description,
        license=_line(keys.get("license"))[:200],
        compatibility=_line(keys.get("compatibility"))[:COMPATIBLE],
        wishes=_wishes(keys.get("allowed-tools")),
        body=body,
        odd=tuple(odd),
    )


def plain_name(written: str) -> str:
    """Return a name that a package can have: the same if it can, else as like it as may be."""
    name = re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")[:NAMED].strip("-")
    if written and not name:
        return f"skill-{sha256(written.encode()).hexdigest()[:8]}"
    return name if name[:1].isalpha() else f"skill-{name}".rstrip("-")[:NAMED]


def skill_name_in(manifest: bytes) -> str:
    """Return what a skill will be called, or "" if it can't be read."""
    try:
        return read_skill(manifest.decode()).name
    except (Flaw, UnicodeDecodeError):
        return ""


def _parts(content: str) -> tuple[str, str]:
    """Return front matter and body; the fences are lines of their own, so that a dash in a value ends nothing."""
    lines = content.removeprefix("\ufeff").replace("\r\n", "\n").lstrip().split("\n")
    if lines[0].rstrip() != "---":
        raise Flaw("must begin with front matter between two lines of ---, with name and description")
    for at, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:at]), "\n".join(lines[at + 1 :]).strip()
    raise Flaw("its front matter has no end: write a line of --- after it")


def _forgiven(front: str) -> tuple[Mapping[str, Tree], list[str]]:
    """Return the front matter's keys, once more with values in quotes if a colon in one is in the way."""
    try:
        return _keys(tree(front)), []
    except Flaw as flaw:
        quoted = re.sub(r"(?m)^([A-Za-z][\w-]*): +(?![\"'>|{\[&])(.*\S)\s*$", _in_quotes, front)
        try:
            keys = _keys(tree(quoted))
        except Flaw:
            raise flaw from None
        return keys, [f"a value was read as if it stood in quotes ({flaw})"]


def _in_quotes(found: re.Match[str]) -> str:
    return f"{found[1]}: '{found[2].replace(chr(39), chr(39) * 2)}'"


def _keys(found: Tree) -> dict[str, Tree]:
    if not isinstance(found, dict):
        raise Flaw("its front matter isn't a list of keys and values, as in 'name: pdf-forms'")
    return found


def tree(front: str, *, strictly: bool = False) -> Tree:
    """Read YAML as texts, lists and mappings; raises Flaw.

    Aliases are refused: a few lines of them stand for gigabytes. `strictly`, whatever the format's reference validator
    refuses is refused too: flow style, tags, anchors, keys named twice.
    """
    if len(front) > FRONT:
        raise Flaw(f"its front matter has {len(front)} characters; {FRONT} are the most")
    if strictly and (found := _BREAKS.search(front)):
        raise Flaw(f"U+{ord(found[0]):04X} ends a line for some readers and not for others; leave it out")
    try:
        return _Reader(yaml.parse(_BREAKS.sub(" ", front), Loader=yaml.SafeLoader), strictly).whole()
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Flaw(f"its front matter isn't YAML: {error.problem or error.context}{line}; put it in quotes") from None
    except yaml.YAMLError as error:
        raise Flaw(f"its front matter isn't YAML: {str(error).splitlines()[0]}") from None
    except (ValueError, RecursionError, OverflowError):
        # A number in an escape or a directive that no machine could take.
        raise Flaw("its front matter isn't YAML") from None


class _Reader:
    """Builds a tree from the parser's events; nothing is made of a text but the text."""

    def __init__(self, events: Iterator[yaml.Event], strictly: bool) -> None:
        self._events = events
        self._strictly = strictly
        self._nodes = 0

    def whole(self) -> Tree:
        found: Tree | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and found is not None:
                raise Flaw("its front matter is more than one YAML document")
            if isinstance(event, yaml.NodeEvent):
                found = self._node(event, 0)
        return "" if found is None else found

    def _node(self, event: yaml.Event, depth: int) -> Tree:
        self._nodes += 1
        if self._nodes > NODES or depth > DEPTH:
            raise Flaw(f"its front matter has more than {NODES} values, or more than {DEPTH} within each other")
        if isinstance(event, yaml.AliasEvent):
            raise Flaw(f"its front matter has an alias (*{event.anchor}); write the value out")
        if self._strictly:
            self._check(event)
        match event:
            case yaml.ScalarEvent():
                return str(event.value)
            case yaml.SequenceStartEvent():
                return self._list(depth)
            case _:
                return self._mapping(depth)

    def _check(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise Flaw(f"an anchor (&{event.anchor}) can't be used")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise Flaw(f"a tag ({event.tag}) can't be used")
        if isinstance(event, yaml.CollectionStartEvent) and event.flow_style:
            raise Flaw("{} and [] can't be used; write one value a line")

    def _list(self, depth: int) -> list[Tree]:
        found: list[Tree] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        column: int | None = None
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, str):
                raise Flaw("a key of its front matter is a list or a mapping")
            if self._strictly and key in found:
                raise Flaw(f"{key}: is there twice")
            value = next(self._events)
            if self._strictly and isinstance(value, yaml.MappingStartEvent):
                here = value.start_mark.column if value.start_mark else 0
                if column not in (None, here):
                    raise Flaw(f"{key}: is indented otherwise than the mapping before it")
                column = here
            found[key] = self._node(value, depth + 1)
        return found


def _line(value: Tree | None) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _wishes(value: Tree | None) -> tuple[str, ...]:
    named = [_line(one) for one in value] if isinstance(value, list) else re.split(r"[,\s]+(?![^(]*\))", _line(value))
    return tuple(name[:100] for name in named if name)[:50]


def _version(keys: Mapping[str, Tree], content: str) -> str:
    metadata = keys.get("metadata")
    told = [metadata.get("version")] if isinstance(metadata, dict) else []
    for value in (*told, keys.get("version")):
        version = _line(value).removeprefix("v")
        whole = version + ".0" * (2 - version.count(".")) if re.fullmatch(r"\d+(\.\d+)?", version) else version
        if VERSION.fullmatch(whole) and len(whole) <= LONGEST_VERSION:
            return whole
    return f"0.0.0+{sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
