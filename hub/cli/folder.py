"""The data folder, seen from outside a running hub: whether one is at work in it, and its database read only."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hub.config import Config

DATABASE = "hub.db"
LOCK = "hub.lock"
KEPT = ("documents", "files")
"""Folders beside the database that belong to it."""
SQLITE = "sqlite+aiosqlite:///"


def database(config: Config) -> Path:
    """Return where a config's database lies."""
    url = config.store.url
    return Path(url.removeprefix(SQLITE)).absolute() if url else config.data / DATABASE


def lock_held(data: Path) -> bool:
    """Say whether a hub is at work in a data folder; the lock ends with its process, however that ends."""
    try:
        with (data / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Keep hubs out of a data folder that exists; raises BlockingIOError if one is at work in it."""
    if not data.is_dir():
        yield
        return
    with (data / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading only, beside a hub that writes to it; raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        yield connection


def damage(path: Path) -> str:
    """Return what's wrong with a database, or nothing."""
    try:
        with opened(path) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)
