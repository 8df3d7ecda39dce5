"""The lock files: reading an entry out of one, and renewing them all (`make lock`).

They are made by `uv pip compile` and not by `uv lock`, for uv.lock names a registry's host on every line.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import tomllib
from pathlib import Path

from make.places import Places
from make.words import SetupError, call, say

PYTHON_FLOOR = "3.11"
_QUIETLY = ("--quiet", "--upgrade", "--no-config", "--no-header", "--no-annotate")
_FOR_ALL = ("--universal", "--generate-hashes", "--python-version", PYTHON_FLOOR)


def entries(lock: Path) -> dict[str, str]:
    """Each package's own lines in a lock, hashes included, by its name."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text()):
        if name := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", entry):
            found[name.group()] = found.get(name.group(), "") + entry.rstrip() + "\n"
    return found


def version_of(entry: str) -> str:
    """The version that an entry pins."""
    pinned = re.match(r"[A-Za-z0-9._-]+==([^\s;\\]+)", entry)
    if not pinned:
        raise SetupError(f"no version is pinned in {entry.splitlines()[0]!r}; run 'make lock'")
    return pinned.group(1)


def renew(places: Places) -> None:
    """Resolve everything together, then write each lock from that one answer."""
    project = tomllib.loads((places.root / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    run, llama = project["project"]["dependencies"], project["project"]["optional-dependencies"]["llama"]
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.txt"
        _compile(places, whole, [*run, *llama, *groups["dev"]])
        _compile(places, places.lock(), run, "--constraints", str(whole))
        _compile(places, places.lock("dev"), groups["dev"], "--constraints", str(whole))
        _compile(places, places.lock("llama"), llama, "--constraints", str(whole))
    _compile(places, places.lock("uv"), groups["uv"])
    _compile(places, places.lock("build"), groups["build"])
    # Without its dependencies: they are another program and another llama.cpp.
    _compile(places, places.lock("model"), groups["model"], "--no-deps")
    # Nothing of them is ever installed.
    _compile(places, places.lock("skills"), groups["skills"], "--no-deps")


def _compile(places: Places, out: Path, wanted: list[str], *options: str) -> None:
    # uv reads no dependency groups from a project that it doesn't manage, hence the file in between.
    with tempfile.NamedTemporaryFile("w", suffix=".in") as source:
        source.write("\n".join(wanted) + "\n")
        source.flush()
        call(
            *(places.uv, "pip", "compile", "--output-file", out),
            *(*_QUIETLY, *_FOR_ALL, *options, source.name),
            why=f"{out.name} was not renewed",
            cwd=places.root,
        )
    say(f"{out.name}: {len(entries(out))} packages")


if __name__ == "__main__":
    try:
        renew(Places.of(os.environ))
    except SetupError as error:
        sys.exit(f"==> {error}")
