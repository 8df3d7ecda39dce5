"""Migrations that are killed: at each statement, at each change of a file, and at random moments.

`python -m tests.faults.migrating FOLDER REVISION SEED MOMENTS STRIDE`: makes a database of that revision with rows in
each table, kills its migration at each STRIDE-th step, and checks after each kill that it's the old one or the new one,
to the last row, and that the next start makes it the new one. Prints how often it killed. A process of its own, for it
forks.
"""

import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event

from hub.store.schema import SCHEMA, bring_up_to_date
from hub.store.sqlite import writing

ROWS = 3
FILES = ("os.rename", "os.remove", "os.truncate", "sqlite3.connect")
"""What Python tells of changes to files."""
Dump = dict[str, list[str]]


def at_revision(database: Path, revision: str) -> None:
    """Make a database as a version with that schema left it."""
    engine = writing(database)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(SCHEMA.migrations))
        command.upgrade(config, revision)
    engine.dispose()


def fill(database: Path) -> None:
    """Put some rows into each table."""
    with closing(sqlite3.connect(database)) as connection:
        for table in _tables(connection):
            columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
            names = ", ".join(f'"{column[1]}"' for column in columns)
            marks = ", ".join("?" for _ in columns)
            for row in range(ROWS):
                values = [_value(table, name, kind, row) for _, name, kind, *_ in columns]
                connection.execute(f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})', values)
        connection.commit()


def dump(database: Path) -> Dump:
    """Return all that's in a database, without changing it: tables and rows."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql").fetchall()
        found = {"": [row[0] for row in made]}
        for table in [*_tables(connection), "alembic_version"]:
            found[table] = sorted(map(repr, connection.execute(f'SELECT * FROM "{table}"')))
        return found


def killed_everywhere(folder: Path, revision: str, dice: random.Random, moments: int, stride: int) -> int:
    """Kill a revision's migration at each stride-th step and at some random moments; return how often."""
    old = folder / "old.db"
    at_revision(old, revision)
    fill(old)
    before = dump(old)
    place = folder / "data" / "hub.db"
    began = time.monotonic()
    _renewed(old, place)
    bring_up_to_date(place)
    lasted = time.monotonic() - began
    after = dump(place)
    assert {table: len(rows) for table, rows in before.items() if table} == {
        table: len(after[table]) for table in before if table
    }
    kills = 0
    while _forked(_renewed(old, place), at=kills * stride + 1) == -signal.SIGKILL:
        kills += 1
        _check(place, revision, before, after)
    for _ in range(moments):
        _forked(_renewed(old, place), within=dice.uniform(0, lasted))
        _check(place, revision, before, after)
    return kills + moments


def _check(place: Path, revision: str, before: Dump, after: Dump) -> None:
    """It's the old one or the new one; its copy is whole, if there's one; the next start makes it the new one."""
    assert dump(place) in (before, after)
    copied = place.with_name(f"hub.db.before-{revision}")
    assert not copied.exists() or dump(copied) == before
    bring_up_to_date(place)
    assert dump(place) == after
    left = {path.name for path in place.parent.iterdir()}
    assert left <= {"hub.db", "hub.db-wal", "hub.db-shm", copied.name}, left


def _forked(place: Path, *, at: int = 0, within: float | None = None) -> int:
    """Migrate in a child that dies at its nth step or within so many seconds; return how it ended."""
    child = os.fork()
    if child == 0:
        try:
            _arm(at)
            bring_up_to_date(place)
        finally:
            os._exit(0)
    if within is not None:
        time.sleep(within)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _arm(at: int) -> None:
    """Die at the nth statement or change of a file; 0 is never."""
    if not at:
        return
    passed = 0

    def step(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    listen: Callable[[str, object], None] = lambda name, _: step() if name in FILES else None  # noqa: E731
    sys.addaudithook(listen)


def _renewed(old: Path, place: Path) -> Path:
    shutil.rmtree(place.parent, ignore_errors=True)
    place.parent.mkdir()
    shutil.copy(old, place)
    return place


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in found if not name.startswith(("sqlite_", "alembic_"))]


def _value(table: str, column: str, kind: str, row: int) -> object:
    if kind in ("INTEGER", "BIGINT", "BOOLEAN"):
        return row + (1_700_000_000_000_000 if column.endswith("_at") else 0)
    if kind in ("FLOAT", "REAL"):
        return row + 0.5
    return {"schedule": "0 8 * * 1-5", "parts": '[{"type":"text","text":"Grüße"}]'}.get(
        column, f"{table}-{column}-{row}"
    )


if __name__ == "__main__":
    where, which, seed, count, stride = sys.argv[1:]
    print(killed_everywhere(Path(where), which, random.Random(int(seed)), int(count), int(stride)))
