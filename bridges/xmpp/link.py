"""The connection: made, watched, and made again after a while, however it ends."""

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bridges.xmpp.stream import Client, Component, ask_for_ack
from hub.ports import BridgeInfo, Clock

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
"""Seconds until a link that broke is made again: doubled each time, and never more."""
REFUSED_PAUSE = 120.0
"""Seconds until a server that refused us is asked again: somebody has to mend something first."""
CONNECTING = 25.0
"""Seconds that making a link may take."""
PROBING = 12.0
"""The same, if somebody waits to hear how it went."""
LONG = 2.0
"""A link that lasted so many seconds was a good one: the next is made soon."""
SHORT_PAUSE = 1.5
"""Seconds, at most, until the next one is made if the last was there at all."""
QUIET, DEAD = 15.0, 35.0
"""Seconds without a sound until the server is asked whether it's there, and until it's taken for dead."""

Begun = Callable[[bool], Awaitable[None]]


class Link:
    """Keeps a stream connected; `info` says how it is."""

    def __init__(
        self, stream: Client | Component, clock: Clock, info: BridgeInfo, where: tuple[str, int] | None
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._where = where
        self.info = info
        self._over = asyncio.Event()
        self._live = asyncio.Event()
        self._fresh = True
        self.made = 0
        """How often a link was made."""
        self._why = ""
        self._refused = False
        for event, react in (
            # Not before the server has said whether it counts (XEP-0198): what's sent until then isn't counted.
            (
                "session_start" if isinstance(stream, Component) else "stream_negotiated",
                lambda _: self._begin(fresh=True),
            ),
            ("session_resumed", lambda _: self._begin(fresh=False)),
            ("failed_all_auth", lambda _: self._refuse("the server doesn't take the JID and the password; mend them")),
            ("ssl_invalid_chain", self._distrust),
            ("connection_failed", self._failed),
            ("stream_error", self._thrown_out),
            ("disconnected", lambda _: self._end()),
            (stream.gave_up, lambda _: self._end()),
        ):
            stream.add_event_handler(event, react)

    @property
    def live(self) -> bool:
        """Whether anything can be sent now."""
        return self._live.is_set()

    @property
    def heard_at(self) -> datetime | None:
        """When the server last said anything."""
        if not self._stream.heard:
            return None
        return self._clock.now() - timedelta(seconds=self._stream.loop.time() - self._stream.heard)

    async def ready(self, within: float) -> bool:
        """Wait a little for the link to be there; say whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._live.wait()
        return self.live

    async def keep(self, begun: Begun) -> None:
        """Connect and stay connected until cancelled; `begun` is run with a new session (True) and a resumed one."""
        pause = FIRST_PAUSE
        while True:
            made, began = self.made, self._clock.monotonic()
            await self._once(begun)
            if self.made != made:
                lasted = self._clock.monotonic() - began
                pause = FIRST_PAUSE if lasted > LONG else min(pause, SHORT_PAUSE)
            wait = REFUSED_PAUSE if self._refused else pause * random.uniform(0.5, 1.0)  # noqa: S311 - only to spread
            log.warning("%s: %s; tried again in %.1f s", self.info.name, self._why or "the connection broke", wait)
            await self._clock.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def once(self, begun: Begun) -> None:
        """Connect, do something with it, and hang up; `info` tells how it went."""
        try:
            await self._once(begun, stay=False, within=PROBING)
        finally:
            self._stream.close()

    def cut(self, why: str) -> None:
        """Break the connection: it isn't what it seems."""
        self._why = self._why or why
        self._stream.abort()

    async def _once(self, begun: Begun, *, stay: bool = True, within: float = CONNECTING) -> None:
        self._over.clear()
        self._why, self._refused = "", False
        self._tell("connecting", "")
        self._stream.connect(*(self._where or (None, None)))
        try:
            await self._until_live(within)
            if self.live:
                await self._through(begun, stay=stay)
        finally:
            self._live.clear()
            self._stream.cancel_connection_attempt()
            if self._stream.transport is not None:
                self._stream.abort()
                await self._over.wait()
        if stay or self.info.state != "running":
            self._tell("refused" if self._refused else "waiting", self._why or "the connection broke")

    async def _until_live(self, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while not self.live and not self._over.is_set():
                    await _first(self._live.wait(), self._over.wait())
        except TimeoutError:
            self._why = self._why or f"no answer within {within:.0f} s"

    async def _through(self, begun: Begun, *, stay: bool) -> None:
        """Do what's to be done on a session, and watch over it until it ends."""
        self._tell("running", "")
        log.info("%s: connected as %s", self.info.name, self.info.account)
        if stay:
            await _first(self._over.wait(), self._watched(begun))
        else:
            await begun(self._fresh)

    async def _watched(self, begun: Begun) -> None:
        await begun(self._fresh)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(QUIET / 2)
            quiet = loop.time() - self._stream.heard
            if quiet > DEAD:
                self.cut(f"the server said nothing for {quiet:.0f} s")
            elif quiet > QUIET and (ping := ask_for_ack(self._stream)):
                ping.send(callback=lambda _: None)

    def _begin(self, *, fresh: bool) -> None:
        self._fresh = fresh
        self.made += 1
        self._live.set()

    def _end(self) -> None:
        self._live.clear()
        self._over.set()

    def _refuse(self, why: str) -> None:
        self._why, self._refused = why, True

    def _distrust(self, error: ssl.SSLError) -> None:
        reason = getattr(error, "verify_message", "") or str(error.reason or error)
        self._refuse(f"the server's certificate isn't trusted ({reason}); set ca_file to its CA, or mend it there")
        self._stream.abort()

    def _failed(self, error: object) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            self._distrust(error)
        else:
            self._why = str(error)

    def _thrown_out(self, error: Any) -> None:
        condition, text = str(error["condition"]), str(error["text"])
        self._why = f"the server ended the stream: {condition}{f' ({text})' if text else ''}"
        self._refused = condition in ("conflict", "not-authorized", "host-unknown", "policy-violation")

    def _tell(self, state: Any, detail: str) -> None:
        if (state, detail) != (self.info.state, self.info.detail):
            self.info = replace(self.info, state=state, detail=detail, since=self._clock.now())


async def _first(*waits: Awaitable[Any]) -> None:
    """Wait until one of them is done, and cancel the others; raises what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
