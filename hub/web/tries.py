"""How often a client may try to sign in."""

from collections import deque

from hub.errors import TooMany
from hub.ports import Clock

TRIES = 20
WITHIN = 60.0
CLIENTS = 1000


class Tries:
    """Counts what each client tried within the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[str, deque[float]] = {}

    def count(self, client: str) -> None:
        """Count one; raises TooMany when it's one too many."""
        now = self._clock.monotonic()
        if client not in self._tries and len(self._tries) >= CLIENTS:
            self._tries.clear()
        tries = self._tries.setdefault(client, deque(maxlen=TRIES))
        if len(tries) == TRIES and now - tries[0] < WITHIN:
            after = WITHIN - (now - tries[0])
            raise TooMany(f"sign-in: {TRIES} tries within a minute; try again in {after:.0f} seconds", after)
        tries.append(now)
