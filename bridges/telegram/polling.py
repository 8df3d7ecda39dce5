"""Ask Telegram for updates, and raise the offset only over those that the hub answers for."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from aiogram.methods import TelegramMethod
from pydantic import Field

from bridges.telegram.api import Api, Fault
from bridges.telegram.intake import Intake, Raw, Settled
from hub.accounts import UPDATES
from hub.ports import Clock

log = logging.getLogger(__name__)

POLL = 25
"""Seconds that Telegram waits for something to tell."""
MARGIN = 10
LINGER = 1.0
"""So long the others wait for a chat that's slow; then they're asked for past it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0


class GetRawUpdates(TelegramMethod[list[Any]]):
    """getUpdates, with each update as it came: one that can't be read mustn't hide the rest."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = POLL
    allowed_updates: list[str] = Field(default_factory=lambda: list(UPDATES))


class Polling:
    """The loop. `down` is told why nothing comes, with None when it comes again."""

    def __init__(self, api: Api, intake: Intake, clock: Clock, *, down: Callable[[Fault | None], None]) -> None:
        self._api = api
        self._intake = intake
        self._clock = clock
        self._down = down
        self._kinds = list(UPDATES)
        self._pause = FIRST_PAUSE

    async def run(self) -> Fault:
        """Take updates until cancelled; return why if the bot isn't wanted any more."""
        offset: int | None = None
        known: dict[int, asyncio.Task[Settled]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                updates = await self._get(offset)
                if isinstance(updates, Fault):
                    if updates.kind == "unwanted":
                        return updates
                    await self._wait_out(updates)
                    continue
                for raw in updates:
                    id = int(raw["update_id"])
                    if id not in known and (offset is None or id >= offset):
                        known[id] = group.create_task(self._intake.take(raw))
                if known:
                    await asyncio.wait(known.values(), timeout=LINGER)
                    offset, failed = _progress(known)
                    if failed:
                        await self._back_off()
                        continue
                self._pause = FIRST_PAUSE

    async def _get(self, offset: int | None) -> list[Raw] | Fault:
        method = GetRawUpdates(offset=offset, allowed_updates=self._kinds)
        try:
            updates = await self._api.call(method, patience=POLL + MARGIN)
        except Fault as fault:
            return fault
        self._down(None)
        return updates

    async def _wait_out(self, fault: Fault) -> None:
        if fault.kind == "refused" and fault.says("allowed_updates") and len(self._kinds) > 1:
            log.info("this server doesn't know %r", self._kinds.pop())
            return
        self._down(fault)
        log.warning("no updates: %s", fault)
        if fault.kind == "slow":
            await self._clock.sleep(fault.after)
        else:
            await self._back_off()

    async def _back_off(self) -> None:
        # Not all bots of a machine come back in the same moment.
        await self._clock.sleep(self._pause * random.uniform(0.7, 1.3))  # noqa: S311
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


def _progress(known: dict[int, "asyncio.Task[Settled]"]) -> tuple[int, bool]:
    """Return the offset that leaves nothing behind, and whether something must come again; forget what's settled."""
    later = [id for id, task in known.items() if task.done() and task.result() == "later"]
    for id in later:
        del known[id]
    open_ = [*later, *(id for id, task in known.items() if not task.done())]
    offset = min(open_) if open_ else max(known) + 1
    for id in [id for id in known if id < offset]:
        del known[id]
    return offset, bool(later)
