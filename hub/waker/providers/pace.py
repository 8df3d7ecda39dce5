"""How often a provider beyond the network is asked, and for how long its old account of a machine is overlooked."""

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec.structs import replace

from hub.waker.providers import Described, ProviderFault, Uncertain

FRESH = 1.0
"""Seconds that a description holds."""
AGAIN = 5.0
"""Seconds until the same is asked for once more."""
SETTLING = 15.0
"""Seconds that a provider may need until its own account of a machine follows what it was asked."""


class Pace:
    """One machine's: its owner asks as often as it likes, the provider hears of it as often as it bears."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: Described | None = None
        self._seen_at = 0.0
        self._asked = ""
        self._asked_at = 0.0

    async def described(self, look: Callable[[], Awaitable[Described]]) -> Described:
        """Return how the machine is, as of a moment ago; one just asked to start isn't taken for stopped,
        nor one just made for missing.
        """
        if self._seen is None or self._now() - self._seen_at >= FRESH:
            self._seen, self._seen_at = await look(), self._now()
        old = {"start": "stopped", "create": "missing"}.get(self._asked)
        if self._seen.state == old and self._now() - self._asked_at < SETTLING:
            return replace(self._seen, state="starting", billed=False)
        return self._seen

    async def ask(self, what: Literal["start", "stop", "create", "destroy"], do: Callable[[], Awaitable[None]]) -> None:
        """Ask for something, unless just that start or stop was asked for a moment ago."""
        if self._asked == what and self._now() - self._asked_at < AGAIN and what in {"start", "stop"}:
            return
        self._seen = None
        try:
            await do()
        except Uncertain:
            self._asked, self._asked_at = what, self._now()
            raise
        except ProviderFault:
            self._asked = ""
            raise
        self._asked, self._asked_at = what, self._now()
