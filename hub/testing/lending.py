"""Computers that answer what a test wants."""

from collections.abc import Callable, Sequence

from hub.errors import ToolError
from hub.lent import Command, Folder, Wish
from hub.ports import Lent, ToolCall
from hub.records import HOME, OWNER, PersonId, TenantId
from hub.testing.builders import NOON


class FakeLending:
    """A Lending: one computer of the owner's, `laptop`, which lends notes, papers (read only), and two commands.

    `asked` are the wishes that came; `answers` makes answers of them, and may raise.
    """

    def __init__(self, answers: Callable[[Wish], str] = lambda wish: f"Did {wish}.") -> None:
        self.asked: list[Wish] = []
        self.connected = True
        self._answers = answers

    def lent(self, tenant: TenantId, person: PersonId) -> Sequence[Lent]:
        """See Lending."""
        if not self.connected or (tenant, person) != (HOME, OWNER):
            return ()
        folders = (Folder(name="notes", writable=True), Folder(name="papers"))
        commands = (
            Command(name="greet", words="echo hello {whom}", takes=("whom",)),
            Command(name="slow", words="sleep"),
        )
        return (Lent(computer="laptop", folders=folders, commands=commands, since=NOON),)

    def names(self) -> frozenset[str]:
        """See Lending."""
        return frozenset(("notes", "papers", "greet", "slow")) if self.connected else frozenset()

    async def ask(self, call: ToolCall, computer: str, wish: Wish) -> str:
        """See Lending."""
        found = next((each for each in self.lent(call.tenant, call.person) if each.computer == computer), None)
        if found is None:
            raise ToolError(f"The computer {computer!r} isn't connected.")
        names = {*(folder.name for folder in found.folders), *(command.name for command in found.commands)}
        if getattr(wish, "folder", getattr(wish, "command", "")) not in names:
            raise ToolError("It lends no such thing.")
        self.asked.append(wish)
        return self._answers(wish)
