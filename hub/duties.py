"""What one hub does for all that share a store: told progress, digests, webhooks, lost work found again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from hub.errors import StoreUnavailable
from hub.ports import Clock, Hubs

log = logging.getLogger(__name__)

Duty = Callable[[], Awaitable[None]]

DUTIES = "duties"
"""The lease of what one hub does for all: what's due, what's forgotten in time, packages on their way."""
STORE_PAUSE = 2.0


async def see_to(hubs: Hubs, clock: Clock, duties: Sequence[Duty]) -> None:
    """Do what one hub does for all, once it's this one, until cancelled; it's begun anew where the store fails."""
    await hubs.hold(DUTIES)
    while True:
        try:
            async with asyncio.TaskGroup() as group:
                for duty in duties:
                    group.create_task(_done(duty))
        except* StoreUnavailable:
            log.warning("what this hub does for all is begun again: the store can't be asked for now")
        await clock.sleep(STORE_PAUSE)


async def _done(duty: Duty) -> None:
    await duty()
