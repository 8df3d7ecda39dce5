"""Group commit on PostgreSQL, beside other hubs that write there too."""

import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.errors import StoreUnavailable
from hub.store.postgres_server import is_passing
from hub.store.tables import WRITER, counters
from hub.store.writer import Amiss, Changes, Result, Writer, fill

log = logging.getLogger(__name__)

Fence = Callable[[Connection], None]
"""Called at the start of each transaction that writes; raises StoreUnavailable if this hub may not write any more."""
TRIES = 8
DOUBT = 30.0
"""Seconds that the server may take to come back and tell whether it had committed."""
STALE = timedelta(days=7)
"""The mark of a writer that was killed is removed after so long."""


class PostgresWriter(Writer):
    """Writes groups; what another hub was in the way of is written again.

    Two hubs that lock the same rows in another order, or a connection that was lost between two groups, are no failure.
    Each transaction leaves its number in a row of this writer's own: if the connection breaks while the server commits,
    that row tells afterwards what became of it. (PostgreSQL's own transaction ids don't: after a crash they're given
    out again.)
    """

    def __init__(self, engine: Engine, fence: Fence | None = None) -> None:
        super().__init__(engine)
        self._fence = fence
        self._name = f"{WRITER}{secrets.token_hex(8)}"
        self._number = 0

    def write(self, sets: Sequence[Changes]) -> list[Result]:
        for tried in range(TRIES):
            fresh = self._connection is None
            try:
                return self._once(sets)
            except DBAPIError as error:
                self.disconnect()
                # A connection that was kept may be that of a server which was started again since.
                if not (is_passing(error) or (error.connection_invalidated and not fresh)) or tried == TRIES - 1:
                    raise
                log.info("%d commits are written again: %s", len(sets), str(error.orig).partition("\n")[0])
                time.sleep(random.uniform(0, 0.01 * 2**tried) if is_passing(error) else 0)  # noqa: S311 - no secret
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Take the mark away, and let go of the connection."""
        with suppress(SQLAlchemyError):
            if self._number:
                connection = self.connected()
                with connection.begin():
                    connection.execute(delete(counters).where(counters.c.name == self._name))
        self.disconnect()

    def _once(self, sets: Sequence[Changes]) -> list[Result]:
        try:
            return self._in_one(sets)
        except Amiss:
            return self._in_one(sets, apart=True)

    def _in_one(self, sets: Sequence[Changes], *, apart: bool = False) -> list[Result]:
        connection = self.connected()
        if not self._number:
            self._mark(connection)
        self._number = max(self._number + 1, _now())
        transaction = connection.begin()
        try:
            if self._fence:
                self._fence(connection)
            mine = update(counters).where(counters.c.name == self._name).values(value=self._number)
            if not connection.execute(mine).rowcount:
                connection.execute(insert(counters).values(name=self._name, value=self._number))
            results = fill(connection, sets, apart=apart)
        except BaseException:
            with suppress(SQLAlchemyError):
                transaction.rollback()
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self.disconnect()
            if not self._was_committed():
                raise
        return results

    def _mark(self, connection: Connection) -> None:
        now = _now()
        stale = now - STALE // timedelta(microseconds=1)
        with connection.begin():
            old = counters.c.name.startswith(WRITER) & (counters.c.value < stale)
            connection.execute(delete(counters).where(old))
            connection.execute(insert(counters).values(name=self._name, value=now))
        self._number = now

    def _was_committed(self) -> bool:
        """Ask the server what became of the last transaction; raises StoreUnavailable if it doesn't come back."""
        until, pause = time.monotonic() + DOUBT, 0.05
        while time.monotonic() < until:
            with suppress(DBAPIError):
                connection = self.connected()
                with connection.begin():
                    # The transaction itself may still be at work, if only the connection broke: it has the row locked.
                    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                    asked = select(counters.c.value).where(counters.c.name == self._name).with_for_update()
                    return connection.execute(asked).scalar_one_or_none() == self._number
            self.disconnect()
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        raise StoreUnavailable("the database went away while it committed; it isn't known whether it did")


def _now() -> int:
    return time.time_ns() // 1000
