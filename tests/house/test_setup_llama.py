"""llama.cpp in set-up: built once per kind of machine, and never in the hub's way."""

import shutil
import sys
from pathlib import Path

import pytest

from make import llama, locks
from make.compilers import compilers, jobs, missing_compiler
from make.places import Places, Stamps
from make.words import SetupError
from tests.house.tree import ROOT

SILENT = "#!/bin/sh\nexit 0\n"
BROKEN = "#!/bin/sh\necho 'fatal error: vector: No such file or directory' >&2\nexit 1\n"
X86 = "processor : 0\nmodel name : Some CPU\ncpu MHz : {mhz}\nflags : {flags}\n\nprocessor : 1\nflags : other\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A checkout that has nothing but its lock files."""
    root = tmp_path / "a checkout"
    root.mkdir()
    for lock in ("llama", "build"):
        shutil.copy(ROOT / f"requirements-{lock}.lock", root)
    return Places(root=root, cache=tmp_path / "cache" / "agenthost")


def test_without_a_compiler_set_up_goes_on_and_names_both_ways_out(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    has_llama = llama.ensure_llama(places, Stamps(tmp_path / "stamps"), {"PATH": str(tmp_path)})

    told = capsys.readouterr().out
    assert not has_llama
    for part in ("no C and no C++ compiler", "apt-get install gcc g++", "dnf install", "xcode-select", '"remote"'):
        assert part in told
    assert "The hub starts all the same" in told


def test_a_compiler_without_its_library_counts_as_none(tmp_path: Path) -> None:
    environ = programs(tmp_path, cc=SILENT, **{"c++": BROKEN})

    assert "fatal error: vector" in missing_compiler(environ)


def test_one_compiler_of_two_is_not_enough(tmp_path: Path) -> None:
    environ = programs(tmp_path, gcc=SILENT)

    assert "no C++ compiler was found" in missing_compiler(environ)


def test_a_compiler_that_appears_is_taken(tmp_path: Path) -> None:
    environ = programs(tmp_path, gcc=SILENT, clang=SILENT, **{"g++": SILENT})

    assert compilers(environ) == {"CC": str(tmp_path / "gcc"), "CXX": str(tmp_path / "g++")}
    assert missing_compiler(environ) == ""


def test_ccs_own_words_choose_the_compiler(tmp_path: Path) -> None:
    environ = programs(tmp_path, gcc=SILENT, clang=SILENT) | {"CC": "clang -m64"}

    assert compilers(environ) == {"CC": str(tmp_path / "clang")}


def test_a_wheel_is_not_reused_on_another_processor() -> None:
    here, there = (llama.wheel_key("0.3.36", {}, cpu) for cpu in ("avx2 avx512", "avx2"))

    assert here != there
    assert here.startswith(f"llama_cpp_python-0.3.36-cp{sys.version_info[0]}{sys.version_info[1]}-")


def test_a_wheel_is_not_reused_for_other_build_options() -> None:
    assert llama.wheel_key("0.3.36", {}, "avx2") != llama.wheel_key("0.3.36", {"CMAKE_ARGS": "-DGGML_CUDA=on"}, "avx2")


def test_a_processor_is_known_by_its_abilities_and_not_by_its_clock(tmp_path: Path) -> None:
    same = [cpu(tmp_path, mhz="800", flags="sse avx2"), cpu(tmp_path, mhz="3100", flags="avx2 sse")]
    other = cpu(tmp_path, mhz="800", flags="sse avx2 avx512f")

    assert same[0] == same[1]
    assert other != same[0]


def test_a_kept_wheel_is_found_whole(tmp_path: Path) -> None:
    built = tmp_path / "some-1.0-py3-none-any.whl"
    built.write_bytes(b"a wheel")

    kept = llama.keep_wheel(built, tmp_path / "wheels" / "key-0.3.36")

    assert llama.kept_wheel(kept.parent) == kept
    assert [path.name for path in kept.parent.parent.iterdir()] == ["key-0.3.36"]


def test_a_kept_wheel_that_was_damaged_is_not_reused(tmp_path: Path) -> None:
    built = tmp_path / "some-1.0-py3-none-any.whl"
    built.write_bytes(b"a wheel")
    kept = llama.keep_wheel(built, tmp_path / "wheels" / "key")

    kept.write_bytes(b"a whee1")

    assert llama.kept_wheel(kept.parent) is None


def test_what_a_python_package_does_not_need_is_not_built(tmp_path: Path) -> None:
    plan = tmp_path / "CMakeLists.txt"
    plan.write_text('    set(LLAMA_BUILD_COMMON ON CACHE BOOL "Build" FORCE)\n    add_subdirectory(vendor/llama.cpp)\n')

    assert llama.trim(tmp_path)
    assert "LLAMA_BUILD_COMMON OFF CACHE" in plan.read_text()
    assert not llama.trim(tmp_path)


@pytest.mark.parametrize(
    ("wished", "cores", "memory", "expected"),
    [("", 2, 24 * 10**9, 2), ("", 16, 4 * 10**9, 4), ("", 2, 10**8, 1), ("7", 2, 10**9, 7), ("0", 2, 10**9, 1)],
)
def test_a_build_takes_the_cores_that_memory_allows(wished: str, cores: int, memory: int, expected: int) -> None:
    environ = {"CMAKE_BUILD_PARALLEL_LEVEL": wished} if wished else {}

    assert jobs(environ, cores, memory) == expected


def test_a_locks_entry_carries_its_version_and_hashes() -> None:
    entries = locks.entries(ROOT / "requirements-llama.lock")

    assert locks.version_of(entries[llama.PACKAGE]).startswith("0.3.")
    assert "--hash=sha256:" in entries[llama.PACKAGE]
    assert {"numpy", "diskcache", "jinja2"} <= entries.keys()


def test_a_lock_without_a_pin_is_refused() -> None:
    with pytest.raises(SetupError, match="make lock"):
        locks.version_of("llama-cpp-python>=0.3\n")


def programs(folder: Path, **texts: str) -> dict[str, str]:
    """An environment in whose PATH these programs are alone."""
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


def cpu(folder: Path, **values: str) -> str:
    file = folder / "cpuinfo"
    file.write_text(X86.format(**values))
    return llama.cpu_identity(file)
