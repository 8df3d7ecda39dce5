"""A description of Telegram's Bot API that others made, from npm: the tests check every call against it."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from make.places import Places, locked, sha256_of
from make.words import SetupError, call, say

PACKAGE, VERSION = "@gramio/types", "10.3.1"
SHA256 = "0cc4c19f1b5cbb508793e018ec786cd349721a6c6f7e9b3e9dece80bce20dfe3"
PARTS = ("methods.d.ts", "params.d.ts", "objects.d.ts")


def description_path(cache: Path) -> Path:
    """The folder that the description's files lie in."""
    return cache / "npm" / f"gramio-types-{VERSION}"


def ensure_description(places: Places) -> bool:
    """Have the description in the cache. Returns whether it's there; without it, some tests are left out."""
    folder = description_path(places.cache)
    if all((folder / part).is_file() for part in PARTS):
        return True
    if shutil.which("npm") is None:
        say("npm isn't here: Telegram's calls aren't checked against a description that others made")
        return False
    try:
        with locked(folder.with_suffix(".lock")):
            say(f"fetching {PACKAGE} {VERSION} with npm, 140 kB, once, into {folder}")
            _fetch(folder)
    except (SetupError, OSError, tarfile.TarError) as error:
        say(f"{error}\nTelegram's calls aren't checked against a description that others made.")
        return False
    return True


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="agenthost-npm-") as scratch:
        call(
            *("npm", "pack", "--silent", f"{PACKAGE}@{VERSION}", "--pack-destination", scratch),
            why=f"{PACKAGE} could not be fetched",
        )
        archive = next(Path(scratch).glob("*.tgz"))
        if sha256_of(archive) != SHA256:
            raise SetupError(f"{archive.name} is another than ours: its SHA-256 differs")
        take_out(archive, folder)


def take_out(archive: Path, folder: Path) -> None:
    """Copy the description out of a package into a folder, all of it or nothing."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm-") as scratch, tarfile.open(archive) as packed:
        fresh = Path(scratch) / folder.name
        fresh.mkdir()
        for part in PARTS:
            # Read by name and written by us: nothing is unpacked to where the archive says.
            try:
                inside = packed.extractfile(f"package/out/{part}")
            except KeyError:
                inside = None
            if inside is None:
                raise SetupError(f"{archive.name} has no {part}")
            (fresh / part).write_bytes(inside.read())
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
