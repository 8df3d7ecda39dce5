"""Those who wait for a hub that doesn't come are told so, in the words of what keeps it from coming."""

from collections.abc import Awaitable, Callable

from hub.ports.time import Clock

LOOK = 5.0
PATIENCE = 60.0
"""Seconds that people wait in vain before they're told."""
FAILURES = 3
"""Starts in a row that fail before people are told, however short they've waited."""

Tell = Callable[[str, bool], Awaitable[None]]
"""Tells whoever waits now and hasn't been told yet; the second says that it's the first they could hear of it."""


class Telling:
    """Keeps count of one hub's wait. It's over when the hub is up."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self.failures = 0
        """Starts in a row that have failed."""
        self.refused = False
        """No start is allowed at present."""
        self.why = ""
        """What has kept the hub from being up."""
        self._clock = clock
        self._tell = tell
        self._since: float | None = None
        self._told = False

    def waits(self) -> None:
        """Take note that the hub is wanted and isn't up."""
        if self._since is None:
            self._since = self._clock.monotonic()

    def up(self) -> None:
        """Take note that it's up: nobody waits."""
        self.failures, self.refused, self.why = 0, False, ""
        self._since, self._told = None, False

    async def run(self) -> None:
        """Tell people until cancelled: also those who come when others were told already."""
        while True:
            await self._clock.sleep(LOOK)
            if text := self._text():
                first, self._told = not self._told, True
                await self._tell(text, first)

    def _text(self) -> str:
        if self._since is None:
            return ""
        if self.refused:
            return f"asleep, and it may not be started: {self.why}"
        if self.failures >= FAILURES:
            return f"asleep, and it could not be started: {self.why}"
        if self._clock.monotonic() - self._since >= PATIENCE:
            return f"asleep, and it isn't up yet after a minute: {self.why or 'it is still being started'}"
        return ""
