"""Chat platforms, seen from the hub."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from hub.records import (
    Incoming,
    Message,
)

Accept = Callable[[Incoming], Awaitable[bool]]


class Bridge(Protocol):
    """A chat platform, seen from the hub."""

    name: str

    async def run(self, accept: Accept) -> None:
        """Hand each incoming message to `accept` until cancelled.

        A message may be acknowledged to the platform only once `accept` has returned: from then on the hub answers for
        it. Handing over the same message twice is harmless; `accept` returns False the second time. It raises
        PersonError for what the sender must be told, StoreUnavailable for what must be handed over again later.
        """

    async def deliver(self, message: Message, *, again: bool) -> str:
        """Deliver a message to its address; return the platform's id for it.

        `again` says that it may have been delivered before: then it's marked, unless the platform removes doubles.
        Raises DeliveryDelayed, DeliveryUncertain or DeliveryRefused.
        """
