"""The virtual environment: made once, filled from the locks, and left alone until one of them changes."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from make.places import Places, Stamps, fingerprint
from make.words import SetupError, call, say

# What changes with the packages: they are taken out when a lock is synchronised, and put in again.
_ON_TOP = ("project", "llama")
ROOMS = ("hub", "bridges", "client", "tests")
"""The checkout's own folders of modules."""


def stamps_of(places: Places) -> Stamps:
    return Stamps(places.venv / "agenthost-setup.json")


def ensure_venv(places: Places, stamps: Stamps) -> None:
    """Have .venv with a locked uv in it. A venv of another Python, or that was moved, is made anew."""
    base = f"{sys.version_info[:2]} {places.root} {sysconfig.get_config_var('EXT_SUFFIX')}"
    made = fingerprint(base)
    if not (stamps.is_fresh("venv", made) and places.python.exists()):
        if reason := missing_for_venv():
            raise SetupError(reason)
        say(f"making .venv with Python {sys.version.split()[0]}")
        shutil.rmtree(places.venv, ignore_errors=True)
        # The base Python and not a venv's: this may run inside an environment of the user's own.
        call(_base_python(), "-m", "venv", places.venv, why="the virtual environment could not be made")
        stamps.keep("venv", made)
    locked = fingerprint(places.lock("uv"))
    if not stamps.is_fresh("uv", locked):
        call(
            *(places.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "-r", places.lock("uv")),
            why="uv, the installer, could not be installed",
        )
        stamps.keep("uv", locked)


def ensure_packages(places: Places, stamps: Stamps, *, dev: bool) -> None:
    """Have exactly the locked packages, and AgentHost itself as it lies in the checkout.

    A developer's environment serves to run the hub as well: it isn't taken down again.
    """
    run, both = fingerprint(places.lock()), fingerprint(places.lock(), places.lock("dev"))
    if not (stamps.is_fresh("packages", both) if dev else stamps.is_fresh("packages", run, both)):
        stamps.forget("packages", *_ON_TOP)
        say("installing the locked packages" + (", the developer's included" if dev else ""))
        locks = [places.lock(), places.lock("dev")] if dev else [places.lock()]
        pip(places, "sync", "--require-hashes", *locks, why="the locked packages could not be installed")
        stamps.keep("packages", both if dev else run)
    project = fingerprint(places.root / "pyproject.toml", places.lock("build"))
    if not stamps.is_fresh("project", project):
        pip(
            places,
            *("install", "--no-deps", "--build-constraints", places.lock("build"), "--require-build-hashes"),
            *("--editable", places.root),
            why="AgentHost itself could not be installed",
        )
        stamps.keep("project", project)


def ensure_bytecode(places: Places, stamps: Stamps, environ: Mapping[str, str]) -> None:
    """Compile what processes begin by importing, where Python wouldn't keep what it compiles.

    Without it each process of the tests takes three times as long to start: 1,500 modules are compiled each time.
    """
    if not environ.get("PYTHONDONTWRITEBYTECODE"):
        return
    folders = [str(places.root / room) for room in ROOMS]
    packages = fingerprint(places.lock(), places.lock("dev"))
    if not stamps.is_fresh("bytecode", packages):
        say("compiling the packages' Python, for PYTHONDONTWRITEBYTECODE keeps it from being kept")
        folders.append(sysconfig.get_path("purelib", "venv", {"base": str(places.venv)}))
    # What's compiled and unchanged is passed over. What can't be compiled (templates, other Pythons' files) isn't
    # imported, either.
    subprocess.run([places.python, "-m", "compileall", "-q", "-q", "-j", "0", *folders], check=False)
    stamps.keep("bytecode", packages)


def pip(places: Places, verb: str, *arguments: str | Path, why: str) -> None:
    """Let uv change .venv. Raises SetupError, with `why` in its text, if it fails."""
    call(places.uv, "pip", verb, "--quiet", "--python", places.python, *arguments, why=why, cwd=places.root)


def missing_for_venv() -> str:
    """What keeps this Python from making a virtual environment, and the way out; empty if nothing does."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return ""
    return (
        "this Python can't make virtual environments: Debian and Ubuntu keep that in a package of its own.\n"
        "Install it and call make again:  apt-get install python3-venv"
    )


def _base_python() -> str:
    return str(getattr(sys, "_base_executable", "") or sys.executable)
