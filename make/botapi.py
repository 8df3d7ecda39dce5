"""A description of Telegram's Bot API that others made, from npm: the tests check every call against it."""

from __future__ import annotations

from pathlib import Path

from make.npm import Pinned
from make.places import Places

PACKAGE, VERSION = "@gramio/types", "10.3.1"
SHA256 = "0cc4c19f1b5cbb508793e018ec786cd349721a6c6f7e9b3e9dece80bce20dfe3"
PARTS = ("methods.d.ts", "params.d.ts", "objects.d.ts")
DESCRIPTION = Pinned(PACKAGE, VERSION, SHA256, "package/out", PARTS)


def description_path(cache: Path) -> Path:
    """The folder that the description's files lie in."""
    return DESCRIPTION.folder(cache)


def ensure_description(places: Places) -> bool:
    """Have the description in the cache. Returns whether it's there; without it, some tests are left out."""
    return DESCRIPTION.ensure(places, "Telegram's calls aren't checked against a description that others made")


def take_out(archive: Path, folder: Path) -> None:
    """Copy the description out of a package into a folder, all of it or nothing."""
    DESCRIPTION.take_out(archive, folder)
