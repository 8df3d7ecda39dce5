"""Files of a task: those in its workspace, and those that its person sent, which nobody can change.

What a person sent stands under attachments/ by the name they gave it: `Attached` has it so.
"""

import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from hub.errors import ToolError
from hub.ports import Effect, Example, ToolCall, Workspaces
from hub.tools.extract import BYTES, Extractor
from hub.tools.portions import portion, read_on
from hub.tools.schema import arguments, convert, text

PATH = 200
TEXT = 100_000
SHOWN = 40


class _Nothing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Path(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    part: Annotated[int, Meta(ge=1, le=10_000)] = 1


class _Text(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    text: str


class ListFiles:
    """Tells which files a task has."""

    name = "list_files"
    description = "List the files of this task: what was written, and what the user sent."
    schema: Mapping[str, object] = arguments({})
    effect: Effect = "none"
    of_task = True
    # Whoever sent a file, or wrote it, also named it.
    outside = True
    examples = (Example("Which files do you have?", {}), Example("List the files in the workspace.", {}))
    others = ("How do I delete a file on my computer?", "What's in a good list?")

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def fits(self, text: str) -> bool:
        """Say whether the message speaks of files that are here."""
        return bool(_LISTED.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return no arguments, if the message asks for nothing but the list."""
        return {} if _LIST.fullmatch(text.strip()) else None

    async def call(self, call: ToolCall) -> str:
        """Return a line for each file, with its size."""
        convert(call.arguments, _Nothing)
        lines = [f"{file.path} ({file.size} bytes)" for file in await self._workspaces.list(call.tenant, call.task)]
        if not lines:
            return "There are no files."
        more = f"\n... and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        return "\n".join(lines[:SHOWN]) + more


class ReadFile:
    """Reads a file of a task."""

    name = "read_file"
    description = "Read a file of this task, such as notes.txt or attachments/report.pdf."
    schema: Mapping[str, object] = arguments(
        {"path": text("The file, such as notes.txt or attachments/report.pdf", PATH)},
        {"part": {"type": "integer", "description": "Which part of a long file; 1 is the first", "minimum": 1}},
    )
    effect: Effect = "none"
    of_task = True
    outside = True
    quotes = ("path",)
    file = "path"
    examples = (
        Example("Show me the file notes.txt", {"path": "notes.txt"}),
        Example("What does the attached report.pdf say about costs?", {"path": "attachments/report.pdf"}),
    )
    others = ("I wrote a file for my boss.", "What is a PDF?")

    def __init__(self, workspaces: Workspaces, extractor: Extractor) -> None:
        self._workspaces = workspaces
        self._extractor = extractor

    def fits(self, text: str) -> bool:
        """Say whether the message names a file, or speaks of one that's here."""
        return bool(_NAMED.search(text) or _HERE.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the path of a message that wants to see a file, and nothing of it or about it."""
        found = _SHOW.fullmatch(text.strip())
        return {"path": found["path"]} if found else None

    async def call(self, call: ToolCall) -> str:
        """Return a file's text, or the part of it that's asked for; raises ToolError."""
        wish = convert(call.arguments, _Path)
        path = await self._meant(call, wish.path)
        data = await self._workspaces.read(call.tenant, call.task, path)
        kind = _read_as(data)
        found = await self._extractor.read(data, kind, name="" if kind == "text/plain" else path)
        shown, parts = portion(found.text, wish.part)
        return "\n".join(filter(None, (f"{path}:", shown, read_on(wish.part, parts))))

    async def _meant(self, call: ToolCall, wished: str) -> str:
        """Return the path that's meant: the very one, else the only one whose name stands in what was wished."""
        there = {file.path: file.size for file in await self._workspaces.list(call.tenant, call.task)}
        path = wished.strip().removeprefix("./")
        if path not in there:
            words = f" {path.casefold()} "
            close = [each for each in there if each.rpartition("/")[2].casefold() in words]
            path = close[0] if len(close) == 1 else path
        if there.get(path, 0) > BYTES:
            raise ToolError(f"{path} has {there[path]} bytes; at most {BYTES} are read.")
        return path


class WriteFile:
    """Writes a file of a task."""

    name = "write_file"
    description = "Write text into a file of this task, in place of what it had."
    schema: Mapping[str, object] = arguments(
        {"path": text("The file, such as notes.txt", PATH), "text": text("All that is to stand in it", TEXT)}
    )
    file = "path"
    effect: Effect = "idempotent"
    of_task = True
    quotes = ("path",)
    examples = (
        Example("Write milk and bread into the file list.txt", {"path": "list.txt", "text": "milk and bread"}),
        Example('Save "call Ann" as todo.md', {"path": "todo.md", "text": "call Ann"}),
    )
    others = ("Write me a story about a dog.", "How do I save a file in Word?")

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def fits(self, text: str) -> bool:
        """Say whether the message wants something kept in a file."""
        return bool(_WRITES.search(text) and (_NAMED.search(text) or _FILE.search(text)))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return path and text of a message that says both outright."""
        found = _WRITE.fullmatch(text.strip())
        if not found or _POINTER.fullmatch(found["text"].strip()):
            return None
        return {"path": found["path"], "text": found["text"].strip().strip("\"'“”")}

    async def call(self, call: ToolCall) -> str:
        """Write the file; raises ToolError."""
        wish = convert(call.arguments, _Text)
        named = _NAMED.search(wish.path)
        # A sentence in place of a path is what the person said: the name that's in it is meant.
        path = named[0] if named and " " in wish.path.strip() else wish.path.strip()
        await self._workspaces.write(call.tenant, call.task, path, wish.text.encode())
        return f"I have written {path} ({len(wish.text.encode())} bytes)."


def _read_as(data: bytes) -> str:
    """Return as what a file is read: text as it stands, a page's source too, for who wrote it wants to see that."""
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    return "application/octet-stream" if b"\0" in data[:8192] else "text/plain"


_NAME = r"(?:attachments/)?[\w./()+=@&-]*\w\.[A-Za-z][A-Za-z0-9]{0,7}"
_NAMED = re.compile(
    r"(?<![\w@/.:])(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.(?:txt|md|csv|tsv|json|pdf|html?|log|ya?ml|toml|xml|py|js|ts|sh|sql"
    r"|ini|rst|tex|c|h|cpp|rs|go|java|rb|php|css)\b(?![/@])",
    re.IGNORECASE,
)
_FILE = re.compile(r"\b(?:file|workspace)\b", re.IGNORECASE)
_HERE = re.compile(
    r"\b(?:attach(?:ed|ment|ments)|(?:the|that|this|my|your|these|those) (?:\w+ )?(?:files?|documents?|pdf|notes)"
    r"|file: |workspace)\b",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"\b(?:list|show|which|what)(?: me)?(?: are)?(?: all)?(?: of)?(?: the| my| your| these)? (?:files|attachments)\b"
    r"|\b(?:list|what|which)\b.*\bin (?:the|your|this) workspace\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?:(?:please|can you|could you)[, ]+)?(?:list|show(?: me)?|which|what)(?: are)?(?: all)?(?: the| my| your)? "
    r"(?:files|attachments)(?: (?:do you have|are there|do I have|have I sent|are here|there are))?"
    r"(?: in (?:the|this|your) (?:workspace|task))?\W*",
    re.IGNORECASE,
)
_SHOW = re.compile(
    rf"(?:please )?(?:show(?: me)?|open|print|display|cat)(?: the)?(?: file)? (?P<path>{_NAME})(?: please)?\W*",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\b(?:write|save|put|store|keep|add)\b", re.IGNORECASE)
_WRITE = re.compile(
    r"(?:please )?(?:write|save|put|store) (?P<text>.+?) (?:in|into|to|as)(?: the| a)?(?: file)?(?: called| named)? "
    rf"(?P<path>{_NAME})[.!]*",
    re.IGNORECASE | re.DOTALL,
)
_POINTER = re.compile(
    r"(?:(?:all )?(?:this|that|it|them|these|those|everything)|(?:the|your|my|a|an) .+)", re.IGNORECASE | re.DOTALL
)
