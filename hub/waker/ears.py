"""What hears for a hub on a platform, and the waker's memory as that of a bridge's parts."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from hub.accounts import BridgeAccount
from hub.waker.spool import Spool

STRANGERS = 1_000
"""So much of what strangers say is kept for a hub that sleeps, of each account the newest."""


class Ear(Protocol):
    """Hears for one account: what's said is on the spool before its platform is told that it was received."""

    name: str

    @property
    def account(self) -> BridgeAccount:
        """Whose ear it is."""

    @property
    def trouble(self) -> str:
        """What keeps it from hearing, in words; empty if nothing does."""

    async def run(self) -> None:
        """Hear until cancelled."""

    async def tell(self, text: str, *, owner: bool) -> None:
        """Tell those who wait that their words can't be answered for now, each once, and the owner if that's wanted."""

    async def close(self) -> None:
        """Let go of connections."""


class SpoolDocuments:
    """Documents in the spool's marks, for a bridge's part that remembers how far it has read."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    async def put(self, owner: str, id: str, document: Mapping[str, object]) -> None:
        """Keep a document under an id, in place of one that's there. Raises StoreUnavailable."""
        await self._spool.mark(f"{owner}:{id}", msgspec.json.encode(dict(document)).decode())

    async def get(self, owner: str, id: str) -> Mapping[str, object] | None:
        """Return a document; None if there's none. Raises StoreUnavailable."""
        kept = await self._spool.marked(f"{owner}:{id}")
        return msgspec.json.decode(kept, type=dict[str, object]) if kept else None
