"""How many threads pay, measured again and again while the model works: others may come to need the cores, or go."""

import time
from typing import Protocol

SLOWER = 3.0
PATIENCE = 20
"""So many evaluations in a row that take SLOWER times as long as measured mean that the cores aren't ours alone."""

FEW = 8
"""Evaluations of more tokens aren't compared: what they take depends on how many they are."""

RETRY, LONGEST_RETRY = 30.0, 600.0
"""Seconds until more threads are tried again; they double with each try that shows no gain."""

TRIAL = 6
"""Evaluations with more threads that tell whether they pay."""

GAIN = 1.3
"""More threads must be so much faster to be worth their cores."""


class Threaded(Protocol):
    """What works with some threads; the engine does."""

    def threads(self, generation: int, batch: int) -> None:
        """Use so many threads for single tokens and for many."""


class Pace:
    """Watches over the threads: on cores that others use, several are many times slower than one."""

    def __init__(self, threaded: Threaded, threads: int, most: int, speed: float, now: float | None = None) -> None:
        self.threads = threads
        self._threaded = threaded
        self._most = most
        self._expected = 1 / max(0.1, speed)
        self._alone: dict[int, float] = {}
        """Seconds of an evaluation with one thread, as they are at the moment, by how many tokens it's of."""
        self._slow = 0
        self._pause = RETRY
        self._again_at = (time.monotonic() if now is None else now) + RETRY
        self._trial: list[float] | None = None

    def note(self, rows: int, seconds: float, now: float | None = None) -> bool:
        """Take note of an evaluation that ended at `now`; True if from now on it's another number of threads."""
        if rows == 0 or self._most == 1:
            return False
        if self.threads > 1:
            return self._watch(rows, seconds, time.monotonic() if now is None else now)
        if rows > FEW:
            return False
        return self._try(rows, seconds, time.monotonic() if now is None else now)

    def _watch(self, rows: int, seconds: float, now: float) -> bool:
        self._slow = self._slow + 1 if seconds > SLOWER * self._expected * rows else 0
        if self._slow < PATIENCE:
            return False
        self._use(1)
        self._alone.clear()
        self._slow, self._pause, self._again_at = 0, RETRY, now + RETRY
        return True

    def _try(self, rows: int, seconds: float, now: float) -> bool:
        """Compare more threads with one, by the work that has to be done anyway."""
        alone = self._alone.get(rows)
        if self._trial is None:
            self._alone[rows] = seconds if alone is None else alone + 0.2 * (seconds - alone)
            if now >= self._again_at:
                self._trial = []
                self._threaded.threads(self._most, self._most)
            return False
        if alone is None:
            return False
        self._trial.append(seconds / alone)
        # The first one warms up. One that takes very long ends the trial: it has told enough.
        if len(self._trial) <= TRIAL and self._trial[-1] < SLOWER:
            return False
        tried = sorted(self._trial[1:] or self._trial)
        share = tried[len(tried) // 2]
        pays = share * GAIN < 1 and len(self._trial) > TRIAL
        self._trial = None
        self._use(self._most if pays else 1)
        if pays:
            self._expected = share * alone / rows
            return True
        self._pause = min(LONGEST_RETRY, self._pause * 2)
        self._again_at = now + self._pause
        return False

    def _use(self, threads: int) -> None:
        self._threaded.threads(threads, threads)
        self.threads = threads
