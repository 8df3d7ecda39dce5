"""What persons lend of their own computers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from hub.lent import Command, Folder, Wish
from hub.ports.tools import ToolCall
from hub.records import PersonId, TenantId


class Lent(Struct, frozen=True, kw_only=True):
    """What one computer lends now."""

    computer: str
    folders: tuple[Folder, ...] = ()
    commands: tuple[Command, ...] = ()
    since: datetime
    hub: str = ""
    """The hub that it's connected to, where there are several; empty: this one."""


class Lending(Protocol):
    """Computers that are connected now, each for its own person and nobody else."""

    def lent(self, tenant: TenantId, person: PersonId) -> Sequence[Lent]:
        """Return what a person's computers lend, by their names; nothing of anybody else's. Cheap."""

    def names(self) -> frozenset[str]:
        """Return what's lent on this hub by its names, in small letters: whether words are worth a closer look."""

    async def ask(self, call: ToolCall, computer: str, wish: Wish) -> str:
        """Have a computer of the call's person do something, and return its answer.

        Raises ToolError: it isn't connected, lends no such thing, its person said no, or it failed; and Unsure where
        the connection broke after the wish was sent, if that would change something. If the caller is cancelled, the
        computer is told that nobody waits any more.
        """
