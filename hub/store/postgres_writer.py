"""Group commit on PostgreSQL, beside other hubs that write there too."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.errors import StoreUnavailable
from hub.store.postgres_server import is_passing
from hub.store.writer import Changes, Result, Writer, fill

log = logging.getLogger(__name__)

Fence = Callable[[Connection], None]
"""Called at the start of each transaction that writes; raises StoreUnavailable if this hub may not write any more."""
TRIES = 8
DOUBT = 30.0
"""Seconds that the server may take to come back and tell whether it had committed."""


class PostgresWriter(Writer):
    """Writes groups; what another hub was in the way of is written again.

    Two hubs that lock the same rows in another order, or a connection that was lost between two groups, are no failure.
    If the connection breaks while the server commits, the server is asked afterwards what became of it.
    """

    def __init__(self, engine: Engine, fence: Fence | None = None) -> None:
        super().__init__(engine)
        self._fence = fence

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

    def _once(self, sets: Sequence[Changes]) -> list[Result]:
        connection = self.connected()
        transaction = connection.begin()
        try:
            xid = connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one()
            if self._fence:
                self._fence(connection)
            results = fill(connection, sets)
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
            if not self._was_committed(xid):
                raise
        return results

    def _was_committed(self, xid: Any) -> bool:
        """Ask the server what became of a transaction; raises StoreUnavailable if it doesn't come back to tell."""
        until, pause = time.monotonic() + DOUBT, 0.05
        while time.monotonic() < until:
            with suppress(DBAPIError):
                connection = self.connected()
                with connection.begin():
                    asked = text("SELECT pg_xact_status(CAST(:xid AS xid8))")
                    state = connection.execute(asked, {"xid": xid}).scalar_one()
                # "in progress": the server hasn't noticed yet that its client is gone.
                if state != "in progress":
                    return bool(state == "committed")
            self.disconnect()
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        raise StoreUnavailable("the database went away while it committed; it isn't known whether it did")
