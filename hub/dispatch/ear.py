"""One kept connection to PostgreSQL: by it others are heard, and while it stands this hub is known to run."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds of silence after which the connection is tried out."""
PAUSE = 1.0
ALIVE = "connect_timeout=5 keepalives_idle=5 keepalives_interval=2 keepalives_count=3"
LOCK_CLASS = 0x41484D45
"""The first half of the advisory locks by which it's seen at once that a hub's process has died."""


class Ear:
    """Hears notifications, whatever becomes of the connection.

    Those of the time between two connections are lost; `back` is called then, so that each hearer catches up.
    """

    def __init__(self, url: str, application: str) -> None:
        self._url = url
        self._application = application
        self._heard: dict[str, list[Callable[[str], None]]] = {}
        self._back: list[Callable[[], None]] = []
        self._first: psycopg.AsyncConnection | None = None
        self._number: int | None = None

    def on(self, channel: str, heard: Callable[[str], None]) -> None:
        """Have `heard` called with each payload; before `open`."""
        self._heard.setdefault(channel, []).append(heard)

    def on_return(self, back: Callable[[], None]) -> None:
        """Have `back` called whenever the connection stands anew."""
        self._back.append(back)

    async def open(self, number: int) -> None:
        """Connect, and hold the advisory lock with that number from now on; raises psycopg.Error."""
        self._number = number
        self._first = await self._connect()

    async def close(self) -> None:
        """Let go."""
        first, self._first = self._first, None
        if first is not None:
            await first.close()

    async def run(self) -> None:
        """Hear until cancelled."""
        while True:
            try:
                async with self._connected() as connection:
                    for back in self._back:
                        back()
                    await self._hear(connection)
            except (psycopg.Error, TimeoutError, OSError) as error:
                log.warning("nothing is heard from other hubs for now: %s", error)
            await asyncio.sleep(PAUSE)

    async def _hear(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for note in connection.notifies(timeout=PATIENCE):
                for heard in self._heard.get(note.channel, ()):
                    heard(note.payload)
            async with asyncio.timeout(PATIENCE):
                await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[psycopg.AsyncConnection, None]:
        first, self._first = self._first, None
        connection = first or await self._connect()
        try:
            yield connection
        finally:
            await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(
            make_conninfo(self._url, **conninfo_to_dict(ALIVE)), autocommit=True, application_name=self._application
        )
        try:
            async with asyncio.timeout(PATIENCE):
                # An old connection of this very hub may still hold it where only its way here is cut.
                await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, self._number))
                for channel in self._heard:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        except BaseException:
            await connection.close()
            raise
        return connection
