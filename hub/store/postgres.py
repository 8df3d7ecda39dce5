"""The store on PostgreSQL: several hubs may share one. Each query is one statement."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, Row, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.errors import StoreUnavailable
from hub.ports import Change
from hub.records import Event
from hub.store import postgres_server
from hub.store.answers import Answers
from hub.store.committer import Committer
from hub.store.copying import write_sqlite
from hub.store.postgres_schema import bring_up_to_date
from hub.store.postgres_writer import Fence, PostgresWriter
from hub.store.queries import Query

READERS = 4
PATIENCE = 40.0
"""Seconds after which a query counts as unanswered: a little more than the server gives it."""


class PostgresStore(Answers):
    """A Store in a PostgreSQL database, which other hubs may use at the same time.

    While the server is away everything raises StoreUnavailable; when it's back, all goes on by itself. `fence` is
    called inside each transaction that writes, and keeps it from writing by raising StoreUnavailable.
    """

    def __init__(self, url: URL, *, fence: Fence | None = None) -> None:
        self.url = url
        self._fence = fence
        self._reader: Engine | None = None
        self._writer: Engine | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._committer: Committer | None = None

    async def open(self) -> None:
        self._writer = postgres_server.writing(self.url)
        try:
            await asyncio.to_thread(bring_up_to_date, self._writer)
        except DBAPIError as error:
            self._writer.dispose()
            raise postgres_server.unreachable(self.url, error) from None
        except BaseException:
            self._writer.dispose()
            raise
        self._reader = postgres_server.reading(self.url, READERS)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        # The disk is the server's: it says by itself when it's full.
        self._committer = Committer(PostgresWriter(self._writer, self._fence), lambda: False)
        self._committer.open()

    async def close(self) -> None:
        if self._committer:
            await self._committer.close()
        if self._writer:
            self._writer.dispose()
        if self._reader and self._threads:
            (reader, self._reader), (threads, self._threads) = (self._reader, None), (self._threads, None)
            await asyncio.to_thread(threads.shutdown)
            reader.dispose()

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        if self._committer is None:
            raise StoreUnavailable("the store isn't open")
        return await self._committer.commit(changes) if changes else ()

    async def backup(self, path: str) -> None:
        try:
            await asyncio.to_thread(self._copy, Path(path))
        except (OSError, SQLAlchemyError) as error:
            raise StoreUnavailable(f"{path}: the copy can't be written ({getattr(error, 'orig', error)})") from None

    async def size(self) -> int:
        [row] = await self._rows(select(func.pg_database_size(func.current_database())))
        return int(row[0])

    # --- below

    def _copy(self, path: Path) -> None:
        engine = postgres_server.writing(self.url)
        try:
            with postgres_server.snapshot(engine) as seen:
                write_sqlite(seen, path)
        finally:
            engine.dispose()

    async def _rows(self, query: Query, given: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        if self._reader is None or self._threads is None:
            raise StoreUnavailable("the store isn't open")
        asked = asyncio.get_running_loop().run_in_executor(self._threads, _read, self._reader, query, given)
        try:
            async with asyncio.timeout(PATIENCE):
                return await asked
        except TimeoutError:
            raise StoreUnavailable(f"the database didn't answer within {PATIENCE:.0f} s") from None
        except (DBAPIError, PoolTimeoutError) as error:
            raise StoreUnavailable(f"the database can't be read: {getattr(error, 'orig', error)}") from None


def _read(reader: Engine, query: Query, given: Mapping[str, object] | None) -> Sequence[Row[Any]]:
    try:
        return _asked(reader, query, given)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        # All kept connections were let go of: the server may long be back.
        return _asked(reader, query, given)


def _asked(reader: Engine, query: Query, given: Mapping[str, object] | None) -> Sequence[Row[Any]]:
    with reader.connect() as connection:
        return connection.execute(query, given).all()
