"""Serves a registry by itself, until SIGINT or SIGTERM; or hands its web to a hub that serves it beside its own."""

import asyncio
import signal
import sys

from litestar.types import ASGIApp, Receive, Scope, Send

from hub import __version__, log
from hub.clock import SystemClock
from hub.config import Config
from hub.registry.parts import at_work, opened
from hub.registry.web.app import build
from hub.registry.web.auth import PATH
from hub.shelves import secrets_of
from hub.web.server import Server, listening, url_of

ELSEWHERE = "/v0.1/"
"""Where clients of MCP's registry look, besides below /registry."""


def serve(config: Config) -> int:
    """Run a registry; return the exit code. Raises StartError."""
    log.configure(config.hub.log, config.hub.log_level, secrets=secrets_of(config.registry))
    return asyncio.run(_serve(config))


def beside(hub: ASGIApp, registry: ASGIApp) -> ASGIApp:
    """Return an application that gives a registry what's below its path, and a hub all else."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        its = path == PATH or path.startswith((f"{PATH}/", ELSEWHERE))
        await (registry if its else hub)(scope, receive, send)

    return app


async def _serve(config: Config) -> int:
    with listening(config) as socket:
        url = url_of(config, socket)
        async with opened(config.registry, config.data, url, SystemClock()) as parts, at_work(parts):
            # Which proxies are believed is said by registry.proxies alone.
            server = Server(build(parts), closing=asyncio.Event(), proxied=False)

            def stop() -> None:
                server.should_exit = True

            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop)
            sys.stdout.write(f"AgentHost {__version__}: the registry is at {parts.url}{PATH}/\n")
            sys.stdout.flush()
            await server.serve(sockets=[socket])
    return 0
