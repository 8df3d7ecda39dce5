"""Where the interpreters are that packages name: programs like node, which may lie outside of /usr."""

import os
import shutil
import sys
from pathlib import Path

from msgspec import Struct

PYTHONS = ("python", "python3")
RUNTIMES = ("node", "deno", "bun", "ruby", "java")


class Runtime(Struct, frozen=True):
    """An interpreter."""

    path: str
    folder: str
    """What has to be seen besides /usr for it to run; "" for nothing."""


def runtime(name: str) -> Runtime | None:
    """Return the interpreter of that name, or None if it's none of those known or isn't installed.

    Python is the one that the hub itself runs on, without what's installed for the hub.
    """
    if name in PYTHONS:
        path = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
        return Runtime(path, _beyond(Path(sys.base_prefix)))
    found = shutil.which(name) if name in RUNTIMES else None
    if found is None:
        return None
    path = os.path.realpath(found)
    above = Path(path).parent
    return Runtime(path, _beyond(above.parent if above.name == "bin" else Path(path)))


def _beyond(folder: Path) -> str:
    """Return what to show of a program's place; never somebody's whole home or the root."""
    if folder.is_relative_to("/usr"):
        return ""
    return "" if len(folder.parts) < 3 and folder != Path("/opt") else str(folder)
