"""Erasing in a process of its own, that's killed; and what's left afterwards."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path


def erase(module: str, folder: Path, failpoint: str = "", seconds: float | None = None) -> int:
    """Run a module that erases in a folder, killed at a failpoint or after a while; return its exit code."""
    environ = {**os.environ, "AGENTHOST_FAILPOINT": failpoint} if failpoint else dict(os.environ)
    process = subprocess.Popen([sys.executable, "-m", module, str(folder)], env=environ)
    try:
        return process.wait(timeout=seconds or 60)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def left(folder: Path, whose: str, canary: bytes) -> list[str]:
    """Return what still tells of somebody: files by their names and bytes, rows by their table."""
    found = [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "hub.db" not in path.name and (canary in path.read_bytes() or whose in path.name)
    ]
    tables = [str(name) for (name,) in asked(folder, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        rows = [str(row) for row in asked(folder, f"SELECT * FROM {table}")]
        found += [table for row in rows if whose in row or canary.decode() in row]
    return found


def asked(folder: Path, statement: str) -> Sequence[tuple[object, ...]]:
    """Return what a folder's database answers."""
    with closing(sqlite3.connect(folder / "hub.db")) as database:
        return database.execute(statement).fetchall()
