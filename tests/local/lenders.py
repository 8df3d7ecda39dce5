"""A computer that lends a folder and commands, with a scripted person at it."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from hub.lent import Call, Wish
from hub.local.approving import Approving, Deed, Word
from hub.local.audit import Audit
from hub.local.carrying import Lender, Shelf
from hub.local.commands import command_of
from hub.local.folders import Folder


class Person:
    """Says what was scripted, and remembers what was shown; without a script it never answers."""

    def __init__(self, *words: Word) -> None:
        self._words = list(words)
        self.shown: list[Deed] = []
        self.meanwhile: Callable[[Deed], None] = lambda deed: None

    async def ask(self, deed: Deed) -> Word:
        self.shown.append(deed)
        self.meanwhile(deed)
        if not self._words:
            await asyncio.get_running_loop().create_future()
        return self._words.pop(0)


class Computer:
    """All of `agenthost local` but the line."""

    def __init__(
        self, stack: ExitStack, root: Path, person: Person | None, *, yes_read: bool = False, patience: float = 60.0
    ) -> None:
        self.now = 0.0
        self.notes = root / "audit.jsonl"
        self.root = root / "notes"
        self.root.mkdir(exist_ok=True)
        (root / "papers").mkdir(exist_ok=True)
        shelves = {
            "notes": Shelf(folder=stack.enter_context(Folder(self.root)), writable=True),
            "papers": Shelf(folder=stack.enter_context(Folder(root / "papers")), writable=False),
        }
        commands = {
            "hello": command_of("hello", "echo hello {whom}", self.root),
            "env": command_of("env", "env", self.root),
            "slow": command_of("slow", "sleep 60", self.root),
            "flood": command_of("flood", "yes", self.root),
        }
        audit = stack.enter_context(Audit(self.notes, "http://hub"))
        approving = Approving(person, lambda: self.now, yes_read=yes_read, patience=patience)
        self.lender = Lender(shelves, commands, approving, audit, lambda: self.now)
        self._calls = 0

    def call(self, wish: Wish, id: str = "", **told: object) -> Call:
        self._calls += 1
        return Call(id=id or f"call{self._calls}", wish=wish, task="#1 What's there?", agent="default", **told)  # type: ignore[arg-type]
