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
from make.compilers import REMOTE, compilers, jobs_here, missing_compiler
from make.places import Places, Stamps, fingerprint, locked, sha256_of
from make.venv import pip
from make.words import SetupError, call, call_patiently, last_lines, say

PACKAGE = "llama-cpp-python"
# llama.cpp's common library serves its command-line tools alone, and takes more than half of the build's time.
_UNUSED = ("set(LLAMA_BUILD_COMMON ON ", "set(LLAMA_BUILD_COMMON OFF ")


def ensure_llama(places: Places, stamps: Stamps, environ: Mapping[str, str], *, again: bool = False) -> bool:
    """Have llama-cpp-python in .venv, from the kept wheel or by building it. Returns whether it's there."""
    entry = locks.entries(places.lock("llama"))[PACKAGE]
    key = wheel_key(locks.version_of(entry), environ)
    made = fingerprint(places.lock("llama"), key)
    if stamps.is_fresh("llama", made):
        return True
    stamps.forget("llama")
    home = places.cache / "wheels" / key
    try:
        with locked(_beside(home, "lock")):
            wheel = kept_wheel(home) or _build(places, home, entry, environ, again=again)
        _install(places, wheel)
    except (SetupError, OSError) as error:
        say(f"{error}\nThe hub starts all the same and keeps messages until it has a model.")
        return False
    stamps.keep("llama", made)
    return True


def wheel_key(version: str, environ: Mapping[str, str], cpu: str | None = None) -> str:
    """Names the machines that a wheel runs on.

    llama.cpp is compiled for the very processor it's built on, and dies of an illegal instruction on a lesser one.
    """
    options = [environ.get(name, "") for name in ("CMAKE_ARGS", "CFLAGS", "CXXFLAGS")]
    told = fingerprint(cpu_identity() if cpu is None else cpu, *platform.libc_ver(), *options)
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return f"llama_cpp_python-{version}-{python}-{sys.platform}-{platform.machine()}-{told}"


def cpu_identity(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's abilities, as the system lists them."""
    if not cpuinfo.exists():
        return f"{platform.machine()} {platform.processor()}"
    # The first core's lines stand for all. "flags" is x86, "Features" and "CPU part" are ARM, "isa" is RISC-V.
    core = cpuinfo.read_text(errors="replace").split("\n\n", 1)[0]
    told = {
        name.strip(): sorted(value.split()) for name, _, value in (line.partition(":") for line in core.splitlines())
    }
    return str([(name, told.get(name)) for name in ("flags", "Features", "CPU part", "isa", "cpu")])


def kept_wheel(home: Path) -> Path | None:
    """The wheel that was kept there, if it's still what it was when it was built."""
    wheel = next(iter(sorted(home.glob("*.whl"))), None)
    seal = home / "SHA256"
    return wheel if wheel and seal.exists() and seal.read_text().strip() == sha256_of(wheel) else None


def keep_wheel(wheel: Path, home: Path) -> Path:
    """Copy a wheel to where the next checkout finds it: whole, or not at all. Returns the copy."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".keep-", dir=home.parent) as folder:
        fresh = Path(folder) / "fresh"
        fresh.mkdir()
        shutil.copyfile(wheel, fresh / wheel.name)
        (fresh / "SHA256").write_text(sha256_of(wheel) + "\n")
        shutil.rmtree(home, ignore_errors=True)
        fresh.rename(home)
    return home / wheel.name


def trim(source: Path) -> bool:
    """Take what a Python package doesn't need out of the build. Returns False if the source has changed too much."""
    plan = source / "CMakeLists.txt"
    text = plan.read_text()
    plan.write_text(text.replace(*_UNUSED))
    return _UNUSED[0] in text


def _build(places: Places, home: Path, entry: str, environ: Mapping[str, str], *, again: bool) -> Path:
    if reason := missing_compiler(environ):
        raise SetupError(reason)
    failed, log = _beside(home, "failed"), _beside(home, "log")
    tried = fingerprint(*map(Path, compilers(environ).values()), entry, places.lock("build"))
    if not again and failed.exists() and failed.read_text() == tried:
        raise SetupError(
            f"llama.cpp couldn't be built the last time; {log} says why.\n'make llama' tries again. {REMOTE}"
        )
    say("building llama.cpp, which runs the model: 2 to 6 minutes on 2 cores, once for this machine")
    log.write_bytes(b"")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="agenthost-llama-") as folder:
        work = Path(folder)
        tools = _fetch_tools(places, work)
        wheel = _compile(tools, work, _fetch_source(tools, work, entry), environ, log)
        if wheel is None:
            failed.write_text(tried)
            raise SetupError(f"llama.cpp couldn't be built. The last lines of {log}:\n{last_lines(log, 15)}\n{REMOTE}")
        failed.unlink(missing_ok=True)
        kept = keep_wheel(wheel, home)
    say(f"llama.cpp is built: {time.monotonic() - began:.0f} s; {kept.stat().st_size / 1e6:.0f} MB are kept in {home}")
    return kept


def _fetch_tools(places: Places, work: Path) -> Path:
    # An environment of the locked build tools: pip's own build isolation would take them unchecked.
    tools = work / "tools"
    call(places.python, "-m", "venv", tools, why="the build environment couldn't be made")
    call(
        *(places.uv, "pip", "install", "--quiet", "--python", tools / "bin" / "python"),
        *("--require-hashes", "-r", places.lock("build")),
        why="the build tools couldn't be installed",
    )
    return tools / "bin"


def _fetch_source(tools: Path, work: Path, entry: str) -> Path:
    wanted = work / "wanted.txt"
    wanted.write_text(entry)
    call(
        *(tools / "python", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"),
        *("--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes", "-r", wanted, "-d", work),
        why="the source of llama-cpp-python couldn't be fetched",
        env=_with_tools(tools, os.environ),
    )
    # pip has checked it against the lock: it's what its authors published, and no stranger's archive.
    with tarfile.open(next(work.glob("*.tar.gz"))) as archive:
        archive.extractall(work / "source")
    return next((work / "source").iterdir())


def _compile(tools: Path, work: Path, source: Path, environ: Mapping[str, str], log: Path) -> Path | None:
    trim(source)
    code = call_patiently(
        *(tools / "python", "-m", "pip", "wheel", "--verbose", "--disable-pip-version-check", "--no-cache-dir"),
        *("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", work / "wheel", source),
        log=log,
        what="building llama.cpp",
        cwd=work,
        env={**_with_tools(tools, environ), "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs_here(environ))},
    )
    return next((work / "wheel").glob("*.whl"), None) if code == 0 else None


def _install(places: Places, wheel: Path) -> None:
    beside = {name: entry for name, entry in locks.entries(places.lock("llama")).items() if name != PACKAGE}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("".join(beside.values()))
        wanted.flush()
        why = "what llama-cpp-python needs couldn't be installed"
        pip(places, "install", "--require-hashes", "--no-deps", "-r", wanted.name, why=why)
    pip(places, "install", "--no-deps", "--reinstall", wheel, why="llama-cpp-python couldn't be installed")
    trial = subprocess.run([str(places.python), "-c", "import llama_cpp"], capture_output=True, text=True, check=False)
    if trial.returncode:
        shutil.rmtree(wheel.parent, ignore_errors=True)
        told = (trial.stderr.strip().splitlines() or ["it crashed"])[-1]
        raise SetupError(f"llama.cpp is there but doesn't load: {told}\nThe next call builds it anew. {REMOTE}")


def _with_tools(tools: Path, environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, "PATH": f"{tools}{os.pathsep}{environ.get('PATH', os.defpath)}"}


def _beside(home: Path, kind: str) -> Path:
    # Not with_suffix: a version's dots would pass for suffixes.
    return home.with_name(f"{home.name}.{kind}")
