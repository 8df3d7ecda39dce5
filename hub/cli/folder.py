"""The data folder, seen from outside a running hub: whether one is at work in it, and its database read only."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hub.config import Config
from hub.databases import database_of

DATABASE = "hub.db"
WORKSPACES = "workspaces"
DOCUMENTS = "documents"
FILES = "files"
KEPT = (DOCUMENTS, FILES, WORKSPACES)
"""Folders beside the database that belong to it."""


def database(config: Config) -> Path:
    """Return where a config's SQLite database lies, or would lie."""
    place = database_of(config.store, config.data)
    return place if isinstance(place, Path) else config.data / DATABASE


def lock_of(database: Path) -> Path:
    """Return the file that a hub locks while it works on a database; its process's number is in it."""
    return database.with_suffix(".lock")


def holder(database: Path) -> str:
    """Return the number of the process that works on a database, or nothing; the lock ends with its process."""
    try:
        with lock_of(database).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return lock_of(database).read_text(encoding="ascii", errors="replace").strip() or "of unknown number"
    except OSError:
        return ""
    return ""


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Keep hubs out of a data folder that exists; raises BlockingIOError if one is at work in it."""
    if not data.is_dir():
        yield
        return
    with lock_of(data / DATABASE).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading only, beside a hub that writes to it; raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        yield connection
