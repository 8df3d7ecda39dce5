"""What compiles llama.cpp here: the programs, and how many files of it at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

REMOTE = 'A model that runs elsewhere serves too: [llm] backend = "remote" takes any OpenAI-compatible server.'
_USUAL = {"CC": ("cc", "gcc", "clang"), "CXX": ("c++", "g++", "clang++")}
_LANGUAGES = {"CC": "C", "CXX": "C++"}
_TRIAL = "#include <vector>\n#include <thread>\nint main() { return (int)std::vector<int>{}.size(); }\n"


def missing_compiler(environ: Mapping[str, str]) -> str:
    """What's missing to compile C and C++, and what to do; empty if a small program can be built."""
    found = compilers(environ)
    lacking = [_LANGUAGES[variable] for variable in _USUAL if variable not in found]
    why = f"no {' and no '.join(lacking)} compiler was found" if lacking else _trial(found["CXX"], environ)
    if not why:
        return ""
    return (
        f"llama.cpp, which runs the model, can't be built here: {why}.\n"
        "  Debian, Ubuntu:  apt-get install gcc g++\n"
        "  Fedora:          dnf install gcc gcc-c++\n"
        "  macOS:           xcode-select --install\n"
        f"Then call make again. {REMOTE}"
    )


def compilers(environ: Mapping[str, str]) -> dict[str, str]:
    """The C and C++ compilers that a build would take; one that isn't found isn't listed."""
    path = environ.get("PATH", os.defpath)
    found = {}
    for variable, usual in _USUAL.items():
        # CC may carry options ("gcc -m64"): its first word is the program.
        names = environ.get(variable, "").split()[:1] or usual
        if program := next(filter(None, (shutil.which(name, path=path) for name in names)), None):
            found[variable] = program
    return found


def jobs(environ: Mapping[str, str], cores: int, memory: int) -> int:
    """How many files to compile at once: one per core, as far as memory reaches (1 GB each)."""
    wished = environ.get("CMAKE_BUILD_PARALLEL_LEVEL", "")
    return max(1, int(wished) if wished.isdigit() else min(cores, memory // 10**9))


def jobs_here(environ: Mapping[str, str]) -> int:
    """`jobs` for this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return jobs(environ, cores, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _trial(compiler: str, environ: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "trial.cpp"
        source.write_text(_TRIAL)
        trial = subprocess.run(
            [compiler, str(source), "-o", str(source.with_suffix(".out"))],
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if trial.returncode == 0:
        return ""
    lines = trial.stderr.splitlines() or ["it says nothing"]
    told = next((line for line in lines if "error" in line), lines[0])
    return f"{compiler} can't build a small program ({told.strip()})"
