"""Whether the threads that paid at the start still pay."""

from typing import Protocol

SLOWER = 3.0
PATIENCE = 20
"""So many evaluations in a row that take SLOWER times as long as measured mean that the cores aren't ours alone."""


class Threaded(Protocol):
    """What works with some threads; the engine does."""

    def threads(self, generation: int, batch: int) -> None:
        """Use so many threads for single tokens and for many."""


class Pace:
    """Watches over measured threads: on cores that others use, several are many times slower than one."""

    def __init__(self, threaded: Threaded, threads: int, speed: float) -> None:
        self.threads = threads
        self._threaded = threaded
        self._expected = 1 / max(0.1, speed)
        self._slow = 0

    def note(self, rows: int, seconds: float) -> bool:
        """Take note of an evaluation; True if it's one thread from now on."""
        if self.threads == 1:
            return False
        self._slow = self._slow + 1 if seconds > SLOWER * self._expected * rows else 0
        if self._slow < PATIENCE:
            return False
        self.threads = 1
        self._threaded.threads(1, 1)
        return True
