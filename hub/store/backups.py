"""Whether a database is whole, and when the last backup of its data folder was made: for who asks."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from hub.store.disk import draft

NOTE = "backup.json"


class Note(Struct, frozen=True, kw_only=True):
    """What's noted of a backup."""

    made_at: datetime


def note(data: Path, made_at: datetime) -> None:
    """Note that a backup was made; raises OSError if the folder can't be written."""
    with draft(data / f".{NOTE}.part") as fresh:
        fresh.file.write(msgspec.json.encode(Note(made_at=made_at)))
        fresh.keep_as(data / NOTE)


def last(data: Path) -> datetime | None:
    """Return when the last backup was made, if that's known."""
    try:
        return msgspec.json.decode((data / NOTE).read_bytes(), type=Note).made_at
    except (OSError, msgspec.MsgspecError):
        return None


def damage(path: Path) -> str:
    """Return what's wrong with an SQLite database, or nothing; reads all of it, beside a hub that writes to it."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)
