"""Skills as tools of agents: a line in a choice, the instructions when it's called, a file of its own by name.

What a skill says is a stranger's. Nothing in it is run, and what it would like to use it isn't given for that.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from hub.errors import ToolError
from hub.manifests import Skill, load_skill, places_hidden, skill_name_in
from hub.manifests.skills import MANIFEST
from hub.packages.kinds import Opened, Sheet
from hub.ports import Effect, ToolCall
from hub.records import Package, PackageKind

PREFIX = "skill."
"""Before a skill's name: so that none takes the name of another kind of tool."""
LINE = 160
"""Characters of a description that stand in a choice of tools."""
BODY = 20_000
"""Characters of a result: about 5,000 tokens, as the format advises."""
FILES = 200
"""Files that are named."""
READ = 1_000_000
"""Bytes of a file that's read."""


class SkillTool:
    """A skill: called, it gives its instructions, or one of its files."""

    effect: Effect = "none"
    outside = True
    named: tuple[str, ...] = ("file",)
    characters = BODY

    def __init__(self, skill: Skill, package: Package, folder: Path) -> None:
        self.name = tool_name(skill)
        self.description = _line(skill.description)
        self.about = skill.description
        self.package = package.id
        self.version = package.now.version
        self.digest = package.now.digest
        self._skill = skill
        self._folder = folder
        self._files = files_of(folder)
        self.schema: Mapping[str, object] = _schema(self._files)

    def fits(self, text: str) -> bool:
        """It has no words: see Findable."""
        return True

    async def call(self, call: ToolCall) -> str:
        """Return the instructions and which files there are, or a file; raises ToolError."""
        file = call.arguments.get("file")
        return self._instructions() if file is None else await asyncio.to_thread(self._read, str(file))

    def _instructions(self) -> str:
        parts = [f"Instructions of the skill {self._skill.name}:", self._skill.body or self._skill.description]
        if self._files:
            parts.append(f"Its files, each to be read by its name: {', '.join(self._files)}")
        return "\n\n".join(parts)

    def _read(self, file: str) -> str:
        # Only what was listed when it was installed: no path is ever made of what an LLM says.
        if file not in self._files:
            raise ToolError(f"There's no file {file[:100]!r}; there are: {', '.join(self._files)[:500] or 'none'}.")
        try:
            with (self._folder / file).open("rb") as opened:
                return opened.read(READ).decode()
        except (OSError, UnicodeDecodeError):
            raise ToolError(f"{file} isn't a text that can be read.") from None


class Skills:
    """Packages with SKILL.md."""

    kind: PackageKind = "skill"
    manifest = MANIFEST

    def name(self, manifest: bytes) -> str:
        """See Kind."""
        return skill_name_in(manifest)

    def sheet(self, folder: Path) -> Sheet:
        """See Kind."""
        skill = _load(folder)
        return Sheet(
            name=skill.name,
            version=skill.version,
            kind="skill",
            description=_line(skill.description),
            tools=(tool_name(skill),),
            notes=_notes(skill, files_of(folder)),
        )

    async def check(self, folder: Path) -> None:
        """There's nothing to run."""

    async def build(self, folder: Path, grants: tuple[str, ...]) -> None:
        """There's nothing to build."""

    async def open(self, package: Package, folder: Path) -> Opened:
        """See Kind."""
        return Opened(tools=(await asyncio.to_thread(self._tool, package, folder),))

    @staticmethod
    def _tool(package: Package, folder: Path) -> SkillTool:
        return SkillTool(_load(folder), package, folder)


def tool_name(skill: Skill) -> str:
    """Return what the tool of a skill is called."""
    return f"{PREFIX}{skill.name}"


def files_of(folder: Path) -> tuple[str, ...]:
    """Return a skill's files beside SKILL.md, as paths below its folder; no links."""
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        paths = [Path(place) / name for name in sorted(names)]
        found += [path.relative_to(folder).as_posix() for path in paths if path.is_file() and not path.is_symlink()]
    return tuple(name for name in found if name != MANIFEST)[:FILES]


def _load(folder: Path) -> Skill:
    with places_hidden(folder):
        return load_skill(folder)


def _schema(files: tuple[str, ...]) -> Mapping[str, object]:
    file = {"type": "string", "enum": list(files), "description": "One of its files, in place of its instructions."}
    return {
        "type": "object",
        "properties": {"file": file} if files else {},
        "required": [],
        "additionalProperties": False,
    }


def _line(description: str) -> str:
    if len(description) <= LINE:
        return description
    return f"{description[:LINE].rpartition(' ')[0] or description[: LINE - 1]}…"


def _notes(skill: Skill, files: tuple[str, ...]) -> tuple[str, ...]:
    programs = [name for name in files if name.startswith("scripts/")]
    notes = {
        "Words for an agent, written by others; nothing of it is run": True,
        f"Brings programs that aren't run here: {_few(programs)}": bool(programs),
        f"Would like to use, without being given it: {_few(skill.wishes)}": bool(skill.wishes),
        f"Licence: {skill.license}": bool(skill.license),
        f"Needs, as it says: {skill.compatibility}": bool(skill.compatibility),
    }
    return (*(note for note, there in notes.items() if there), *(f"Odd: {odd}" for odd in skill.odd))


def _few(names: tuple[str, ...] | list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
