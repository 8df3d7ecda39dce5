"""Who says yes: the person at this computer, for each call; or what they said before, for the very same.

"Always" is for this session, and as narrow as it can be: reading a folder, writing one file, one command with all its
words.
"""

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from hub.lent import PATIENCE

Word = Literal["yes", "no", "always"]
Decision = tuple[Literal["yes", "no"], Literal["person", "always", "rule", "nobody"]]

WAITING = 4
"""Calls that may wait for a yes or no."""
REFUSALS, REST = 3, 60.0
"""After so many times no on end nobody is asked for so many seconds: who asks again and again gets no yes by it."""


class Deed(Struct, frozen=True, kw_only=True):
    """What would be done: exactly this, and nothing else by the same leave."""

    call: str
    kind: Literal["read", "write", "run"]
    title: str
    """One line: what, and where."""
    body: str = ""
    """All of what's written or run, to the letter."""
    asker: str
    """Which agent, for which task."""
    tainted: bool
    always: str
    """What "always" would be for."""


class Asks(Protocol):
    """Whoever can ask the person."""

    async def ask(self, deed: Deed) -> Word:
        """Show a deed, and return what the person says; cancelled, it's taken off the screen."""


class Approving:
    """Decides about deeds, one question at a time."""

    def __init__(
        self, asks: Asks | None, clock: Callable[[], float], *, yes_read: bool = False, patience: float = PATIENCE
    ) -> None:
        """Without anybody to ask, everything is refused but what's said beforehand (`yes_read`)."""
        self._asks = asks
        self._clock = clock
        self._yes_read = yes_read
        self._patience = patience
        self._always: set[str] = set()
        self._one = asyncio.Lock()
        self._waiting = 0
        self._refusals = 0
        self._until = float("-inf")

    async def decide(self, deed: Deed) -> Decision:
        """Say whether a deed may be done, and who said so."""
        if known := self._known(deed):
            return known
        if self._asks is None or self._waiting >= WAITING or self._clock() < self._until:
            return "no", "nobody" if self._asks is None else "rule"
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience), self._one:
                return self._known(deed) or self._take(deed, await self._asks.ask(deed))
        except TimeoutError:
            return "no", "nobody"
        finally:
            self._waiting -= 1

    def _known(self, deed: Deed) -> Decision | None:
        if deed.always in self._always:
            return "yes", "always"
        return ("yes", "rule") if deed.kind == "read" and self._yes_read else None

    def _take(self, deed: Deed, word: Word) -> Decision:
        if word == "no":
            self._refusals += 1
            if self._refusals >= REFUSALS:
                self._refusals, self._until = 0, self._clock() + REST
            return "no", "person"
        self._refusals = 0
        if word == "always":
            self._always.add(deed.always)
        return "yes", "person"
