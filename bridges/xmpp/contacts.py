"""Who may see that we're there: those whom the hub knows, and those whom the account's access lets in."""

import logging
from collections.abc import Awaitable, Callable

from bridges.xmpp.stream import Client, Component

log = logging.getLogger(__name__)

WAITING = 500
"""People who asked and aren't known; more aren't remembered, and may ask again."""


class Contacts:
    """Answers requests for our presence: each once, whatever the other side says to that."""

    def __init__(self, stream: Client | Component, is_known: Callable[[str], Awaitable[bool]]) -> None:
        self._stream = stream
        self._is_known = is_known
        self._waiting: dict[str, str] = {}
        self._asked: set[str] = set()

    async def asked(self, jid: str, ours: str) -> None:
        """Take in a request of somebody to see one of our addresses."""
        if await self._is_known(jid):
            self._let_in(jid, ours)
        elif len(self._waiting) < WAITING:
            self._waiting[jid] = ours

    def met(self, jid: str) -> None:
        """Let somebody in who asked before they were known."""
        if ours := self._waiting.pop(jid, None):
            self._let_in(jid, ours)

    def show(self, jid: str, ours: str) -> None:
        """Tell somebody that an address of ours is there: a component has to say so for each."""
        self._stream.send_presence(pto=jid, pfrom=self._sender(ours))

    def _let_in(self, jid: str, ours: str) -> None:
        sender = self._sender(ours)
        self._stream.send_presence(pto=jid, pfrom=sender, ptype="subscribed")
        if sender:
            self.show(jid, ours)
        if jid not in self._asked:
            self._asked.add(jid)
            self._stream.send_presence(pto=jid, pfrom=sender, ptype="subscribe")

    def _sender(self, ours: str) -> str | None:
        return ours if isinstance(self._stream, Component) else None
