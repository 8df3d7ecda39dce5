"""What happens, as a stream: what was missed, from the store; then what comes, from the feed; without gap or double."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
from msgspec import Struct

from hub.ports import Delta, Feed
from hub.records import Event, Message, MessageId, PersonId, TaskId, TenantId, TurnId
from hub.web.auth import Caller
from hub.web.resources import view_message, view_task, view_turn
from hub.web.services import Services

KEEP_ALIVE = 15.0
PAGE = 100
SETTLED = ("answered", "stopped", "failed", "asking")
"""States of a person's message in which it waits for nothing from the hub."""


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as clients see it; only kept ones have an id."""

    event: str
    id: int | None = None
    data: msgspec.Raw


class Named(Struct, frozen=True):
    """All that's read of an event's body: which thing it speaks of."""

    id: str


class Watch:
    """News from a feed, asked for with patience: looking away for a moment loses nothing."""

    def __init__(self, news: AsyncIterator[Event | Delta], closing: asyncio.Event) -> None:
        self._news = news
        self._next: asyncio.Task[Event | Delta] | None = None
        self._closing = asyncio.ensure_future(closing.wait())

    async def next(self, seconds: float) -> Event | Delta | None:
        """Return the next news, or None after so many seconds; raises StopAsyncIteration when there'll be none."""
        if self._next is None:
            self._next = asyncio.ensure_future(_anext(self._news))
        await asyncio.wait((self._next, self._closing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._closing.done():
            raise StopAsyncIteration
        if not self._next.done():
            return None
        news, self._next = self._next.result(), None
        if news is None:
            raise StopAsyncIteration
        return news
