"""make/start.sh finds a Python that's new enough, and the Makefile tells what it can do."""

import os
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

TOO_OLD = "#!/bin/sh\nexit 1\n"
FITS = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'


def test_without_python_it_says_what_to_install(tmp_path: Path) -> None:
    ended = start(tmp_path, tools(tmp_path))

    assert ended.returncode == 1
    assert "apt-get install python3 python3-venv" in ended.stderr


def test_an_old_python_is_passed_over_for_a_newer_one(tmp_path: Path) -> None:
    path = tools(tmp_path, python3=TOO_OLD, **{"python3.13": FITS})

    ended = start(tmp_path, path)

    assert (ended.returncode, ended.stderr) == (2, f"usage: python -m make.setup {'run|test|check|llama'}\n")


def test_a_python_that_was_named_is_taken_or_refused(tmp_path: Path) -> None:
    path = tools(tmp_path, python3=FITS, old=TOO_OLD)

    ended = start(tmp_path, path, PYTHON="old")

    assert ended.returncode == 1
    assert "PYTHON=old is no Python of 3.11 or later" in ended.stderr


def test_make_alone_lists_every_target() -> None:
    ended = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=clean_environ())

    listed = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("make ")]
    assert {"run", "venv", "test", "check", "bench", "lock", "clean", "help"} <= set(listed)


def start(folder: Path, path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Call start.sh with a goal that set-up refuses: it's Python that we look for here."""
    return subprocess.run(
        [str(ROOT / "make" / "start.sh"), "setup", "nothing-of-the-kind"],
        env={"PATH": str(path), "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def tools(folder: Path, **programs: str) -> Path:
    """A PATH with the shell's own tools and these programs alone."""
    path = folder / "bin"
    path.mkdir()
    for name in ("sh", "dirname"):
        (path / name).symlink_to(f"/bin/{name}" if name == "sh" else f"/usr/bin/{name}")
    for name, text in programs.items():
        (path / name).write_text(text)
        (path / name).chmod(0o755)
    return path


def clean_environ() -> dict[str, str]:
    # Under `make test` these would make it a sub-make, which speaks differently.
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
