"""Where a registry keeps everything: a database, SQLite's or PostgreSQL's, asked by functions over a connection.

What belongs together is one function handed to `write`: it looks and changes in one transaction, all of it or nothing.
On SQLite transactions follow each other; on PostgreSQL they run side by side, so that a function that must not is to
rest on a constraint, or to take a lock (`hold`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from sqlalchemy import URL, Connection, Engine, Row, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.databases import Server
from hub.errors import Duplicate, StoreUnavailable
from hub.registry.schema import SHELF
from hub.store import postgres_schema, postgres_server, schema, sqlite
from hub.store.disk import make_folder

Answer = TypeVar("Answer")
Kept = TypeVar("Kept", bound=Struct)
READERS = 4
TRIES = 5
"""Of a transaction that PostgreSQL broke off for another's sake."""


class Shelf:
    """A registry's database. Everything raises StoreUnavailable while it can't be asked."""

    def __init__(self, database: Path | Server) -> None:
        """`database` is a SQLite file, which no other process may use, or one on a server, which others may share."""
        self._database = database
        self._held: int | None = None
        self._writer: Engine | None = None
        self._reader: Engine | None = None
        self._writing: ThreadPoolExecutor | None = None
        self._reading: ThreadPoolExecutor | None = None

    @property
    def is_shared(self) -> bool:
        """Whether other processes may use the same database."""
        return isinstance(self._database, Server)

    @property
    def path(self) -> Path:
        """The SQLite file; raises ValueError for a database on a server."""
        if isinstance(self._database, Server):
            raise ValueError(f"{self._database} is no file")
        return self._database

    async def open(self) -> None:
        """Make the tables, or bring them to this version's schema; raises StartError."""
        await asyncio.to_thread(self._open)

    async def close(self) -> None:
        """Let go of the database; what was begun is ended first."""
        for threads in (self._writing, self._reading):
            if threads:
                await asyncio.to_thread(threads.shutdown)
        for engine in (self._writer, self._reader):
            if engine:
                engine.dispose()
        self._writer = self._reader = self._writing = self._reading = None
        if self._held is not None:
            sqlite.unlock(self._held)
            self._held = None

    async def read(self, ask: Callable[[Connection], Answer]) -> Answer:
        """Return what a function finds; each of its statements sees what's committed by then."""
        return await self._run(self._reading, self._reader, _asked, ask)

    async def write(self, change: Callable[[Connection], Answer]) -> Answer:
        """Return what a function returns that looks and changes in one transaction; if it raises, nothing was done.

        It may be called again if another transaction was in the way, so it does nothing but ask its connection. Raises
        Duplicate where a row is already there.
        """
        return await self._run(self._writing, self._writer, _changed, change)

    def _open(self) -> None:
        if isinstance(self._database, Server):
            threads = READERS
            self._open_shared(postgres_server.url_of(self._database))
        else:
            threads = 1
            self._open_own(self._database)
        self._writing = ThreadPoolExecutor(threads, thread_name_prefix="shelf-writer")
        self._reading = ThreadPoolExecutor(threads, thread_name_prefix="shelf-reader")

    def _open_own(self, database: Path) -> None:
        make_folder(database.parent)
        self._held = sqlite.lock(database, "registry")
        try:
            schema.bring_up_to_date(database, SHELF)
        except BaseException:
            sqlite.unlock(self._held)
            self._held = None
            raise
        self._writer, self._reader = sqlite.writing(database), sqlite.reading(database)

    def _open_shared(self, url: URL) -> None:
        writer = postgres_server.writing(url, READERS)
        try:
            postgres_schema.bring_up_to_date(writer, SHELF)
        except DBAPIError as error:
            writer.dispose()
            raise postgres_server.unreachable(url, error, SHELF.key) from None
        except BaseException:
            writer.dispose()
            raise
        self._writer, self._reader = writer, postgres_server.reading(url, READERS)

    async def _run(
        self,
        threads: ThreadPoolExecutor | None,
        engine: Engine | None,
        how: Callable[[Engine, Callable[[Connection], Answer]], Answer],
        what: Callable[[Connection], Answer],
    ) -> Answer:
        if threads is None or engine is None:
            raise StoreUnavailable("the registry's database isn't open")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, how, engine, what)
        except IntegrityError as error:
            raise Duplicate(str(error.orig)) from None
        except (DBAPIError, PoolTimeoutError) as error:
            raise StoreUnavailable(f"the registry's database can't be asked: {getattr(error, 'orig', error)}") from None


def hold(connection: Connection, name: str) -> None:
    """Wait until no other transaction has this name's lock, and have it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"registry:{name}"})


def record(kind: type[Kept], row: Row[tuple[object, ...]]) -> Kept:
    """Return a row as its record."""
    return kind(**row._mapping)


def values(kept: Struct) -> dict[str, object]:
    """Return a record as the columns' values."""
    return {name: getattr(kept, name) for name in kept.__struct_fields__}


def _asked(engine: Engine, ask: Callable[[Connection], Answer]) -> Answer:
    with engine.connect() as connection:
        return ask(connection)


def _changed(engine: Engine, change: Callable[[Connection], Answer]) -> Answer:
    for left in reversed(range(TRIES)):
        try:
            with engine.begin() as connection:
                return change(connection)
        except DBAPIError as error:
            if not left or not postgres_server.is_passing(error):
                raise
    raise AssertionError("the last try returns or raises")
