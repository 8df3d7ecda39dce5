"""Web applications, built once for many tests: they're the same for each, and Litestar takes a third of a second to."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from litestar import Litestar

import hub.registry.web.app
import hub.web.app
from hub.app import Hub
from hub.registry.parts import Parts
from hub.services import services_of
from hub.web.cookies import SESSION, name_of
from hub.web.server import Server
from hub.web.services import Services

_FREE: defaultdict[Hashable, list[Litestar]] = defaultdict(list)
_TAKEN: list[tuple[Hashable, Litestar]] = []


def app_over(services: Services) -> Litestar:
    """Return a hub's application, which serves these alone until the test is over."""
    taken = _taken(services)
    _TAKEN.append(taken)
    return taken[1]


@asynccontextmanager
async def at_work(parts: Hub, key: str, listening: socket.socket) -> AsyncIterator[None]:
    """Have a hub work, and serve at a socket, until the end of the block; its owner has this key."""
    kind, app = _taken(services_of(parts, key))
    server = Server(app, closing=parts.closing)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(parts.run())
        serving = group.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            server.should_exit = True
            await serving
            work.cancel()
    _FREE[kind].append(app)


def _taken(services: Services) -> tuple[Hashable, Litestar]:
    config = services.config
    kind = (services.version, config.hub.url, services.secret, services.uploads.limit, name_of(config, SESSION))
    app = _FREE[kind].pop() if _FREE[kind] else hub.web.app.build(services)
    app.state = hub.web.app.state_over(services)
    return kind, app


def registry_over(parts: Parts) -> Litestar:
    """Return a registry's application, which serves these alone until the test is over."""
    app = _FREE[None].pop() if _FREE[None] else hub.registry.web.app.build(parts)
    app.state = hub.registry.web.app.state_over(parts)
    _TAKEN.append((None, app))
    return app


def give_back() -> None:
    """Let other tests have what this one took."""
    for kind, app in _TAKEN:
        _FREE[kind].append(app)
    _TAKEN.clear()
