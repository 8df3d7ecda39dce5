"""Runs a bridge for as long as the hub runs: on one of several hubs, and again whenever it stumbles."""

import logging

from hub.log import about
from hub.ports import Accept, Bridge, Clock, Hubs

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a bridge that stumbled is begun again."""


def lease_of(bridge: str) -> str:
    """Return the lease of the hub that runs a bridge."""
    return f"bridge:{bridge}"


async def connect(bridge: Bridge, accept: Accept, hubs: Hubs, clock: Clock) -> None:
    """Run a bridge until cancelled, once this hub has its lease.

    One that stumbles is begun again after a while, and the rest goes on.
    """
    await hubs.hold(lease_of(bridge.name))
    pause = FIRST_PAUSE
    while True:
        began = clock.monotonic()
        try:
            with about(bridge=bridge.name):
                await bridge.run(accept)
        except Exception:
            log.exception("bridge %s: stumbled, begun again in %.0f s", bridge.name, pause)
        await clock.sleep(pause)
        lasted = clock.monotonic() - began
        pause = FIRST_PAUSE if lasted > 2 * LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
