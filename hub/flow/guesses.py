"""How often somebody may guess: a few times freely, then after waits that grow, and never end in a lock-out."""

from collections import OrderedDict

from hub.errors import TooMany
from hub.ports import Clock

FREE = 5
"""Guesses without a wait."""
FIRST, LONGEST = 15.0, 900.0
"""Seconds to wait after the last free one, and at most: about a hundred guesses a day, as NIST SP 800-63B allows."""
FORGOTTEN = 86_400.0
"""Seconds without a guess after which the count begins anew."""
REMEMBERED = 50_000


class Guesses:
    """Counts guesses by what's guessed at. This process's own: N hubs let through up to N times as much."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def begin(self, at: str) -> None:
        """Count a guess before it's looked at, so that many at once are many; raises TooMany, then it wasn't one."""
        now = self._clock.monotonic()
        made, last = self._made.get(at, (0, now))
        if now - last > FORGOTTEN:
            made = 0
        wait = _wait(made) - (now - last)
        if wait > 0:
            raise TooMany(f"too many wrong tries; try again in {_words(wait)}", wait)
        self._made[at] = (made + 1, now)
        self._made.move_to_end(at)
        if len(self._made) > REMEMBERED:
            self._made.popitem(last=False)

    def right(self, at: str) -> None:
        """Forget what was guessed before: this one was right."""
        self._made.pop(at, None)


def _wait(made: int) -> float:
    return 0.0 if made < FREE else min(LONGEST, FIRST * 2.0 ** min(made - FREE, 20))


def _words(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
