"""What tasks leave behind when they've ended: their workspaces, cleared after a while."""

import logging
from datetime import timedelta

from hub.ports import Clock, Store, Workspaces
from hub.records import OPEN, TaskId

log = logging.getLogger(__name__)


class Leftovers:
    """Clears the workspaces of tasks that ended long ago, or aren't kept any more."""

    def __init__(self, store: Store, workspaces: Workspaces, clock: Clock, keep: timedelta) -> None:
        self._store = store
        self._workspaces = workspaces
        self._clock = clock
        self._keep = keep

    async def sweep(self) -> None:
        """Look at every workspace that's there; may raise StoreUnavailable."""
        cleared = 0
        for tenant, id in await self._workspaces.kept():
            if await self._over(id):
                await self._workspaces.clear(tenant, id)
                cleared += 1
        if cleared:
            log.info("cleared %d workspaces of tasks that ended long ago", cleared)

    async def _over(self, id: TaskId) -> bool:
        task = await self._store.task(id)
        return task is None or (task.state not in OPEN and task.updated_at < self._clock.now() - self._keep)
