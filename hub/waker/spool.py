"""What was heard while a hub slept, until the hub says that it has it; and what the waker must not forget itself.

One SQLite file over the standard library alone. A put is on disk when it returns: one thread writes, and takes all puts
that wait at a moment into one transaction.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from hub.errors import StartError, StoreUnavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Waiting = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]
Answered = tuple["asyncio.Future[Any]", object]
GROUP = 256
SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hub TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL, lane TEXT NOT NULL,
  body BLOB NOT NULL, wakes INTEGER NOT NULL, at REAL NOT NULL, UNIQUE (account, key));
CREATE INDEX IF NOT EXISTS heard_of_hub ON heard (hub, id);
CREATE INDEX IF NOT EXISTS heard_waking ON heard (hub, wakes, id);
CREATE TABLE IF NOT EXISTS guests (hub TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (hub, kind, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY AUTOINCREMENT, hub TEXT NOT NULL, began REAL NOT NULL,
  ready REAL, ended REAL, price REAL NOT NULL, error TEXT NOT NULL DEFAULT '', free REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS asked (id TEXT PRIMARY KEY, hub TEXT NOT NULL, asker TEXT NOT NULL, method TEXT NOT NULL,
  target TEXT NOT NULL, headers BLOB NOT NULL, size INTEGER NOT NULL, has_body INTEGER NOT NULL, at REAL NOT NULL,
  status INTEGER, answer BLOB, answered_at REAL);
CREATE INDEX IF NOT EXISTS asked_of_hub ON asked (hub, status, at);
CREATE INDEX IF NOT EXISTS runs_of_hub ON runs (hub, began);
"""


class Heard(Struct, frozen=True, kw_only=True):
    """Something that a platform said, as it came."""

    hub: str
    account: str
    key: str
    """The platform's own number for it: it's kept once."""
    lane: str
    """What's said in one lane is handed over in its order."""
    body: bytes
    wakes: bool
    """Somebody known said it: the hub is woken for it."""
    at: float
    id: int = 0


class Spool:
    """Keeps what was heard."""

    def __init__(self, file: Path, *, patience: float = 10.0) -> None:
        """`patience` is how many seconds another waker may still need to end."""
        self.file = file
        self._patience = patience
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._news: dict[str, asyncio.Event] = {}

    def open(self) -> None:
        """Make the file, or find what the last run left; raises StartError."""
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.file, check_same_thread=False, isolation_level=None, timeout=self._patience
            )
            self.file.chmod(0o600)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "locking_mode = EXCLUSIVE"):
                connection.execute(f"PRAGMA {pragma}")
            connection.executescript(SCHEMA)
            if "free" not in {row[1] for row in connection.execute("PRAGMA table_info(runs)")}:
                connection.execute("ALTER TABLE runs ADD COLUMN free REAL NOT NULL DEFAULT 0")
        except (OSError, sqlite3.Error) as error:
            raise StartError(
                f"{self.file}: can't be used ({error}); is another waker running on the same folder?"
            ) from None
        self._thread = threading.Thread(target=self._run, args=(connection,), name="spool", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Finish what was begun."""
        if self._thread:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    # --- what was heard

    async def put(self, heard: Heard) -> bool:
        """Keep something, and return whether it's new; raises StoreUnavailable if it can't be kept."""

        def work(connection: sqlite3.Connection) -> bool:
            values = (heard.hub, heard.account, heard.key, heard.lane, heard.body, heard.wakes, heard.at)
            put = connection.execute(
                "INSERT INTO heard (hub, account, key, lane, body, wakes, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                values,
            )
            return put.rowcount > 0

        new = await self._do(work)
        self.news(heard.hub).set()
        return new

    def news(self, hub: str) -> asyncio.Event:
        """Return what's set whenever something was heard for a hub."""
        return self._news.setdefault(hub, asyncio.Event())

    async def next(self, hub: str, limit: int) -> tuple[Heard, ...]:
        """Return the oldest that wait for a hub."""
        found = await self._do(
            lambda connection: connection.execute(
                "SELECT id, account, key, lane, body, wakes, at FROM heard WHERE hub = ? ORDER BY id LIMIT ?",
                (hub, limit),
            ).fetchall()
        )
        return tuple(
            Heard(hub=hub, id=id, account=account, key=key, lane=lane, body=body, wakes=bool(wakes), at=at)
            for id, account, key, lane, body, wakes, at in found
        )

    async def waiting(self, hub: str) -> tuple[int, int]:
        """Return how many wait for a hub, and how many of them would wake it."""
        [found] = await self._do(
            lambda connection: connection.execute(
                "SELECT count(*), coalesce(sum(wakes), 0) FROM heard WHERE hub = ?", (hub,)
            ).fetchall()
        )
        return int(found[0]), int(found[1])

    async def drop(self, ids: Iterable[int]) -> None:
        """Forget what a hub has kept."""
        gone = [(id,) for id in ids]
        await self._do(lambda connection: connection.executemany("DELETE FROM heard WHERE id = ?", gone))

    async def crowd(self, account: str, most: int) -> None:
        """Keep only the newest `most` of what nobody known has said to an account."""
        await self._do(
            lambda connection: connection.execute(
                "DELETE FROM heard WHERE account = ? AND wakes = 0 AND id NOT IN"
                " (SELECT id FROM heard WHERE account = ? AND wakes = 0 ORDER BY id DESC LIMIT ?)",
                (account, account, most),
            )
        )

    # --- whom the hub knows

    async def meet(self, hub: str, guests: Sequence[tuple[str, str]]) -> None:
        """Remember whom a hub knows, in place of whom it knew: pairs of a kind and a value."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM guests WHERE hub = ?", (hub,))
            connection.executemany(
                "INSERT OR IGNORE INTO guests (hub, kind, value) VALUES (?, ?, ?)",
                [(hub, kind, value) for kind, value in guests],
            )

        await self._do(work)

    async def knows(self, hub: str, kind: str, values: Sequence[str]) -> bool:
        """Say whether a hub knows one of these."""
        marks = ", ".join("?" * len(values))
        sql = f"SELECT 1 FROM guests WHERE hub = ? AND kind = ? AND value IN ({marks}) LIMIT 1"  # noqa: S608 - marks only
        found = await self._do(lambda connection: connection.execute(sql, (hub, kind, *values)).fetchall())
        return bool(found)

    async def known_as(self, hub: str, kind: str) -> tuple[str, ...]:
        """Return the values of a kind that a hub knows."""
        found = await self._do(
            lambda connection: connection.execute(
                "SELECT value FROM guests WHERE hub = ? AND kind = ?", (hub, kind)
            ).fetchall()
        )
        return tuple(str(value) for (value,) in found)

    # --- what must not be forgotten

    async def mark(self, name: str, value: str) -> None:
        """Remember a value by a name."""
        await self._do(
            lambda connection: connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))
        )

    async def marked(self, name: str) -> str:
        """Return the value of a name, "" if there's none."""
        found = await self._do(
            lambda connection: connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchall()
        )
        return str(found[0][0]) if found else ""

    async def ask(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Do one statement, and return what it finds. Raises StoreUnavailable."""
        return await self._do(lambda connection: connection.execute(sql, values).fetchall())

    # --- below

    async def _do(self, work: Work[T]) -> T:
        if self._thread is None:
            raise StoreUnavailable("the spool isn't open")
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T | Exception] = loop.create_future()
        self._queue.put((work, told, loop))
        found = await told
        if isinstance(found, Exception):
            raise found
        return found

    def _run(self, connection: sqlite3.Connection) -> None:
        with closing(connection):
            going = True
            while going:
                group, going = self._group()
                if group:
                    self._write(connection, group)

    def _group(self) -> tuple[list[Waiting], bool]:
        group = list[Waiting]()
        with suppress(queue.Empty):
            while len(group) < GROUP:
                waiting = self._queue.get(block=not group)
                if waiting is None:
                    return group, False
                group.append(waiting)
        return group, True

    def _write(self, connection: sqlite3.Connection, group: Sequence[Waiting]) -> None:
        results: list[object]
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [work(connection) for work, _, _ in group]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            results = [StoreUnavailable(f"the waker's spool can't be written: {error}")] * len(group)
        # One call for all of them: each would wake the loop by a byte through a pipe.
        answers = defaultdict[asyncio.AbstractEventLoop, list[Answered]](list)
        for (_, told, loop), result in zip(group, results, strict=True):
            answers[loop].append((told, result))
        for loop, answered in answers.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_tell, answered)


def now() -> float:
    """Return the time in seconds since 1970."""
    return time.time()


def _tell(answered: Sequence[Answered]) -> None:
    for told, result in answered:
        if not told.done():
            told.set_result(result)
