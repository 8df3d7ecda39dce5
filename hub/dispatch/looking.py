"""How a lane is looked at: again after a failure, and again if it was woken meanwhile."""

import logging
from collections.abc import Awaitable, Callable

from hub.errors import StoreUnavailable
from hub.ports import Clock

log = logging.getLogger(__name__)

PAUSE = 0.2
LONGEST_PAUSE = 30.0
STORE_PAUSE = 5.0
"""The longest pause while the store can't write: a full disk is over as soon as there's space."""


async def look_at(lane: str, work: Callable[[str], Awaitable[None]], again: dict[str, bool], clock: Clock) -> None:
    """Work on a lane until it was done without a fault and nobody has set its `again`, then forget it there."""
    pause = PAUSE
    while True:
        again[lane] = False
        try:
            await work(lane)
        except StoreUnavailable as error:
            # Nobody's fault in here, and all lanes have it at once: a line each, and a look soon after it's over.
            log.warning("lane %s: %s; looked at again in %.1f s", lane, error, pause)
            await clock.sleep(pause)
            pause = min(pause * 2, STORE_PAUSE)
            continue
        except Exception:
            # A lane lives on whatever happens in it: its entries are still there, and other lanes don't notice.
            log.exception("lane %s: failed, looked at again in %.1f s", lane, pause)
            await clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        pause = PAUSE
        if not again[lane]:
            del again[lane]
            return
