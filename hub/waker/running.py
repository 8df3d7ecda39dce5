"""Puts a waker together, and runs it until it's told to stop; the hubs stay as they are."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Generator, Mapping
from pathlib import Path

import uvicorn

from hub import accounts
from hub import log as logs
from hub.accounts import BridgeAccount, TelegramAccount
from hub.clock import SystemClock
from hub.errors import StartError
from hub.ports.time import Clock
from hub.waker.config import HubConfig, WakerConfig, hub_of, secrets_of
from hub.waker.ears import Ear
from hub.waker.front import Front
from hub.waker.later import Later
from hub.waker.orphans import Orphans
from hub.waker.peer import Peer
from hub.waker.power import Power
from hub.waker.providers import Provider
from hub.waker.providers.loading import provider_of
from hub.waker.proxy import Proxy
from hub.waker.relay import Relay
from hub.waker.site import Seat
from hub.waker.spool import Spool
from hub.waker.telegram import TelegramEar
from hub.waker.telling import Tell

log = logging.getLogger(__name__)

KEY = "waker.key"
GRACE = 5


class Waker:
    """The parts of a waker."""

    def __init__(self, config: WakerConfig, spool: Spool, clock: Clock, key: str, providers: Mapping[str, Provider]):
        self._config = config
        self._providers = providers
        self._peers: list[Peer] = []
        self._relays: list[Relay] = []
        self.seats: list[Seat] = []
        self.ears: list[Ear] = []
        for hub in config.hubs:
            self._seat(hub, spool, clock)
        self._orphans = Orphans(providers, clock, destroy=config.waker.destroy_orphans)
        self.front = Front(self.seats, self.ears, spool, clock, key, self._orphans)

    def _seat(self, hub: HubConfig, spool: Spool, clock: Clock) -> None:
        peer = Peer(lambda: power.url, hub.token)
        power = Power(
            hub, provider=self._providers[hub.name], peer=peer, spool=spool, clock=clock, failed=self._telling(hub)
        )
        self._peers.append(peer)
        self._relays.append(Relay(power, peer, spool, clock))
        proxy = Proxy(power, spool, clock)
        later = Later(proxy, spool, self._config.data / f"{hub.name}.requests", clock)
        heard = [each for each in self._config.bridges if hub_of(self._config, each).name == hub.name]
        ears = tuple(_ear(account, power, spool, clock) for account in heard)
        self.ears += ears
        self.seats.append(Seat(power, proxy, later, ears))

    def _telling(self, hub: HubConfig) -> Tell:
        async def tell(text: str, first: bool) -> None:
            seat = next(seat for seat in self.seats if seat.power.hub.name == hub.name)
            for ear in seat.ears:
                await ear.tell(f"The hub is {text}. Your message is kept.", owner=first)

        return tell

    async def run(self) -> None:
        """Hear, wake, hand over and put to sleep until cancelled."""
        async with asyncio.TaskGroup() as group:
            for seat in self.seats:
                group.create_task(seat.power.run())
                group.create_task(seat.later.run())
            for relay in self._relays:
                group.create_task(relay.run())
            for ear in self.ears:
                group.create_task(ear.run())
            group.create_task(self._orphans.run())

    async def close(self) -> None:
        """Let go of every connection."""
        closing: list[Peer | Proxy | Ear | Provider] = [*self._peers, *self.ears]
        closing += [*(seat.proxy for seat in self.seats), *self._providers.values()]
        for each in closing:
            await each.close()


def _ear(account: BridgeAccount, power: Power, spool: Spool, clock: Clock) -> Ear:
    if isinstance(account, TelegramAccount):
        return TelegramEar(account, power, spool, clock)
    # Only who has such an account needs the library.
    from hub.waker.xmpp import XmppEar  # noqa: PLC0415

    return XmppEar(account, power, spool, clock)


def serve(config: WakerConfig) -> int:
    """Run a waker until SIGINT or SIGTERM; return the exit code. Raises StartError."""
    asyncio.run(_serve(config))
    return 0


async def _serve(config: WakerConfig) -> None:
    hidden = [secret for hub in config.hubs for secret in secrets_of(hub)]
    for account in config.bridges:
        hidden += accounts.secrets_of(account)
    redaction = logs.configure(config.waker.log, config.waker.log_level, secrets=hidden)
    spool = Spool(config.data / "waker.db")
    spool.open()
    key = _key(config.data / KEY)
    redaction.hide(key)
    providers = {hub.name: provider_of(hub, config.data, config.waker.name) for hub in config.hubs}
    waker = Waker(config, spool, SystemClock(), key, providers)
    server = Server(waker)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with listening(config) as found:
        host, port = found.getsockname()[:2]
        log.info("waking %s; listening at http://%s:%d", ", ".join(hub.name for hub in config.hubs), host, port)
        try:
            async with asyncio.TaskGroup() as group:
                served = group.create_task(server.serve(sockets=[found]))
                work = group.create_task(waker.run())
                await stopping.wait()
                server.should_exit = True
                await served
                work.cancel()
        finally:
            await waker.close()
            await spool.close()


class Server(uvicorn.Server):
    """A uvicorn server over a waker's front. Set `should_exit` to stop it."""

    def __init__(self, waker: Waker) -> None:
        super().__init__(
            uvicorn.Config(
                waker.front,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                ws="websockets-sansio",
                timeout_graceful_shutdown=GRACE,
                lifespan="off",
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: whoever runs the server decides what they mean."""
        yield


@contextlib.contextmanager
def listening(config: WakerConfig) -> Generator[socket.socket, None, None]:
    """Return a socket at the configured address; raises StartError if that can't be had."""
    where = (config.waker.host, config.waker.port)
    try:
        family = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0][0]
        found = socket.create_server(where, family=family, backlog=1024)
    except OSError as error:
        raise StartError(
            f"waker.port: can't listen at {where[0]}:{where[1]} ({error.strerror}); stop what's there, or take another"
        ) from None
    # Connections inherit it. asyncio sets it only for sockets that name their protocol, and without it an answer's
    # second write waits 40 ms for the client to acknowledge the first.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with found:
        yield found


def _key(file: Path) -> str:
    """Return the key that the waker's status is asked with, made if there's none."""
    with contextlib.suppress(OSError):
        if key := file.read_text(encoding="utf-8").strip():
            return key
    key = secrets.token_urlsafe(32)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(key + "\n")
    return key
