"""Serves the web over uvicorn, and lets go of long answers as soon as it's told to stop."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

FRAME = 1024 * 1024
"""The most bytes of a WebSocket's frame."""
GRACE = 5
"""Seconds that requests under way have at the end; streams end at once."""


class Server(uvicorn.Server):
    """A uvicorn server that tells streams to end before it waits for them. Set `should_exit` to stop it."""

    def __init__(self, app: Litestar, *, closing: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                ws_max_size=FRAME,
                ws="websockets-sansio",
                timeout_graceful_shutdown=GRACE,
                lifespan="off",
            )
        )
        self._closing = closing

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: whoever runs the server decides what they mean."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving: streams end now, other requests within the grace."""
        self._closing.set()
        await super().shutdown(sockets)
