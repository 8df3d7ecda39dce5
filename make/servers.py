"""MCP servers and clients that others wrote, from npm: the tests use them as they are."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from make.places import Places, fingerprint, locked
from make.words import SetupError, call, say

NAMED = ("package.json", "package-lock.json")
"""In tests/servers: what's wanted, and each package's version and SHA-512, without a registry's name."""


def servers_path(places: Places) -> Path:
    """The folder that the servers and what they need lie in, as node_modules. Another lock has another one."""
    return places.cache / "npm" / f"servers-{fingerprint(_named(places, 'package-lock.json'))}"


def ensure_servers(places: Places) -> bool:
    """Have the servers in the cache. Returns whether they're there; without them, some tests are left out."""
    folder = servers_path(places)
    if folder.is_dir():
        return True
    if shutil.which("npm") is None:
        say("npm isn't here: MCP servers that others wrote aren't tried out")
        return False
    try:
        with locked(folder.with_suffix(".lock")):
            if not folder.is_dir():
                say(f"fetching MCP servers and clients that others wrote with npm: 140 MB, once, for {folder}")
                _fetch(places, folder)
    except (SetupError, OSError) as error:
        say(f"{error}\nMCP servers that others wrote aren't tried out.")
        return False
    return True


def _fetch(places: Places, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".servers-") as scratch:
        fresh = Path(scratch) / folder.name
        fresh.mkdir()
        for name in NAMED:
            shutil.copy(_named(places, name), fresh / name)
        call(
            *("npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", fresh),
            why="MCP servers could not be fetched",
        )
        os.replace(fresh, folder)


def _named(places: Places, name: str) -> Path:
    return places.root / "tests" / "servers" / name
