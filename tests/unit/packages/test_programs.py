"""Scripts as packages: those that ship, and what their manifests say."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hub.errors import ManifestError
from hub.flow.schemas import decode
from hub.manifests import load_script, load_scripts
from hub.packages.plugins import check, plugin_tools
from hub.packages.programs import Programs
from hub.packages.scripts import Scripts
from hub.store.documents import MemoryDocuments
from tests.unit.packages.outfit import a_call, supplies
from tests.unit.tools.calls import use_with

SHIPPED = Path(__file__).parents[3] / "scripts"
SCRIPTS = load_scripts([SHIPPED])
FILES = {"sales.csv": b"day,km\nMon,3\nTue,5\n"}
MANIFEST = """
name = "double-it"
version = "1.0.0"
description = "Doubles a number."
words = ["double"]
examples = [{ text = "Double 4.", arguments = { number = 4 } }]
others = ["A double room, please."]
"""
PROGRAM = 'def main(number: int) -> int:\n    """Double a whole number."""\n    return 2 * number\n'


def written(folder: Path, manifest: str = MANIFEST, program: str = PROGRAM) -> Path:
    place = folder / "double-it"
    place.mkdir(exist_ok=True)
    (place / "script.toml").write_text(manifest, encoding="utf-8")
    (place / "main.py").write_text(program, encoding="utf-8")
    return place


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_shipped_scripts_examples_work_as_the_hub_would_call_them(name: str, scripts: Scripts) -> None:
    await check(SCRIPTS[name], scripts)
    (tool,) = plugin_tools({name: SCRIPTS[name]}, (), scripts, MemoryDocuments(), supplies(files=FILES))
    for example in tool.examples:
        assert tool.fits(example.text), example.text
        assert decode(msgspec.json.encode(example.arguments).decode(), tool.schema)
        assert "2 rows, 2 columns" in await use_with(tool, example.arguments)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_shipped_scripts_own_test_passes(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=SHIPPED / name, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout


async def test_a_script_is_one_tool_called_as_it_is(tmp_path: Path, scripts: Scripts) -> None:
    script = load_script(written(tmp_path))
    (tool,) = plugin_tools({script.name: script}, (), scripts, MemoryDocuments())

    assert (tool.name, tool.description) == ("double_it", "Double a whole number.")
    assert await tool.call(a_call("double_it", number=21)) == "42"


async def test_its_sheet_says_what_it_is(tmp_path: Path, scripts: Scripts) -> None:
    kind = Programs(scripts, MemoryDocuments(), supplies())
    asking = f'{MANIFEST}[permissions]\nnet = ["api.example.org"]\nsecrets = ["KEY", "GONE"]\n'
    sheet = kind.sheet(written(tmp_path, asking))

    assert (sheet.name, sheet.kind, sheet.tools) == ("double-it", "script", ("double_it",))
    assert sheet.asks == ("net:api.example.org", "secrets:KEY", "secrets:GONE")
    assert sheet.notes == ("secret GONE isn't set: put it into [[packages.secrets]], or calls that need it fail",)


async def test_its_types_are_checked(tmp_path: Path, scripts: Scripts) -> None:
    kind = Programs(scripts, MemoryDocuments())

    with pytest.raises(ManifestError, match=r"^double-it/main\.py:3:12: error\[invalid-return-type"):
        await kind.check(written(tmp_path, program=PROGRAM.replace("2 * number", '"two"')))


@pytest.mark.parametrize(
    ("manifest", "program", "fault"),
    [
        (MANIFEST.replace('["double"]', "[]"), PROGRAM, "words"),
        (MANIFEST.replace("double-it", "Double"), PROGRAM, "use lower-case letters, digits and hyphens"),
        (MANIFEST.replace("double-it", "other"), PROGRAM, "but its folder is 'double-it'"),
        (f"{MANIFEST}[tools.main]\n", PROGRAM, "tools: unknown key"),
        (f"{MANIFEST}[permissions]\nsecrets = ['KEY']\n", PROGRAM, "there's nobody to send them to"),
        (MANIFEST, PROGRAM.replace("main", "start"), "main: no such function"),
        (MANIFEST, PROGRAM.replace('"""Double a whole number."""', "pass"), "begin its docstring with one line"),
        (MANIFEST, "#" * 100_001, "100001 characters; 100000 are the most"),
    ],
)
def test_a_faulty_script_is_refused_in_words(
    manifest: str, program: str, fault: str, tmp_path: Path, scripts: Scripts
) -> None:
    with pytest.raises(ManifestError, match=fault):
        Programs(scripts, MemoryDocuments()).sheet(written(tmp_path, manifest, program))


def test_a_script_without_its_program_says_what_belongs_there(tmp_path: Path) -> None:
    (written(tmp_path) / "main.py").unlink()

    with pytest.raises(ManifestError, match=r"main\.py: missing; a script is a folder with script\.toml and main\.py"):
        load_script(tmp_path / "double-it")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such folder"):
        load_scripts([tmp_path / "gone"])
