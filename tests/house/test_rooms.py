"""What must not stand in the tree: packages where only data may be, and registries' hosts."""

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
