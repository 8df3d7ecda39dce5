"""What must not stand in the tree: code where only data may be, registries' hosts, what only one machine knows."""

import re

from tests.house.tree import ROOT, files, named

# Name and ending apart, so that this file passes its own test.
HOSTS = {"pypi": "org", "pythonhosted": "org", "npmjs": "(com|org)", "debian": "org", "crates": "io"}


def test_agents_plugins_and_scripts_are_no_packages() -> None:
    rooms = [ROOT / room for room in ("agents", "plugins", "scripts") if (ROOT / room).is_dir()]

    assert [named(path) for room in rooms for path in files(room) if path.name == "__init__.py"] == []


def test_no_registry_is_named_outside_the_prose() -> None:
    hosts = re.compile("|".join(rf"\b{name}\.{end}\b" for name, end in HOSTS.items()).encode())
    told = [path for path in files() if path.suffix != ".md" and hosts.search(path.read_bytes())]

    assert [named(path) for path in told] == []


def test_locks_name_no_host() -> None:
    locks = [path for path in files() if path.suffix == ".lock"]

    assert len(locks) >= 6
    assert [named(path) for path in locks if "://" in path.read_text()] == []


def test_every_locked_package_is_pinned_and_hashed() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        for entry in re.split(r"\n(?=\S)", lock.read_text().strip()):
            assert re.match(r"[A-Za-z0-9._-]+==\S+", entry), f"{lock.name}: {entry.splitlines()[0]}"
            assert "--hash=sha256:" in entry, f"{lock.name}: {entry.splitlines()[0]}"


def test_there_is_no_uv_lock() -> None:
    assert not [path for path in files() if path.name == "uv.lock"], (
        "uv.lock names a registry on every line; use make lock"
    )
