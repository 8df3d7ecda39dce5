"""axe-core, from npm: it finds in a page what keeps people out who see little, or use no mouse."""

from __future__ import annotations

from pathlib import Path

from make.npm import Pinned
from make.places import Places

AXE = Pinned(
    "axe-core",
    "4.14.1",
    "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    "package",
    ("axe.min.js",),
)


def axe_path(cache: Path) -> Path:
    """Its script."""
    return AXE.folder(cache) / AXE.parts[0]


def ensure_axe(places: Places) -> bool:
    """Have it in the cache. Returns whether it's there; without it, a test is left out."""
    return AXE.ensure(places, "the registry's pages aren't looked at by axe")
