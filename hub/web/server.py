"""Serves the web over uvicorn, and lets go of long answers as soon as it's told to stop."""

import asyncio
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import uvicorn
from litestar.types import ASGIApp

from hub.config import Config
from hub.errors import StartError

FRAME = 1024 * 1024
"""The most bytes of a WebSocket's frame."""
GRACE = 5
"""Seconds that requests under way have at the end; streams end at once."""


class Server(uvicorn.Server):
    """A uvicorn server that tells streams to end before it waits for them. Set `should_exit` to stop it."""

    def __init__(self, app: ASGIApp, *, closing: asyncio.Event, proxied: bool = True) -> None:
        """`proxied`: what a proxy on this machine says of whom a request is from is believed."""
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=proxied,
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve; each write goes out at once."""
        for listening in sockets or ():
            # asyncio does this only for sockets that name their protocol; those of create_server don't. Without it,
            # an answer's second write waits 40 ms for the client to acknowledge the first.
            if listening.family in (socket.AF_INET, socket.AF_INET6):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving: streams end now, other requests within the grace."""
        self._closing.set()
        await super().shutdown(sockets)


@contextmanager
def listening(config: Config) -> Iterator[socket.socket]:
    """Return a socket at the configured address; raises StartError if that can't be had."""
    where = (config.hub.host, config.hub.port)
    try:
        family = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0][0]
        found = socket.create_server(where, family=family, backlog=1024)
    except OSError as error:
        raise StartError(
            f"hub.port: can't listen at {where[0]}:{where[1]} ({error.strerror}); stop what's there, or take another"
            " with --port"
        ) from None
    with found:
        yield found


def url_of(config: Config, found: socket.socket) -> str:
    """Return where people reach a hub that listens at a socket."""
    host, port = found.getsockname()[:2]
    return config.hub.url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"
