"""Files that no message names any more: removed a day after they were last put."""

import logging
from collections.abc import Iterable
from datetime import timedelta

from hub.ports import Clock, Files, Store
from hub.records import File, Message

log = logging.getLogger(__name__)

PAGE = 200
YOUNG = timedelta(days=2)
"""A file is put before the message that names it, and an upload may wait a day for one."""
EVERY = timedelta(days=1)


class Litter:
    """Clears away files that nobody has any more."""

    def __init__(self, store: Store, files: Files, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._swept_at = clock.now() - EVERY

    async def sweep(self) -> None:
        """Look at every file that's there, if that's a day ago; may raise StoreUnavailable."""
        now = self._clock.now()
        if timedelta() <= now - self._swept_at < EVERY:
            return
        # In this order: what's named after the look at the messages was put after the look at the files.
        found = await self._files.old(now - YOUNG)
        named = await named_by(self._store) if found else frozenset()
        removed = [sha256 for sha256 in found if sha256 not in named and await self._files.remove(sha256, now - YOUNG)]
        self._swept_at = now
        if removed:
            log.info("removed %d files that no message names", len(removed))


async def named_by(store: Store) -> frozenset[str]:
    """Return the SHA-256 of every file that some message has."""
    named: set[str] = set()
    page = await store.messages_with_any_file(limit=PAGE)
    while page:
        named |= set(files_of(*page))
        page = await store.messages_with_any_file(limit=PAGE, after=page[-1].id)
    return frozenset(named)


def files_of(*messages: Message) -> Iterable[str]:
    """Return the SHA-256 of the files that came along with messages."""
    return (part.sha256 for message in messages for part in message.parts if isinstance(part, File))
