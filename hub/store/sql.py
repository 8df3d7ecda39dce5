"""The store on SQLite: durable, committed in groups, read beside the writer. Each query is one statement."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET
from sqlalchemy import Engine, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.errors import StartError, StoreUnavailable
from hub.ports import Change
from hub.records import Event, rise_above
from hub.store import queries, sqlite
from hub.store.answers import Answers
from hub.store.committer import Committer
from hub.store.disk import make_folder
from hub.store.plans import Plans
from hub.store.queries import Query
from hub.store.remembered import Remembered
from hub.store.schema import bring_up_to_date
from hub.store.upkeep import R
from hub.store.writer import Writer

log = logging.getLogger(__name__)

T = TypeVar("T")


class SqlStore(Answers):
    """A Store in one SQLite file, which no other hub may use at the same time."""

    def __init__(self, database: Path) -> None:
        self.path = database
        self._looking: sqlite3.Connection | None = None
        self._plans = Plans()
        self._remembered = Remembered()
        self._reader: Engine | None = None
        # One thread for all queries: answered from an index, each takes less than the trip to the thread and back.
        # Over aiosqlite that's three trips, and several threads wait for the interpreter's lock: twice the time.
        self._thread: ThreadPoolExecutor | None = None
        self._committer: Committer | None = None
        self._lock: int | None = None

    @classmethod
    def in_folder(cls, folder: Path) -> "SqlStore":
        """Return the store of a data folder."""
        return cls(folder / "hub.db")

    async def open(self) -> None:
        await asyncio.to_thread(self._take_hold)
        self._reader = sqlite.reading(self.path)
        self._looking = sqlite.looking(self.path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._committer = Committer(Writer(sqlite.writing(self.path)), lambda: sqlite.is_short(self.path.parent))
        self._committer.open()
        # Lanes and transcripts are in the order of ids: what comes must not sort before what a faster clock left.
        for row in await self._rows(queries.newest_ids()):
            rise_above(row.id or "")

    async def close(self) -> None:
        if self._committer:
            await self._committer.close()
        if self._looking:
            self._looking.close()
            self._looking = None
        if self._reader and self._thread:
            (reader, self._reader), (thread, self._thread) = (self._reader, None), (self._thread, None)
            await asyncio.to_thread(thread.shutdown)
            reader.dispose()
        if self._lock is not None:
            sqlite.unlock(self._lock)
            self._lock = None

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        if self._committer is None:
            raise StoreUnavailable("the store isn't open")
        if not changes:
            return ()
        return await self._committer.commit(changes, over=self._remembered.change(changes))

    async def backup(self, path: str) -> None:
        try:
            await asyncio.to_thread(sqlite.copy, self.path, Path(path))
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{path}: the copy can't be written ({error})") from None

    async def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    # --- below

    def _take_hold(self) -> None:
        try:
            make_folder(self.path.parent)
        except OSError as error:
            raise StartError(f"{self.path.parent}: can't be made ({error.strerror})") from None
        held = sqlite.lock(self.path)
        try:
            bring_up_to_date(self.path)
        except BaseException:
            sqlite.unlock(held)
            raise
        self._lock = held

    async def _one(self, kind: type[R], /, **values: Any) -> R | None:
        where, which = tuple(values), tuple(values.values())
        known = self._remembered.get(kind, where, which)
        if known is not UNSET:
            return cast("R | None", known)
        found = await super()._one(kind, **values)
        self._remembered.keep(kind, where, which, found)
        return found

    async def _asked(self, kind: type[R], build: Callable[..., Query], *args: object, **named: object) -> tuple[R, ...]:
        return self._looked(lambda here: self._plans.find(here, kind, build, *args, **named))

    async def _values(self, build: Callable[..., Query], *args: object) -> list[Any]:
        return self._looked(lambda here: self._plans.values(here, build, *args))

    async def _kept(self, kind: type[R], query: Query, given: Mapping[str, object]) -> tuple[R, ...]:
        return self._looked(lambda here: self._plans.ask(here, kind, query, given))

    def _looked(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Look up a few rows by an index, at once: that takes a fifth of the way to a thread and back."""
        if self._looking is None:
            raise StoreUnavailable("the store isn't open")
        try:
            return look(self._looking)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database can't be read: {error}") from None
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise _damaged(error) from None

    async def _rows(self, query: Query, given: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        if self._reader is None or self._thread is None:
            raise StoreUnavailable("the store isn't open")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _read, self._reader, query, given)
        except (DBAPIError, PoolTimeoutError) as error:
            raise StoreUnavailable(f"the database can't be read: {getattr(error, 'orig', error)}") from None
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise _damaged(error) from None


def _damaged(error: Exception) -> StoreUnavailable:
    log.error("a row of the database is damaged (%s); restore a backup", error)
    return StoreUnavailable(f"a row of the database is damaged: {error}")


def _read(reader: Engine, query: Query, given: Mapping[str, object] | None) -> Sequence[Row[Any]]:
    with reader.connect() as connection:
        return connection.execute(query, given).all()
