"""Starts a hub and stops it, and lets a changed config take over in between."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from litestar.types import ASGIApp
from msgspec.structs import replace

import bridges as platforms
import hub
from hub.accounts import kind_of
from hub.app import Hub
from hub.config import Config, Reloader
from hub.errors import ConfigError, HubEnded
from hub.opening import agents_of, opened
from hub.ports import Bridge, Tool
from hub.services import services_of
from hub.web.app import build
from hub.web.server import Server, listening, url_of

log = logging.getLogger(__name__)


def serve(
    config: Config,
    config_path: Path | None = None,
    *,
    bridges: Mapping[str, Bridge] | None = None,
    tools: Sequence[Tool] = (),
    up: Callable[[], None] = lambda: None,
) -> int:
    """Run a hub until SIGINT or SIGTERM; return the exit code. Raises ConfigError and StartError.

    SIGHUP has the config looked at again: a changed and good one takes over, a bad one is logged and changes nothing.
    `bridges` and `tools` come along besides those that the config names. `up` is called each time that it serves.
    """
    return asyncio.run(_serve(config, config_path, bridges or {}, tools, up))


async def _serve(
    config: Config,
    config_path: Path | None,
    bridges: Mapping[str, Bridge],
    tools: Sequence[Tool],
    up: Callable[[], None],
) -> int:
    reloader = Reloader(config_path, os.environ)
    running: Config | None = config
    while running is not None:
        async with AsyncExitStack() as stack:
            hub_, secret = await opened(running, stack, bridges, tools)
            socket_ = stack.enter_context(listening(running))
            app = await _app(hub_, secret, socket_, stack)
            fresh = await _served(hub_, app, socket_, reloader, up)
        running = _kept(config, fresh) if fresh else None
    return 0


async def _app(parts: Hub, secret: str, socket_: socket.socket, stack: AsyncExitStack) -> ASGIApp:
    """Return what's served: the hub's web, and beside it a registry's if the config says so."""
    web = build(services_of(parts, secret))
    if not parts.config.registry.serve:
        return web
    # Only hubs with a registry take the time to load one.
    from hub.registry.parts import at_work  # noqa: PLC0415
    from hub.registry.parts import opened as registry_opened  # noqa: PLC0415
    from hub.registry.serving import beside  # noqa: PLC0415
    from hub.registry.web.app import build as registry_web  # noqa: PLC0415

    config = parts.config
    opening = registry_opened(config.registry, config.data, url_of(config, socket_), parts.clock)
    registry = await stack.enter_async_context(opening)
    await stack.enter_async_context(at_work(registry))
    return beside(web, registry_web(registry))


def _sound(config: Config) -> bool:
    """Say whether a config that's to take over finds its agents and its bridges' packages; log why not."""
    try:
        agents_of(config)
        for account in config.bridges:
            platforms.load(kind_of(account))
    except ConfigError as error:
        log.error("the config has faults, the last good one stays: %s", "; ".join(error.faults))
        return False
    return True


def _kept(config: Config, fresh: Config) -> Config:
    """Return a fresh config; where the hub listens and keeps its data stays as it was until the next start."""
    hub_ = replace(fresh.hub, data=config.hub.data, host=config.hub.host, port=config.hub.port)
    return replace(fresh, hub=hub_)


async def _served(
    parts: Hub, app: ASGIApp, socket_: socket.socket, reloader: Reloader, up: Callable[[], None]
) -> Config | None:
    """Serve until told to stop (return None) or until a changed config is to take over (return it)."""
    server = Server(app, closing=parts.closing)
    fresh: list[Config] = []

    def stop() -> None:
        server.should_exit = True

    in_terminal = os.isatty(0)

    def reload() -> None:
        if in_terminal and not os.isatty(0):
            stop()  # the terminal was closed: that's a hangup in the old sense
        elif (config := reloader.look()) and _sound(config):
            fresh.append(config)
            stop()

    loop = asyncio.get_running_loop()
    for number, handler in ((signal.SIGINT, stop), (signal.SIGTERM, stop), (signal.SIGHUP, reload)):
        loop.add_signal_handler(number, handler)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(_work(parts, fresh, stop))
        group.create_task(_greet(parts, server, socket_, up))
        await server.serve(sockets=[socket_])
        work.cancel()
    return fresh[-1] if fresh else None


async def _work(parts: Hub, fresh: list[Config], stop: Callable[[], None]) -> None:
    """Run a hub; once others have ended it, have it begin anew, with nothing of what it had in memory."""
    try:
        await parts.run()
    except* HubEnded:
        log.error("this hub was silent for too long, and others took over its work: it begins anew")
        fresh.append(parts.config)
        stop()


async def _greet(parts: Hub, server: Server, socket_: socket.socket, up: Callable[[], None]) -> None:
    """Print the sign-in link once the page can be had."""
    while not server.started:
        if server.should_exit:
            return
        await parts.clock.sleep(0.02)
    up()
    base = url_of(parts.config, socket_)
    sys.stdout.write(
        f"AgentHost {hub.__version__} is at {base} – this link signs you in, for an hour:\n"
        f"{base}/sign-in#{parts.people.new_code()}\n"
    )
    sys.stdout.flush()
