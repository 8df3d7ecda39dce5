"""Plugins as tools: those that ship, and what a plugin may use of the hub."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hub.errors import ManifestError, ToolError
from hub.flow.schemas import decode
from hub.manifests import Plugin, load_plugin, load_plugins
from hub.packages.plugins import PluginTool, check, plugin_tools
from hub.packages.scripts import Scripts
from hub.records import PersonId, TenantId
from hub.store.documents import MemoryDocuments
from tests.unit.tools.calls import use, use_with

SHIPPED = Path(__file__).parents[3] / "plugins"
PLUGINS = load_plugins([SHIPPED])
MANIFEST = """
name = "list"
version = "1.0.0"
description = "Keeps a shopping list."
[permissions]
fs = "data"
[tools.put]
words = ["buy", "shopping"]
examples = [{ text = "Buy milk.", arguments = { thing = "milk" } }]
others = ["Milk is white."]
effect = "keyed"
"""
PROGRAM = '''
async def put(thing: str, key: str) -> str:
    """Put a thing on the shopping list."""
    kept = await read("list") or {"things": [], "keys": []}
    if key not in kept["keys"]:
        kept = {"things": kept["things"] + [thing], "keys": kept["keys"] + [key]}
        await write("list", kept)
    return ", ".join(kept["things"])
'''


@pytest.fixture
async def scripts() -> AsyncIterator[Scripts]:
    made = Scripts()
    yield made
    await made.close()


def written(folder: Path, manifest: str = MANIFEST, program: str = PROGRAM) -> Plugin:
    (folder / "list").mkdir(exist_ok=True)
    (folder / "list" / "plugin.toml").write_text(manifest, encoding="utf-8")
    (folder / "list" / "plugin.py").write_text(program, encoding="utf-8")
    return load_plugin(folder / "list")


def tool_of(plugin: Plugin, scripts: Scripts, documents: MemoryDocuments | None = None) -> PluginTool:
    return plugin_tools({plugin.name: plugin}, (), scripts, documents or MemoryDocuments())[0]


@pytest.mark.parametrize("name", PLUGINS)
async def test_a_shipped_plugins_examples_work_as_the_hub_would_call_them(name: str, scripts: Scripts) -> None:
    await check(PLUGINS[name], scripts)
    for tool in plugin_tools({name: PLUGINS[name]}, (), scripts, MemoryDocuments()):
        for example in tool.examples:
            assert tool.fits(example.text), example.text
            decode(msgspec.json.encode(example.arguments).decode(), tool.schema)
            assert await use_with(tool, example.arguments)


@pytest.mark.parametrize("name", PLUGINS)
def test_a_shipped_plugins_own_test_passes(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=SHIPPED / name, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout


async def test_documents_are_a_persons_own(tmp_path: Path, scripts: Scripts) -> None:
    tool = tool_of(written(tmp_path), scripts)

    assert await use(tool, key="1", thing="milk") == "milk"
    assert await use(tool, key="2", thing="bread") == "milk, bread"
    assert await use(tool, key="1", thing="tea", person=PersonId("bob")) == "tea"
    assert await use(tool, key="1", thing="jam", tenant=TenantId("acme")) == "jam"


async def test_a_call_repeated_with_its_key_changes_nothing(tmp_path: Path, scripts: Scripts) -> None:
    tool = tool_of(written(tmp_path), scripts)

    assert await use(tool, key="1", thing="milk") == await use(tool, key="1", thing="milk")


async def test_without_the_permission_there_are_no_documents(tmp_path: Path, scripts: Scripts) -> None:
    plugin = written(tmp_path, MANIFEST.replace('fs = "data"', ""))

    with pytest.raises(ToolError, match="NameError"):
        await use(tool_of(plugin, scripts), thing="milk")
    with pytest.raises(ManifestError, match="read"):
        await check(plugin, scripts)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('await read("../other")', "an id has 1 to 100 letters"),
        ("await read(3)", "an id has 1 to 100 letters"),
        ('await write("a", [1])', "a document is a dictionary"),
        ('await write("a", {"b": "x" * 3000000})', "are allowed for one owner"),
    ],
)
async def test_documents_take_no_odd_names_and_no_odd_contents(
    call: str, said: str, tmp_path: Path, scripts: Scripts
) -> None:
    program = f'async def put(thing: str) -> str:\n    """Put a thing on the list."""\n    {call}\n    return "done"\n'

    with pytest.raises(ToolError, match=said):
        await use(tool_of(written(tmp_path, program=program), scripts), thing="milk")


def test_a_tool_is_offered_for_its_words_only(tmp_path: Path, scripts: Scripts) -> None:
    plugin = written(tmp_path, MANIFEST.replace('"shopping"', '"shop*", "to the list"'))
    tool = tool_of(plugin, scripts)

    assert [text for text in ("Buy milk", "shops", "add it to  the list", "buyer", "hello") if tool.fits(text)] == [
        "Buy milk",
        "shops",
        "add it to  the list",
    ]


def test_a_name_that_is_taken_is_refused(tmp_path: Path, scripts: Scripts) -> None:
    with pytest.raises(ManifestError, match="put: the hub itself has a tool of that name"):
        plugin_tools({"list": written(tmp_path)}, ("put",), scripts, MemoryDocuments())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('fs = "data"', 'fs = "all"'), r"permissions\.fs"),
        (("[permissions]", "[permissions]\nnet = ['x']"), r"permissions\.net: 'x' won't do; name hosts as"),
        (('words = ["buy", "shopping"]', "words = []"), r"tools\[\.\.\.\]\.words|words"),
        (("[tools.put]", "[tools.Put]"), "use lower-case letters, digits and _"),
        (("effect", "effekt"), r"tools\.put\.effekt: unknown key"),
        (('name = "list"', 'name = "other"'), "but its folder is 'list'"),
    ],
)
def test_a_faulty_manifest_is_refused_in_words(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    with pytest.raises(ManifestError, match=fault):
        written(tmp_path, MANIFEST.replace(*change))


def test_a_plugin_without_its_program_says_what_belongs_there(tmp_path: Path) -> None:
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "plugin.toml").write_text(MANIFEST, encoding="utf-8")

    with pytest.raises(ManifestError, match=r"plugin\.py: missing; a plugin is a folder with"):
        load_plugin(tmp_path / "list")
