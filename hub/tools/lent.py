"""Tools over what the task's person lends of their own computer: offered to nobody else, and only while it's connected.

Each call is a question to whoever sits there; what's changed by one can't be undone from here (`once`).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from hub.errors import ToolError
from hub.lent import PATIENCE, RESULT, SECONDS, TEXT, ListFolder, ReadFile, RunCommand, SearchFolder, Wish, WriteFile
from hub.ports import Effect, Example, Lending, Lent, Tool, ToolCall
from hub.records import Task
from hub.tools.schema import arguments, convert, text

PATH, LABEL, WORDS = 400, 80, 200
_PLACES = re.compile(
    r"\b(?:folders?|director(?:y|ies)|computer|laptop|desktop|pc|mac|machine|disk|drive|command)\b", re.IGNORECASE
)
_WORD = re.compile(r"[\w-]+")
_PLEASE = r"(?:(?:please|can you|could you)[, ]+)?"
_OF = r"(?:in|from|of)(?: my| the)? (?P<folder>[\w/-]+) folder(?: please)?\W*"
_LIST = re.compile(
    rf"{_PLEASE}(?:what(?:'s|’s| is| are)?|which files are|(?:list|show)(?: me)?(?: the)?(?: files)?) {_OF}",
    re.IGNORECASE,
)
_READ = re.compile(rf"{_PLEASE}(?:read|open|show(?: me)?|print) (?P<path>[\w./()+=@&-]+) {_OF}", re.IGNORECASE)
_RUN = re.compile(
    rf"{_PLEASE}(?:run|execute) (?:the )?(?P<command>[\w/-]+)(?: command)? on my"
    r" (?:computer|laptop|desktop|pc|mac|machine)(?: please)?\W*",
    re.IGNORECASE,
)
_FOLDER = {"folder": text("Which folder", LABEL)}
_FILE = {"path": text("The file, such as trips/vienna.md", PATH)}


class LentTool(ABC):
    """What these tools have in common: whose they are, and how they're asked."""

    name: str
    description: str
    schema: Mapping[str, object]
    effect: Effect = "none"
    examples: tuple[Example, ...]
    others: tuple[str, ...]
    outside = True
    seconds = PATIENCE + SECONDS + 15.0
    characters = RESULT
    which = "folder"
    """The argument that says which of the lent things."""
    plain: re.Pattern[str] | None = None
    """What messages that leave no doubt are like."""

    def __init__(self, lending: Lending) -> None:
        self._lending = lending

    def fits(self, text: str) -> bool:
        """Say whether the message speaks of a folder or a computer, or names something that's lent."""
        known = self._lending.names()
        return bool(known) and (
            bool(_PLACES.search(text)) or any(word in known for word in _WORD.findall(text.casefold()))
        )

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the arguments of a message that asks for something lent by its name, and for nothing else."""
        found = self.plain and self.plain.fullmatch(text.strip())
        if not found or found[self.which].rpartition("/")[2].casefold() not in self._lending.names():
            return None
        return found.groupdict()

    def of(self, task: Task) -> Tool | None:
        """Return the tool with what the task's person lends; None if it's nothing."""
        lent = self._lending.lent(task.tenant, task.person)
        found = self._labelled(lent)
        return Theirs(self, tuple(found), self.theirs(lent)) if found else None

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say no: whoever sits at the computer is asked there, about this very call."""
        return ""

    async def call(self, call: ToolCall) -> str:
        """Ask the computer; raises ToolError."""
        label = str(call.arguments.get(self.which, ""))
        found = self._labelled(self._lending.lent(call.tenant, call.person))
        if label not in found:
            there = ", ".join(found) or "nothing: it isn't connected, or agenthost local isn't started there"
            raise ToolError(f"There's no {label!r} that the user lends of their computer. What's lent is {there}.")
        computer, name = found[label]
        return await self._lending.ask(call, computer, self.wish({**call.arguments, self.which: name}))

    # --- what they differ in

    @abstractmethod
    def wish(self, given: Mapping[str, object]) -> Wish:
        """Return what the computer is asked; raises ToolError."""

    def names(self, lent: Lent) -> Sequence[str]:
        """Return what a computer lends for this tool."""
        return [folder.name for folder in lent.folders]

    def theirs(self, lent: Sequence[Lent]) -> tuple[str, Mapping[str, object]]:
        """Return description and schema, with what's lent by its names."""
        labels = list(self._labelled(lent))
        schema = msgspec.to_builtins(self.schema)
        schema["properties"][self.which] = {"type": "string", "description": "Which one", "enum": labels}
        return f"{self.description} There: {', '.join(labels)}.", schema

    def _labelled(self, lent: Sequence[Lent]) -> dict[str, tuple[str, str]]:
        """Return computer and name of each thing by how it's called here: with its computer where that's needed."""
        pairs = [(each.computer, name) for each in lent for name in self.names(each)]
        names = [name for _, name in pairs]
        return {name if names.count(name) == 1 else f"{computer}/{name}": (computer, name) for computer, name in pairs}


class Theirs:
    """A tool as one person has it."""

    outside = True

    def __init__(self, tool: LentTool, labels: Sequence[str], words: tuple[str, Mapping[str, object]]) -> None:
        self._tool = tool
        self._labels = labels
        self.name = tool.name
        self.description, self.schema = words
        self.effect = tool.effect
        self.examples, self.others = tool.examples, tool.others
        self.seconds, self.characters = tool.seconds, tool.characters

    def fits(self, text: str) -> bool:
        """Say yes: it was found to."""
        return True

    def read(self, text: str) -> Mapping[str, object] | None:
        """See LentTool; only what its person lends counts."""
        found = self._tool.read(text)
        return found if found and found[self._tool.which] in self._labels else None

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """See LentTool."""
        return self._tool.goes_out(call, heard)

    async def call(self, call: ToolCall) -> str:
        """See LentTool."""
        return await self._tool.call(call)


class ListComputer(LentTool):
    """Lists a folder."""

    name = "computer_list"
    description = "List the files in a folder of the user's own computer."
    schema: Mapping[str, object] = arguments(_FOLDER, {"path": text("A folder in it, if not all of it", PATH)})
    examples = (
        Example("What's in my notes folder?", {"folder": "notes"}),
        Example("Which files are on my laptop in projects/api?", {"folder": "projects", "path": "api"}),
    )
    others = ("How big is a laptop?", "What's a folder?")
    plain = _LIST

    def wish(self, given: Mapping[str, object]) -> Wish:
        """See LentTool."""
        return convert(given, ListFolder)


class ReadComputer(LentTool):
    """Reads a file."""

    name = "computer_read"
    description = "Read a file in a folder of the user's own computer."
    schema: Mapping[str, object] = arguments(
        {**_FOLDER, **_FILE},
        {"part": {"type": "integer", "description": "Which part of a long file; 1 is the first", "minimum": 1}},
    )
    examples = (
        Example("Read todo.md from my notes folder", {"folder": "notes", "path": "todo.md"}),
        Example(
            "What do my notes on my computer say in trips/vienna.md?", {"folder": "notes", "path": "trips/vienna.md"}
        ),
    )
    others = ("Read me a poem.", "Is my computer too old?")
    plain = _READ

    def wish(self, given: Mapping[str, object]) -> Wish:
        """See LentTool."""
        return convert(given, ReadFile)


class SearchComputer(LentTool):
    """Finds words in a folder's files."""

    name = "computer_search"
    description = "Find in which files of a folder of the user's own computer some words stand."
    schema: Mapping[str, object] = arguments({**_FOLDER, "words": text("The words", WORDS)})
    examples = (
        Example("Find Vienna in my notes folder", {"folder": "notes", "words": "Vienna"}),
        Example("Where in my projects folder is open_door used?", {"folder": "projects", "words": "open_door"}),
    )
    others = ("Search the web for Vienna.", "Find me a laptop.")

    def wish(self, given: Mapping[str, object]) -> Wish:
        """See LentTool."""
        return convert(given, SearchFolder)


class WriteComputer(LentTool):
    """Writes a file."""

    name = "computer_write"
    description = "Write a text into a file in a folder of the user's own computer, in place of what it had."
    schema: Mapping[str, object] = arguments({**_FOLDER, **_FILE, "text": text("All that is to stand in it", TEXT)})
    effect: Effect = "once"
    examples = (
        Example(
            "Write milk into shopping.txt in my notes folder",
            {"folder": "notes", "path": "shopping.txt", "text": "milk"},
        ),
    )
    others = ("Write me a story about a laptop.",)

    def names(self, lent: Lent) -> Sequence[str]:
        """Return the folders that may be written to."""
        return [folder.name for folder in lent.folders if folder.writable]

    def wish(self, given: Mapping[str, object]) -> Wish:
        """See LentTool."""
        return convert(given, WriteFile)


class _Running(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    command: str
    arguments: dict[str, str] = {}


class RunComputer(LentTool):
    """Runs a command."""

    name = "computer_run"
    description = "Run one of the commands that the user lends on their own computer."
    schema: Mapping[str, object] = arguments(
        {"command": text("Which command", LABEL)},
        {
            "arguments": {
                "type": "object",
                "description": "What stands in its places, by their names",
                "additionalProperties": {"type": "string", "maxLength": WORDS},
            }
        },
    )
    effect: Effect = "once"
    examples = (
        Example("Run the status command on my computer", {"command": "status"}),
        Example("Run tests on my laptop", {"command": "tests"}),
    )
    others = ("Run away!", "What's a good command of English?")
    which = "command"
    plain = _RUN

    def names(self, lent: Lent) -> Sequence[str]:
        """Return the commands."""
        return [command.name for command in lent.commands]

    def theirs(self, lent: Sequence[Lent]) -> tuple[str, Mapping[str, object]]:
        """Return description and schema, with what each command does and takes."""
        description, schema = super().theirs(lent)
        told = "; ".join(f"{command.name}: {command.words}" for each in lent for command in each.commands)
        takes = sorted({name for each in lent for command in each.commands for name in command.takes})
        places = {name: text(name, WORDS) for name in takes}
        properties = dict(msgspec.to_builtins(schema)["properties"])
        if places:
            properties["arguments"] = {"type": "object", "properties": places, "additionalProperties": False}
        else:
            properties.pop("arguments")
        return f"{description} ({told})", {**schema, "properties": properties}

    def wish(self, given: Mapping[str, object]) -> Wish:
        """See LentTool."""
        run = convert(given, _Running)
        return convert({"command": run.command, "arguments": run.arguments}, RunCommand)


def lent_tools(lending: Lending) -> tuple[Tool, ...]:
    """Return the tools over what persons lend."""
    return (
        ListComputer(lending),
        ReadComputer(lending),
        SearchComputer(lending),
        WriteComputer(lending),
        RunComputer(lending),
    )
