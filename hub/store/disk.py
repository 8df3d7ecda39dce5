"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class Draft:
    """A file that's being written, beside the place where it will be."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.file = file
        self._path = path

    def keep_as(self, path: Path) -> None:
        """Put it in its place, over a file that may be there; it's on the disk when this returns."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._path.replace(path)
        sync(path.parent)


@contextmanager
def draft(path: Path) -> Iterator[Draft]:
    """Write a file that only its owner can read; it's gone at the end of the block if it wasn't kept as another."""
    opened = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            yield Draft(path, file)
    finally:
        path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can look into, durably, and those above it."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk when this returns."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
