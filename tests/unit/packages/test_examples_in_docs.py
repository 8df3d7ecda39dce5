"""The examples of the reference are programs: each passes the check of an installation, and does what it says."""

import re
import tomllib
from pathlib import Path

import pytest

from hub.manifests import Plugin, load_plugin, load_script
from hub.packages.hosts import Supplies
from hub.packages.plugins import check, plugin_tools
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.ports import Paused
from hub.store.documents import MemoryDocuments
from hub.testing import FakeEgress
from tests.unit.packages.outfit import Folders, Notes, an_answer
from tests.unit.tools.calls import use_with

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
BLOCK = r"((?:(?!^```).)*)^```$"
PLUGIN = re.compile(rf"^```toml\n{BLOCK}\n\n```python\n(?=# plugin\.py){BLOCK}", re.MULTILINE | re.DOTALL)
PLUGINS = {
    tomllib.loads(manifest)["name"]: (manifest, program)
    for manifest, program in PLUGIN.findall((REFERENCE / "plugins.md").read_text(encoding="utf-8"))
}
RESULTS = {
    "shopping": "milk",
    "words": "notes.txt has 3 words; 2 files are there.",
    "weather": "21 degrees in Bonn",
    "lights": "done",
    "tea": "Which tea would you like?",
    "trips": "12 km; planned for tomorrow 09:00",
}


def an_example(folder: Path, name: str) -> Plugin:
    manifest, program = PLUGINS[name]
    (folder / name).mkdir()
    (folder / name / "plugin.toml").write_text(manifest, encoding="utf-8")
    (folder / name / "plugin.py").write_text(program, encoding="utf-8")
    return load_plugin(folder / name)


def a_hub() -> Supplies:
    """Return what the examples need of one."""
    now = "https://api.example.org/v1/now?city=Bonn&key=w-1"
    egress = FakeEgress({now: an_answer('{"degrees": 21}'), "https://lights.example.org:8443/switch": an_answer("{}")})
    return Supplies(
        egress=egress,
        workspaces=Folders({"notes.txt": b"one two three"}),
        errands=Notes("Make me a cup of tea."),
        secrets={"WEATHER_KEY": "w-1", "LIGHTS_TOKEN": "l-1"},
        seal=Seal(b"k" * 32),
    )


def test_every_permission_has_an_example(tmp_path: Path) -> None:
    asked = {ask.partition(":")[0] for name in PLUGINS for ask in an_example(tmp_path, name).permissions.asks}

    assert asked == {"net", "fs", "secrets", "messages", "schedule", "tools"}
    assert PLUGINS.keys() == RESULTS.keys()


@pytest.mark.parametrize("name", PLUGINS)
async def test_an_example_works_as_the_reference_shows_it(name: str, tmp_path: Path, scripts: Scripts) -> None:
    plugin = an_example(tmp_path, name)
    await check(plugin, scripts)
    (tool,) = plugin_tools({name: plugin}, (), scripts, MemoryDocuments(), a_hub())
    (example,) = tool.examples

    assert tool.fits(example.text)
    try:
        result = await use_with(tool, example.arguments)
    except Paused as paused:
        result = paused.question
    assert result == RESULTS[name]


async def test_the_script_of_the_reference_works(tmp_path: Path, scripts: Scripts) -> None:
    page = (REFERENCE / "scripts.md").read_text(encoding="utf-8")
    (tmp_path / "double-it").mkdir()
    for kind, name in (("toml", "script.toml"), ("python", "main.py")):
        (block,) = re.findall(rf"^```{kind}\n(# {re.escape(name)}\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
        (tmp_path / "double-it" / name).write_text(block, encoding="utf-8")
    script = load_script(tmp_path / "double-it")
    await check(script, scripts)
    (tool,) = plugin_tools({script.name: script}, (), scripts, MemoryDocuments())

    assert await use_with(tool, tool.examples[0].arguments) == "8"
