"""The packages of .venv: exactly those of the locks, installed again only when a lock changes.

The installer is outside, so a stand-in for uv writes down how it's called.
"""

import sys
from pathlib import Path

import pytest

from make.places import Places
from make.setup import main
from make.venv import ensure_bytecode, ensure_packages, stamps_of
from make.words import SetupError

UV = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/calls"\n'


@pytest.fixture
def places(tmp_path: Path) -> Places:
    checkout = Places(root=tmp_path / "a checkout", cache=tmp_path / "cache")
    checkout.uv.parent.mkdir(parents=True)
    checkout.uv.write_text(UV)
    checkout.uv.chmod(0o755)
    (checkout.root / "pyproject.toml").write_text("[project]")
    for name in ("", "dev", "build"):
        checkout.lock(name).write_text(f"{name or 'run'}==1\n")
    return checkout


def test_a_second_call_starts_nothing(places: Places) -> None:
    ensure_packages(places, stamps_of(places), dev=False)
    assert calls(places) == ["sync", "install"]

    ensure_packages(places, stamps_of(places), dev=False)
    assert calls(places) == []


def test_a_changed_lock_is_followed_and_what_lay_on_top_is_put_in_again(places: Places) -> None:
    ensure_packages(places, stamps_of(places), dev=False)
    stamps_of(places).keep("llama", "there")
    calls(places)

    places.lock().write_text("run==2\n")
    ensure_packages(places, stamps_of(places), dev=False)

    assert calls(places) == ["sync", "install"]
    assert not stamps_of(places).is_fresh("llama", "there")


def test_a_developers_packages_serve_to_run_the_hub_and_stay(places: Places) -> None:
    ensure_packages(places, stamps_of(places), dev=False)
    ensure_packages(places, stamps_of(places), dev=True)
    assert calls(places) == ["sync", "install"] * 2

    ensure_packages(places, stamps_of(places), dev=False)
    assert calls(places) == []


def test_a_step_that_failed_is_done_again(places: Places) -> None:
    places.uv.write_text(UV + "exit 1\n")
    with pytest.raises(SetupError, match="locked packages"):
        ensure_packages(places, stamps_of(places), dev=False)
    calls(places)

    places.uv.write_text(UV)
    ensure_packages(places, stamps_of(places), dev=False)

    assert calls(places) == ["sync", "install"]


def test_every_package_is_installed_by_its_hash(places: Places) -> None:
    ensure_packages(places, stamps_of(places), dev=True)

    sync, project = (places.uv.parent / "calls").read_text().splitlines()
    assert "--require-hashes" in sync
    assert "--require-build-hashes" in project
    assert "--no-deps" in project


def test_modules_are_compiled_where_python_would_not_keep_them_compiled(places: Places) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    modules = [places.root / "hub/spool.py", places.venv / "lib" / version / "site-packages/dep/spool.py"]
    for module in modules:
        module.parent.mkdir(parents=True)
        module.write_text("x = 1\n")
    places.python.symlink_to(sys.executable)

    ensure_bytecode(places, stamps_of(places), {})
    assert not any((module.parent / "__pycache__").exists() for module in modules)

    ensure_bytecode(places, stamps_of(places), {"PYTHONDONTWRITEBYTECODE": "1"})
    for module in modules:
        assert [each.suffix for each in (module.parent / "__pycache__").iterdir()] == [".pyc"]


def test_a_goal_that_is_not_known_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "run|test|check|llama" in capsys.readouterr().err


def calls(places: Places) -> list[str]:
    """What uv was called for since the last look."""
    file = places.uv.parent / "calls"
    verbs = [line.split()[1] for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    return verbs
