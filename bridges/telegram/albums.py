"""Albums: Telegram sends their pictures one by one, and people mean one message.

A part counts as received once it's in the documents, so that neither a crash loses it nor a platform waits that sends
the next part only when the last is acknowledged. Of albums handed over it's remembered that they were: a part that
comes a second time belongs to them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from aiogram.types import Message
from msgspec import Struct

from hub.ports import Clock, Documents

QUIET = 1.0
"""Seconds after an album's last part until it's taken for complete."""
AGAIN = 5.0
MOST = 10
"""Parts that an album can have."""
REMEMBERED = 100
DONE = "albums-done"
WAITING = "album/"


class Album(Struct, kw_only=True):
    """An album whose parts are still coming."""

    chat: int
    group: str
    parts: list[dict[str, Any]]
    """Telegram's messages as they came, the first first."""
    due: float
    tried: int = 0

    @property
    def key(self) -> str:
        return f"{WAITING}{self.chat}/{self.group}"


class Albums:
    """Gathers albums, durably."""

    def __init__(self, documents: Documents, owner: str, clock: Clock) -> None:
        self._documents = documents
        self._owner = owner
        self._clock = clock
        self._waiting: dict[tuple[int, str], Album] = {}
        self._done: OrderedDict[str, list[int]] = OrderedDict()
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Take up what the last run left incomplete."""
        for id, document in await self._documents.all(self._owner):
            if id == DONE:
                self._done = OrderedDict(_done(document))
            elif id.startswith(WAITING):
                album = _album(document, due=self._clock.monotonic() + QUIET)
                self._waiting[album.chat, album.group] = album
        self._changed.set()

    def is_another(self, chat: int, group: str) -> bool:
        """Say whether an album other than this one waits in a chat: then that one is complete."""
        return any(album.group != group for album in self.of(chat))

    def of(self, chat: int) -> list[Album]:
        """Return a chat's albums that wait, the first first."""
        return [album for album in self._waiting.values() if album.chat == chat]

    async def add(self, chat: int, message: Message, raw: dict[str, Any]) -> bool:
        """Keep a part durably and return True; False if its album was handed over without it. Raises StoreError."""
        group = message.media_group_id or ""
        done = self._done.get(f"{chat}/{group}")
        if done is not None:
            return message.message_id in done
        album = self._waiting.get((chat, group)) or Album(chat=chat, group=group, parts=[], due=0.0)
        others = [part for part in album.parts if part["message_id"] != message.message_id]
        parts = sorted([*others, raw], key=lambda part: int(part["message_id"]))
        await self._documents.put(self._owner, album.key, {"chat": chat, "group": group, "parts": parts})
        album.parts = parts
        album.due = self._clock.monotonic() + (QUIET if len(parts) < MOST else 0.0)
        self._waiting[chat, group] = album
        self._changed.set()
        return True

    async def remove(self, album: Album) -> None:
        """Forget an album that's kept as a message, and remember its parts."""
        self._waiting.pop((album.chat, album.group), None)
        self._done[f"{album.chat}/{album.group}"] = [int(part["message_id"]) for part in album.parts]
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        await self._documents.put(self._owner, DONE, {"albums": dict(self._done)})
        await self._documents.remove(self._owner, album.key)

    def postpone(self, album: Album) -> None:
        """Have an album that couldn't be kept handed over again after a while."""
        album.tried += 1
        album.due = self._clock.monotonic() + AGAIN

    async def due(self) -> int:
        """Return a chat that has an album to hand over, once there's one."""
        while True:
            self._changed.clear()
            first = min(self._waiting.values(), key=lambda album: album.due, default=None)
            if first is None:
                await self._changed.wait()
                continue
            wait = first.due - self._clock.monotonic()
            if wait <= 0:
                return first.chat
            await self._clock.sleep(wait)


def _album(document: Mapping[str, Any], *, due: float) -> Album:
    return Album(chat=int(document["chat"]), group=str(document["group"]), parts=list(document["parts"]), due=due)


def _done(document: Mapping[str, Any]) -> dict[str, list[int]]:
    return {str(key): list(ids) for key, ids in dict(document["albums"]).items()}
