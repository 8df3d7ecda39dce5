"""How far the archives have been read: kept durably, once what's before is kept by the hub."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from bridges.xmpp.backlog import Backlog
from hub.errors import StoreError
from hub.ports import Clock

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two writings: what's read twice after a crash is kept once all the same."""


EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(Struct, frozen=True, kw_only=True):
    """How far an archive has been read."""

    id: str
    """Of the latest message up to which all are kept; empty if none was since we began to read."""
    at: datetime
    """When that was noted; with an empty id, when we began."""


class Memory(Protocol):
    """Where marks are kept: some of what Documents can do."""

    async def put(self, owner: str, id: str, document: Mapping[str, object]) -> None: ...
    async def get(self, owner: str, id: str) -> Mapping[str, object] | None: ...


class Marks:
    """Keeps the marks of a bridge among its documents."""

    def __init__(self, documents: Memory, bridge: str, clock: Clock, backlog: Backlog) -> None:
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
        """Return how far an archive has been read; None if it never was."""
        kept = await self._documents.get(self._owner, _name(archive))
        at = datetime.fromisoformat(str(kept.get("at"))) if kept else self._clock.now()
        id = self._backlog.marks.get(archive, str(kept.get("id", "")) if kept else None)
        return None if id is None else Mark(id=id, at=at)

    async def begin(self, archive: str, at: datetime) -> None:
        """Note that an archive is read from a time on."""
        await self._documents.put(self._owner, _name(archive), {"id": "", "at": at.isoformat()})

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
