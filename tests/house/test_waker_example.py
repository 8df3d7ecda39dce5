"""waker.example.toml is the full list of the waker's keys, loads without a fault, and shows the defaults."""

import re
import tomllib
from pathlib import Path

import pytest

from hub.reading import key_paths
from hub.waker.config import HubConfig, WakerConfig, load
from tests.house.test_config_example import paths, uncommented

ROOT = Path(__file__).parents[2]
# A provider's own keys are in a section below its hub's.
EXAMPLE = re.sub(r"(?m)^# (\[hubs\.)", r"\1", (ROOT / "waker.example.toml").read_text(encoding="utf-8"))
OWN = [path for path in key_paths(WakerConfig) if not path.startswith("bridges") and path != "heard"]


def test_the_example_has_every_key_and_no_other() -> None:
    shown = [path for path in paths(tomllib.loads(uncommented(EXAMPLE))) if not path.startswith("bridges")]
    assert sorted(shown) == sorted(OWN)


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    text = uncommented(EXAMPLE)
    text = re.sub(r'(?m)^token = ""', f'token = "{"t" * 32}"', text, count=1)
    text = re.sub(r"(?m)^command = \[\]", 'command = ["hub"]', text)
    (tmp_path / "waker.toml").write_text(text + 'token = "1:a"\n', encoding="utf-8")

    config = load(tmp_path / "waker.toml", {})

    assert config.hubs == (HubConfig(token="t" * 32, command=("hub",)),)
    assert config.waker == WakerConfig().waker
    assert config.heard == ("hub",)


@pytest.mark.parametrize("path", OWN)
def test_every_key_has_its_line_in_the_reference(path: str) -> None:
    assert f"`{path}`" in (ROOT / "docs/reference/waker.md").read_text(encoding="utf-8")
