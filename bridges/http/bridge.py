"""The bridge behind the API, the web page and the terminal."""

import asyncio

from bridges.http.convert import BRIDGE
from hub.ports import Accept
from hub.records import Message


class HttpBridge:
    """Delivers by keeping still: readers fetch messages by cursor and by events, each exactly once."""

    name = BRIDGE

    async def run(self, accept: Accept) -> None:
        """Wait until cancelled: messages come in through the web's endpoints."""
        await asyncio.Event().wait()

    async def deliver(self, message: Message, *, again: bool) -> str:
        """Return the message's own id: it's kept, and so it can be read already."""
        return message.id
