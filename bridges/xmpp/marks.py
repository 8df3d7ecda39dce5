"""How far the archives have been read: kept durably, once what's before is kept by the hub."""

import asyncio
import logging
import secrets
from datetime import datetime

from msgspec import Struct

from bridges.xmpp.backlog import Backlog
from hub.errors import StoreError
from hub.ports import Clock, Documents

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two writings: what's read twice after a crash is kept once all the same."""


class Mark(Struct, frozen=True, kw_only=True):
    """The latest message of an archive up to which all are kept, and when that was noted."""

    id: str
    at: datetime


class Marks:
    """Keeps the marks of a bridge among its documents."""

    def __init__(self, documents: Documents, bridge: str, clock: Clock, backlog: Backlog) -> None:
        self._documents = documents
        self._owner = f"bridges/{bridge}"
        self._clock = clock
        self._backlog = backlog
        self._moved = asyncio.Event()
        self._written: dict[str, str] = {}

    async def resource(self) -> str:
        """Return this hub's resource: always the same, so that a session left hanging gives way to the new one."""
        kept = await self._documents.get(self._owner, "resource")
        if kept and isinstance(name := kept.get("name"), str):
            return name
        name = f"agenthost.{secrets.token_hex(3)}"
        await self._documents.put(self._owner, "resource", {"name": name})
        return name

    async def get(self, archive: str) -> Mark | None:
        """Return how far an archive has been read."""
        kept = await self._documents.get(self._owner, _name(archive))
        if kept is None:
            return None
        return Mark(id=str(kept.get("id", "")), at=datetime.fromisoformat(str(kept.get("at"))))

    def moved(self) -> None:
        """Have the marks written soon."""
        self._moved.set()

    async def keep(self) -> None:
        """Write marks that moved, until cancelled."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                await self.write()
            except StoreError as error:
                log.warning("how far the archive is read can't be noted: %s", error)
                self._moved.set()
            await self._clock.sleep(PAUSE)

    async def write(self) -> None:
        """Write the marks that moved."""
        for archive, id in tuple(self._backlog.marks.items()):
            if self._written.get(archive) != id:
                at = self._clock.now().isoformat()
                await self._documents.put(self._owner, _name(archive), {"id": id, "at": at})
                self._written[archive] = id


def _name(archive: str) -> str:
    return f"archive of {archive}"
