"""Where times come from."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where all times come from."""

    def now(self) -> datetime:
        """Return the time, aware and UTC."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
