"""llama-cpp-python: built once per machine, kept as a wheel, and reused by every checkout.

Nothing here stops the hub: without a compiler, a network or luck, set-up says so and goes on without llama.cpp.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from make import locks
from make.places import Places, Stamps, fingerprint, locked, sha256_of
from make.venv import pip
from make.words import SetupError, call, call_patiently, last_lines, say

PACKAGE = "llama-cpp-python"
MINUTES = "about 5 minutes on 2 cores, about 3 on 4"
REMOTE = (
    'or use a model that runs elsewhere: [llm] backend = "remote" in config.toml takes any OpenAI-compatible server'
)
_COMPILERS = {"CC": ("cc", "gcc", "clang"), "CXX": ("c++", "g++", "clang++")}
# llama.cpp's common library serves its command-line tools alone, and takes nearly half of the build.
_UNUSED = ("set(LLAMA_BUILD_COMMON ON ", "set(LLAMA_BUILD_COMMON OFF ")
_TRIAL = "#include <vector>\n#include <thread>\nint main() { return (int)std::vector<int>{}.size(); }\n"


def ensure_llama(places: Places, stamps: Stamps, environ: Mapping[str, str], *, again: bool = False) -> bool:
    """Have llama-cpp-python in .venv, from the kept wheel or by building it. Returns whether it's there."""
    entry = locks.entries(places.lock("llama"))[PACKAGE]
    key = wheel_key(locks.version_of(entry), environ)
    made = fingerprint(places.lock("llama"), key)
    if stamps.is_fresh("llama", made) and not again:
        return True
    stamps.forget("llama")
    home = places.cache / "wheels" / key
    try:
        with locked(home.with_suffix(".lock")):
            wheel = kept_wheel(home) or _build(places, home, entry, environ, again=again)
        _install(places, wheel)
    except SetupError as error:
        say(f"{error}\nThe hub starts all the same and keeps messages until it has a model.")
        return False
    stamps.keep("llama", made)
    return True


def wheel_key(version: str, environ: Mapping[str, str], cpu: str | None = None) -> str:
    """Names the machines that a wheel runs on.

    llama.cpp is compiled for the very processor it's built on, and dies of an illegal instruction on a lesser one.
    """
    options = f"{environ.get('CMAKE_ARGS', '')} {environ.get('CFLAGS', '')} {environ.get('CXXFLAGS', '')}"
    told = fingerprint(cpu_identity() if cpu is None else cpu, " ".join(platform.libc_ver()), options)
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return f"llama_cpp_python-{version}-{python}-{sys.platform}-{platform.machine()}-{told}"


def cpu_identity(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's abilities, as the system lists them."""
    if not cpuinfo.exists():
        return f"{platform.machine()} {platform.processor()}"
    # The first core's lines stand for all. "flags" is x86, "Features" and "CPU part" are ARM, "isa" is RISC-V.
    core = cpuinfo.read_text(errors="replace").split("\n\n", 1)[0]
    told = dict(line.partition(":")[::2] for line in core.splitlines())
    names = {name.strip(): sorted(value.split()) for name, value in told.items()}
    return str([(name, names.get(name)) for name in ("flags", "Features", "CPU part", "isa", "cpu")])


def missing_compiler(environ: Mapping[str, str]) -> str:
    """What's missing to compile C and C++, and what to do; empty if a small program can be built."""
    found = compilers(environ)
    why = "no C and C++ compiler was found"
    if len(found) == len(_COMPILERS):
        why = _trial(found["CXX"], environ)
    if not why:
        return ""
    return (
        f"llama.cpp, which runs the model, can't be built here: {why}.\n"
        "  Debian, Ubuntu:  apt-get install gcc g++\n"
        "  Fedora:          dnf install gcc gcc-c++\n"
        "  macOS:           xcode-select --install\n"
        f"and call make again; {REMOTE}."
    )


def compilers(environ: Mapping[str, str]) -> dict[str, str]:
    """The C and C++ compilers that a build would take; one that isn't found isn't listed."""
    path = environ.get("PATH", os.defpath)
    found = {}
    for variable, usual in _COMPILERS.items():
        # CC may carry options ("ccache gcc"): its first word is the program.
        named = environ.get(variable, "").split()[:1] or list(usual)
        if program := next(filter(None, (shutil.which(name, path=path) for name in named)), None):
            found[variable] = program
    return found


def kept_wheel(home: Path) -> Path | None:
    """The wheel that was kept there, if it's still what it was when it was built."""
    wheel = next(iter(sorted(home.glob("*.whl"))), None)
    seal = home / "SHA256"
    if wheel and seal.exists() and seal.read_text().strip() == sha256_of(wheel):
        return wheel
    return None


def jobs(environ: Mapping[str, str], cores: int, memory: int) -> int:
    """How many files to compile at once: one per core, as far as memory reaches (1 GB each)."""
    if environ.get("CMAKE_BUILD_PARALLEL_LEVEL", "").isdigit():
        return max(1, int(environ["CMAKE_BUILD_PARALLEL_LEVEL"]))
    return max(1, min(cores, memory // 10**9))


def trim(source: Path) -> bool:
    """Take what a Python package doesn't need out of the build. Returns False if the source has changed too much."""
    plan = source / "CMakeLists.txt"
    text = plan.read_text()
    if _UNUSED[0] not in text:
        return False
    plan.write_text(text.replace(*_UNUSED))
    return True


def _build(places: Places, home: Path, entry: str, environ: Mapping[str, str], *, again: bool) -> Path:
    if reason := missing_compiler(environ):
        raise SetupError(reason)
    failed, log = home.with_suffix(".failed"), home.with_suffix(".log")
    tried = fingerprint(str(compilers(environ)), *map(Path, compilers(environ).values()), entry, places.lock("build"))
    if not again and failed.exists() and failed.read_text() == tried:
        raise SetupError(
            f"llama.cpp could not be built the last time ({log} says why).\n'make llama' tries again; {REMOTE}."
        )
    log.write_bytes(b"")
    say(f"building llama.cpp, which runs the model: once, {MINUTES}; the wheel is kept in {home.parent}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="agenthost-llama-") as folder:
        work = Path(folder)
        tools = _build_tools(places, work)
        source = _fetch(tools, work, entry)
        trim(source)
        wheel = _compile(tools, work, source, environ, log)
        if wheel is None:
            failed.write_text(tried)
            raise SetupError(
                f"llama.cpp could not be built. The last lines of {log}:\n{last_lines(log, 15)}\n{REMOTE}."
            )
        failed.unlink(missing_ok=True)
        kept = _keep(wheel, home)
    say(f"llama.cpp is built: {time.monotonic() - began:.0f} s, a wheel of {kept.stat().st_size / 1e6:.0f} MB")
    return kept


def _build_tools(places: Places, work: Path) -> Path:
    # An environment of the locked build tools: pip's own build isolation would take them unchecked.
    tools = work / "tools"
    call([places.python, "-m", "venv", tools], why="the build environment could not be made")
    call(
        [places.uv, "pip", "install", "--quiet", "--python", tools / "bin" / "python"]
        + ["--require-hashes", "-r", places.lock("build")],
        why="the build tools could not be installed",
    )
    return tools / "bin"


def _fetch(tools: Path, work: Path, entry: str) -> Path:
    wanted = work / "wanted.txt"
    wanted.write_text(entry)
    call(
        [tools / "python", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        + ["--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes", "-r", wanted, "-d", work],
        why="the source of llama-cpp-python could not be fetched",
        env=_with_tools(tools, os.environ),
    )
    # pip has checked its hash against the lock: it's what its authors published, and no stranger's archive.
    with tarfile.open(next(work.glob("*.tar.gz"))) as archive:
        archive.extractall(work / "source")
    return next((work / "source").iterdir())


def _compile(tools: Path, work: Path, source: Path, environ: Mapping[str, str], log: Path) -> Path | None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    level = str(
        jobs(environ, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, memory)
    )
    code = call_patiently(
        [tools / "python", "-m", "pip", "wheel", "--verbose", "--disable-pip-version-check", "--no-cache-dir"]
        + ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", work / "wheel", source],
        log=log,
        what="building llama.cpp",
        cwd=work,
        env={**_with_tools(tools, environ), "CMAKE_BUILD_PARALLEL_LEVEL": level},
    )
    return next((work / "wheel").glob("*.whl"), None) if code == 0 else None


def _keep(wheel: Path, home: Path) -> Path:
    home.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".keep-", dir=home.parent))
    shutil.copyfile(wheel, fresh / wheel.name)
    (fresh / "SHA256").write_text(sha256_of(wheel) + "\n")
    shutil.rmtree(home, ignore_errors=True)
    # The folder appears whole or not at all: a set-up cut off in between leaves no half wheel.
    fresh.rename(home)
    return home / wheel.name


def _install(places: Places, wheel: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as around:
        listed = locks.entries(places.lock("llama"))
        around.write("".join(entry for name, entry in listed.items() if name != PACKAGE))
        around.flush()
        pip(
            places,
            "install",
            "--require-hashes",
            "--no-deps",
            "-r",
            around.name,
            why="llama.cpp's companions could not be installed",
        )
    pip(
        places,
        "install",
        "--no-deps",
        "--reinstall-package",
        PACKAGE,
        wheel,
        why="llama-cpp-python could not be installed",
    )
    trial = subprocess.run([str(places.python), "-c", "import llama_cpp"], capture_output=True, text=True, check=False)
    if trial.returncode:
        shutil.rmtree(wheel.parent, ignore_errors=True)
        raise SetupError(
            f"llama.cpp was built but doesn't load: {(trial.stderr.strip().splitlines() or ['it crashed'])[-1]}\n{REMOTE}."
        )


def _with_tools(tools: Path, environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, "PATH": f"{tools}{os.pathsep}{environ.get('PATH', os.defpath)}"}


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
    told = (
        [line for line in trial.stderr.splitlines() if "error" in line] or trial.stderr.splitlines() or ["no word why"]
    )
    return f"{compiler} can't build a small program ({told[0].strip()})"
