"""Where installed packages lie: each edition in a folder of its own, moved there when it's whole."""

import os
import secrets
import shutil
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from hub.packages.archive import Entry, write

COMING = ".coming"


class Place:
    """A folder with installed packages: NAME/VERSION-DIGEST12/NAME/files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, name: str, version: str, digest: str) -> Path:
        """Return the folder that holds an edition's files; it's called what the package is called."""
        return self._folder / name / f"{version}-{digest[:12]}" / name

    def draft(self, name: str, entries: tuple[Entry, ...]) -> Path:
        """Write files beside all places, and return their folder; raises OSError."""
        folder = self._folder / COMING / secrets.token_hex(8) / name
        folder.mkdir(parents=True, mode=0o700)
        write(entries, folder)
        return folder

    def move(self, draft: Path, to: Path) -> None:
        """Put a draft in its place, whole; files of the same bytes may be there already."""
        to.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if to.is_dir():
            shutil.rmtree(draft.parent)
        else:
            draft.parent.rename(to.parent)
            for folder in (to.parent.parent, self._folder):
                _sync(folder)

    def drop(self, draft: Path) -> None:
        """Forget a draft."""
        shutil.rmtree(draft.parent, ignore_errors=True)

    def clear(self, wanted: Collection[Path]) -> None:
        """Remove everything but these editions: what a crash or a removal left."""
        shutil.rmtree(self._folder / COMING, ignore_errors=True)
        keep = {path.parent for path in wanted}
        for edition in self._folder.glob("*/*"):
            if edition not in keep:
                shutil.rmtree(edition, ignore_errors=True)
        for package in self._folder.glob("*"):
            if package.is_dir() and not any(package.iterdir()):
                package.rmdir()


def _sync(folder: Path) -> None:
    """Have a folder's names on the disk when this returns."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def digest_of(entries: tuple[Entry, ...]) -> str:
    """Return the SHA-256 of files, whatever they were packed in: of each path and each file's own SHA-256, in order."""
    whole = sha256()
    for entry in sorted(entries, key=lambda entry: entry.path):
        whole.update(f"{sha256(entry.data).hexdigest()}  {entry.path}\n".encode())
    return whole.hexdigest()
