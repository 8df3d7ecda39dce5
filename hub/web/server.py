"""Serves the web over uvicorn, and lets go of long answers as soon as it's told to stop."""

import asyncio
import socket

import uvicorn
from litestar import Litestar

FRAME = 1024 * 1024
"""The most bytes of a WebSocket's frame."""
GRACE = 5
"""Seconds that requests under way have at the end; streams end at once."""


class Server(uvicorn.Server):
    """A uvicorn server that tells streams to end before it waits for them."""

    def __init__(self, app: Litestar, *, host: str, port: int, closing: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving: streams end now, other requests within the grace."""
        self._closing.set()
        await super().shutdown(sockets)
