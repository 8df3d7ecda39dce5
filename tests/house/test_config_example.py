"""config.example.toml is the full list of keys, loads without a fault, and shows the defaults."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from hub.config import key_paths, load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"


def paths(tree: dict[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in tree.items():
        found += paths(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
    return found


def test_the_example_has_every_key_and_no_other() -> None:
    assert sorted(paths(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))) == sorted(key_paths())


def test_the_example_shows_the_defaults() -> None:
    assert load(EXAMPLE, {}) == load(None, {})


@pytest.mark.parametrize("path", key_paths())
def test_every_key_has_its_line_in_the_reference(path: str) -> None:
    text = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")

    assert f"`{path}`" in text
