"""How long things are kept: settled entries for days, what has ended as long as the config says, else for ever."""

import logging
from datetime import datetime, timedelta

from hub.config import StoreConfig
from hub.flow.forgetting import FEW, Forgetting
from hub.ports import Clock, Store
from hub.records import Message, Task

log = logging.getLogger(__name__)

MORE = 20_000
"""Tasks and messages that one sweep looks at; the next one goes on."""
OVER = ("answered", "stopped", "failed", "moved", "sent")
"""States of a message that nothing is to be done with any more."""


class Retention:
    """Forgets what's old, a little at a time; never what's open, and no labelled example unless it's wished."""

    def __init__(self, store: Store, forgetting: Forgetting, clock: Clock, settings: StoreConfig) -> None:
        self._store = store
        self._forgetting = forgetting
        self._clock = clock
        self._settings = settings

    async def sweep(self) -> None:
        """Forget what's too old by now; may raise StoreUnavailable."""
        now, days = self._clock.now(), self._settings.keep_messages_days
        entries = await self._store.forget_entries(now - timedelta(days=self._settings.keep_entries_days))
        tasks = messages = 0
        if days:
            tasks = await self._tasks(now - timedelta(days=days))
            messages = await self._loose(now - timedelta(days=days))
        if entries or tasks or messages:
            log.info("forgot %d settled entries, %d ended tasks, %d messages of none", entries, tasks, messages)

    async def _tasks(self, before: datetime) -> int:
        forgotten = seen = 0
        page = await self._store.ended_tasks(before, limit=FEW)
        while page and seen < MORE:
            for task in page:
                if await self._may_go(task):
                    await self._forgetting.task(task)
                    forgotten += 1
            seen += len(page)
            page = await self._store.ended_tasks(before, limit=FEW, after=page[-1])
        return forgotten

    async def _may_go(self, task: Task) -> bool:
        """Say whether nothing waits in a task, and nobody learns from it."""
        if task.schedule is not None:
            return False
        page = await self._store.all_messages_of_task(task.id, limit=FEW)
        while page:
            for message in page:
                if not await self._is_over(message):
                    return False
            page = await self._store.all_messages_of_task(task.id, limit=FEW, after=page[-1].id)
        return True

    async def _loose(self, before: datetime) -> int:
        forgotten = seen = 0
        page = await self._store.loose_messages(before, limit=FEW)
        while page and seen < MORE:
            for message in page:
                if await self._is_over(message):
                    await self._forgetting.message(message)
                    forgotten += 1
            seen += len(page)
            page = await self._store.loose_messages(before, limit=FEW, after=page[-1].id)
        return forgotten

    async def _is_over(self, message: Message) -> bool:
        if message.state not in OVER:
            return False
        if any(entry.state in {"ready", "held"} for entry in await self._store.entries_of(message.id)):
            return False
        return not (self._settings.keep_corrections and await self._store.corrections_of(message.id))
