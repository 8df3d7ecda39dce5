"""The locks: complete, pinned, hashed, in one mind with pyproject.toml, and without a host's name."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from make.locks import entries, version_of
from tests.house.tree import ROOT, files, named

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WANTED = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-llama.lock": PROJECT["project"]["optional-dependencies"]["llama"],
    "requirements-dev.lock": PROJECT["dependency-groups"]["dev"],
    "requirements-uv.lock": PROJECT["dependency-groups"]["uv"],
    "requirements-build.lock": PROJECT["dependency-groups"]["build"],
    "requirements-model.lock": PROJECT["dependency-groups"]["model"],
    "requirements-skills.lock": PROJECT["dependency-groups"]["skills"],
}


def test_locks_name_no_host() -> None:
    locks = [path for path in files() if path.suffix == ".lock"]

    assert {path.name for path in locks} == WANTED.keys()
    assert [named(path) for path in locks if "://" in path.read_text()] == []


@pytest.mark.parametrize("lock", WANTED)
def test_what_pyproject_asks_for_is_locked(lock: str) -> None:
    locked = entries(ROOT / lock)
    stale = []
    for text in WANTED[lock]:
        wanted = Requirement(text)
        entry = locked.get(wanted.name.lower().replace("_", "-"), "")
        if not entry or not wanted.specifier.contains(version_of(entry)):
            stale.append(text)

    assert stale == [], "run 'make lock'"


@pytest.mark.parametrize("lock", WANTED)
def test_every_locked_package_is_pinned_and_hashed(lock: str) -> None:
    for entry in re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip()):
        assert version_of(entry)
        assert "--hash=sha256:" in entry


def test_packages_that_locks_share_have_one_version() -> None:
    shared: dict[str, set[str]] = {}
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-llama.lock"):
        for name, entry in entries(ROOT / lock).items():
            shared.setdefault(name, set()).add(version_of(entry))

    assert [name for name, told in shared.items() if len(told) > 1] == []


def test_there_is_no_uv_lock() -> None:
    assert not [path for path in files() if path.name == "uv.lock"], "it names a registry on every line; use make lock"
