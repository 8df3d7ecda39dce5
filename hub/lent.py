"""What a hub and a person's own computer say to each other at /v1/local, in either direction; and how much at most.

The computer lends, the hub asks. Neither believes the other: whatever comes is checked against these records, and a
computer does only what it was told to lend, however it's asked.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Name: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z")]
"""What a computer, a folder or a command is called."""
Path: TypeAlias = Annotated[str, Meta(max_length=400)]
"""A file below a lent folder, with / between; empty: the folder itself."""
FOLDERS = COMMANDS = 20
FRAME = 512 << 10
"""Bytes of a frame."""
TEXT = 8_000
"""Characters that may be written at a time: who gives leave sees all of them."""
RESULT = 16_000
"""Characters of an answer."""
AT_ONCE = 4
"""Calls of one computer at a time."""
PATIENCE = 120.0
"""Seconds that the person at the computer has for a yes or no."""
SECONDS = 60.0
"""Seconds that a command may run."""
REPLACED = 4409
"""The socket's closing code where another computer came by the same name."""
REFUSED = 4403
"""The socket's closing code where what's lent isn't taken; the reason says why."""


class Folder(Struct, frozen=True, kw_only=True):
    """A folder that's lent."""

    name: Name
    writable: bool = False


class Command(Struct, frozen=True, kw_only=True):
    """A command that's lent, as its owner wrote it: {} around what the hub may fill in."""

    name: Name
    words: Annotated[str, Meta(max_length=400)]
    takes: Annotated[tuple[Name, ...], Meta(max_length=8)] = ()


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The computer's first frame: what it lends."""

    computer: Name
    folders: Annotated[tuple[Folder, ...], Meta(max_length=FOLDERS)] = ()
    commands: Annotated[tuple[Command, ...], Meta(max_length=COMMANDS)] = ()


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    """The hub's first frame: it's taken."""

    person: str
    hub: str


class ListFolder(Struct, frozen=True, kw_only=True, tag="list"):
    """Which files are there?"""

    folder: Name
    path: Path = ""


class ReadFile(Struct, frozen=True, kw_only=True, tag="read"):
    """What's in a file? A long one comes in parts; 1 is the first."""

    folder: Name
    path: Path
    part: Annotated[int, Meta(ge=1, le=10_000)] = 1


class SearchFolder(Struct, frozen=True, kw_only=True, tag="search"):
    """In which files do these words stand?"""

    folder: Name
    words: Annotated[str, Meta(min_length=1, max_length=200)]


class WriteFile(Struct, frozen=True, kw_only=True, tag="write"):
    """Have a file hold exactly this text."""

    folder: Name
    path: Path
    text: Annotated[str, Meta(max_length=TEXT)]


class RunCommand(Struct, frozen=True, kw_only=True, tag="run"):
    """Run a command, with these words in its places."""

    command: Name
    arguments: dict[Name, Annotated[str, Meta(max_length=200)]] = {}


Wish: TypeAlias = ListFolder | ReadFile | SearchFolder | WriteFile | RunCommand


class Call(Struct, frozen=True, kw_only=True, tag="call"):
    """The hub wishes for something. `id` comes once; `task` and `agent` say for a person's eyes what it's for."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    wish: Wish
    task: Annotated[str, Meta(max_length=200)] = ""
    agent: Annotated[str, Meta(max_length=64)] = ""
    tainted: bool = False
    """The task has read words of others than its person."""


class Withdrawn(Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """Nobody waits for a call any more: what wasn't begun isn't done."""

    id: str


class Answer(Struct, frozen=True, kw_only=True, tag="answer"):
    """What came of a call. refused: nothing was done. failed: it was tried, and the text says what went wrong."""

    id: str
    outcome: Literal["done", "refused", "failed"]
    text: Annotated[str, Meta(max_length=RESULT + 200)]


FromHub: TypeAlias = Welcome | Call | Withdrawn
FromComputer: TypeAlias = Hello | Answer
