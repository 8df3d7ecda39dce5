"""SQLite as the hub uses it: how its file is locked, checked, connected to and copied."""

import fcntl
import glob
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from hub.errors import StartError
from hub.store.disk import sync

MAGIC = b"SQLite format 3\x00"
RESERVE = 16 << 20
"""Bytes that are kept free for finishing what was accepted."""
CHECKED_WHOLE = 256 << 20
"""A bigger database isn't read through at every start, which would take seconds."""
CHECKED_DEEPLY = 32 << 20
"""Up to this size each index is held against its table, too: so a changed bit is noticed in all that's looked up by."""


def lock(database: Path, whose: str = "hub") -> int:
    """Keep others away from a database until the process ends or `unlock`; raises StartError if one is there.

    The kernel frees the lock of a killed process, so no stale lock is ever in the way.
    """
    path = database.with_suffix(".lock")
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"{path}: can't be written ({error.strerror}); give this user the folder's rights") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(held, 20, 0).decode().strip() or "unknown"
        os.close(held)
        raise StartError(
            f"{database}: in use by another {whose} (pid {pid}); stop it, or give this one a data folder of its own"
        ) from None
    # A full disk keeps the number out, and must not keep the hub from starting.
    with suppress(OSError):
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
    return held


def unlock(held: int) -> None:
    os.close(held)


def check(database: Path) -> None:
    """Make sure that a database file is whole; raises StartError saying what to do."""
    way_out = f"restore a backup, or look for {database.name}.before-* beside it"
    if not database.exists():
        if database.with_name(database.name + "-wal").exists():
            raise StartError(f"{database}: is gone, but its write-ahead log is still there; {way_out}")
        if copies := sorted(database.parent.glob(f"{glob.escape(database.name)}.before-[0-9]*[0-9]")):
            raise StartError(
                f"{database}: is gone, but {copies[-1].name} beside it, a copy of before an upgrade, tells that there"
                " was one; restore a backup, or move the copy away to begin with nothing"
            )
        return
    try:
        with database.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise StartError(f"{database}: can't be read ({error.strerror}); mend its rights") from None
    if start != MAGIC:
        raise StartError(f"{database}: isn't a database (its first bytes are wrong or missing); {way_out}")
    try:
        with closing(sqlite3.connect(database, timeout=5)) as connection:
            size = database.stat().st_size
            whole = size <= CHECKED_WHOLE
            how = "integrity_check(1)" if size <= CHECKED_DEEPLY else "quick_check(1)" if whole else "schema_version"
            found = connection.execute(f"PRAGMA {how}").fetchone()
    except sqlite3.Error as error:
        raise StartError(f"{database}: is damaged ({error}); {way_out}") from None
    if whole and found != ("ok",):
        raise StartError(f"{database}: is damaged ({found[0]}); {way_out}")


def create(database: Path) -> None:
    """Make an empty file that only this user can read: SQLite gives the files beside it the same rights."""
    os.close(os.open(database, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def copy(source: Path, target: Path) -> None:
    """Write a consistent copy of a database that may be in use; the target appears whole or not at all."""
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    create(unfinished)
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(unfinished)) as copied:
            origin.backup(copied)
        settle(unfinished)
        unfinished.replace(target)
        sync(target.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def settle(database: Path) -> None:
    """Make a database that nobody uses one file, without a write-ahead log, that can be moved and read anywhere."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    sync(database)


def is_short(folder: Path) -> bool:
    """Say whether the disk has less free than the reserve (or than a tenth, if the disk itself is small)."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < min(RESERVE, disk.f_blocks * disk.f_frsize // 10)


def writing(database: Path) -> Engine:
    """Return an engine whose transactions take the write lock at once, so that none fails halfway for want of it."""
    url = URL.create("sqlite", database=str(database))
    engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def reading(database: Path) -> Engine:
    """Return an engine for single queries, which never wait for a writer; for one thread."""
    url = URL.create("sqlite", database=str(database))
    engine = create_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_size=1,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "connect", _read_only)
    return engine


def looking(database: Path) -> sqlite3.Connection:
    """Return a connection for looking single rows up, which never waits for a writer; for one thread."""
    connection = sqlite3.connect(database, check_same_thread=False)
    _prepare(connection, None)
    _read_only(connection, None)
    return connection


@contextmanager
def moved_in_when_whole(database: Path) -> Iterator[Path]:
    """Let a new database be made beside its place, so that a crash in the middle leaves none rather than half a one."""
    unfinished = database.with_name(database.name + ".new")
    for name in (unfinished.name, unfinished.name + "-wal", unfinished.name + "-shm"):
        database.with_name(name).unlink(missing_ok=True)
    create(unfinished)
    yield unfinished
    sync(unfinished)
    unfinished.replace(database)
    sync(database.parent)


def _prepare(connection: Any, _: object) -> None:
    # Transactions are begun by the engine and not by the driver, which would begin them late and without the lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout = 5000",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -8000",
        "journal_size_limit = 67108864",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _read_only(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    # Each connection's own pages fill up with the database's growth, over hours, and most are the same as the writer's.
    cursor.execute("PRAGMA cache_size = -2000")
    cursor.close()
