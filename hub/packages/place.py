"""Where packages lie: each installed edition in a folder of its own, moved there when it's whole; beside them what's
on its way in.
"""

import os
import shutil
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from hub.packages.archive import Entry, write
from hub.records import InstallationId

COMING = ".coming"
ARCHIVE, CLAIM, AGAIN, DRAFT = "archive.zip", "claim.json", "again", "draft"


class Place:
    """A folder with packages: NAME/VERSION-DIGEST12/NAME/files, and .coming/INSTALLATION/ with what isn't there yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, name: str, version: str, digest: str) -> Path:
        """Return the folder that holds an edition's files; it's called what the package is called."""
        return self._folder / name / f"{version}-{digest[:12]}" / name

    # --- on its way in

    def keep(self, id: InstallationId, name: str, data: bytes) -> None:
        """Keep a file of an installation durably, whole or not at all; raises OSError."""
        folder = self._coming(id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / f"{name}.fresh"
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / name)
        for changed in (folder, folder.parent, self._folder):
            _sync(changed)

    def kept(self, id: InstallationId, name: str) -> bytes | None:
        """Return a file of an installation, None if there's none."""
        try:
            return (self._coming(id) / name).read_bytes()
        except FileNotFoundError:
            return None

    def draft(self, id: InstallationId, name: str, entries: tuple[Entry, ...]) -> Path:
        """Write an installation's files afresh, and return their folder; raises OSError."""
        around = self._coming(id) / DRAFT
        shutil.rmtree(around, ignore_errors=True)
        folder = around / name
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

    def drop(self, id: InstallationId) -> None:
        """Forget all that an installation brought, but for what was moved."""
        shutil.rmtree(self._coming(id), ignore_errors=True)
        around = self._folder / COMING
        if around.is_dir() and not any(around.iterdir()):
            around.rmdir()

    def clear(self, wanted: Collection[Path], coming: Collection[InstallationId]) -> None:
        """Remove everything but these editions and installations: what a crash or a removal left."""
        for folder in (self._folder / COMING).glob("*"):
            if folder.name not in coming:
                shutil.rmtree(folder, ignore_errors=True)
        keep = {path.parent for path in wanted} | {self._coming(id) for id in coming}
        for edition in self._folder.glob("*/*"):
            if edition not in keep:
                shutil.rmtree(edition, ignore_errors=True)
        for package in self._folder.glob("*"):
            if package.is_dir() and not any(package.iterdir()):
                package.rmdir()

    def _coming(self, id: InstallationId) -> Path:
        return self._folder / COMING / id


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
