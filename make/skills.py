"""Skills as others published them, taken out of wheels that carry some: the tests load every one of them."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from make.places import Places, fingerprint, locked
from make.words import SetupError, call, say

MANIFEST = "SKILL.md"
LARGEST = 10_000_000
"""Bytes of a file that's taken along."""


def skills_path(places: Places) -> Path:
    """The folder that the skills lie in: WHEEL/SKILL/SKILL.md. Another lock has another one."""
    return places.cache / "skills" / fingerprint(places.lock("skills"))


def ensure_skills(places: Places) -> bool:
    """Have the skills in the cache. Returns whether they're there; without them, some tests are left out."""
    folder = skills_path(places)
    if folder.is_dir():
        return True
    try:
        with locked(folder.with_suffix(".lock")):
            if not folder.is_dir():
                say(f"fetching wheels with skills that others published: 69 MB, once, for {folder}")
                _fetch(places, folder)
    except (SetupError, OSError, zipfile.BadZipFile) as error:
        say(f"{error}\nThat published skills load unchanged isn't checked.")
        return False
    return True


def _fetch(places: Places, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="agenthost-skills-") as scratch:
        call(
            *(places.python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "-r", places.lock("skills"), "-d", scratch),
            why="skills could not be fetched",
        )
        take_out(sorted(Path(scratch).glob("*.whl")), folder)


def take_out(wheels: list[Path], folder: Path) -> None:
    """Copy every skill's folder out of wheels, all of them or none."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".skills-") as scratch:
        fresh = Path(scratch) / folder.name
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                _copy(archive, fresh / wheel.name.partition("-")[0])
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)


def _copy(archive: zipfile.ZipFile, to: Path) -> None:
    tops = {path.parent for info in archive.infolist() if (path := PurePosixPath(info.filename)).name == MANIFEST}
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        top = next((parent for parent in path.parents if parent in tops), None)
        if top is None or info.is_dir() or info.file_size > LARGEST or ".." in path.parts:
            continue
        file = to / top.name / path.relative_to(top)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Written by us under a name that was looked at: nothing is unpacked to where the archive says.
        file.write_bytes(archive.read(info))
