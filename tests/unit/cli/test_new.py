"""`agenthost new` begins packages that work at once, and `agenthost packages test` finds what's wrong with one."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.packages.skeletons import SKELETONS
from tests.house.tree import ROOT
from tests.unit.cli.conftest import Running

PLUGIN = "plugin.toml"


def run(name: str, *args: str, **more: str) -> Result:
    return CliRunner().invoke(load(name), args, env=more)


def begun(folder: Path, kind: str = "plugin", name: str = "my-first") -> Path:
    made = run("new", kind, name, "--in", str(folder))
    assert made.exit_code == 0, made.output
    return folder / name


def tried(folder: Path, *args: str) -> tuple[int, dict[str, str]]:
    """Try a package out without its own tests; return the exit status and what was said of each fault."""
    done = run("packages", "test", str(folder), "--no-own-tests", "--json", *args)
    report = json.loads(done.stdout)
    return done.exit_code, {one["what"]: one["words"] for one in report["checks"] if one["state"] == "fault"}


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("kind", SKELETONS)
def test_what_it_writes_passes_all_tests_at_once(kind: str, tmp_path: Path) -> None:
    done = run("packages", "test", str(begun(tmp_path, kind)))

    assert done.exit_code == 0, done.output
    assert "All is well." in done.stdout
    assert re.search(r"ok +own tests: \d passed", done.stdout)
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("kind", SKELETONS)
def test_and_can_be_installed(kind: str, tmp_path: Path, hub: Running) -> None:
    folder = begun(tmp_path, kind)

    installed = run("install", str(folder), "--yes", **hub.environ)
    shown = run("packages", "show", "my-first", **hub.environ)

    assert "my-first 0.1.0 is installed and enabled." in installed.stdout
    assert "SHA-256" in shown.stdout


@pytest.mark.parametrize("name", ["", "My", "1st", "a_b", "../up", "a/b", "ends-", "x" * 65, ".hidden", "--help-me"])
def test_odd_names_are_refused(name: str, tmp_path: Path) -> None:
    made = run("new", "--in", str(tmp_path), "plugin", "--", name)

    assert made.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / PLUGIN).write_text("dear to me", encoding="utf-8")

    made = run("new", "plugin", "mine", "--in", str(tmp_path))

    assert made.exit_code == 1
    assert (tmp_path / "mine" / PLUGIN).read_text(encoding="utf-8") == "dear to me"


def test_a_name_that_is_a_word_of_python_does_as_well(tmp_path: Path) -> None:
    assert tried(begun(tmp_path, name="class")) == (0, {})


@pytest.mark.parametrize(
    ("file", "old", "new", "what", "words"),
    [
        (PLUGIN, 'version = "0.1.0"', 'version = "one"', "manifest", "SemVer"),
        (PLUGIN, "[tools", "colour = 1\n[tools", "manifest", "colour: unknown key"),
        ("plugin.py", "count = sum", "count: str = sum", "manifest", "plugin.py"),
        ("plugin.py", "def my", "import socket\ndef my", "manifest", "socket"),
        (PLUGIN, '{ text = "to be', '{ txt = "to be', "my_first_words: How many", "txt"),
        (PLUGIN, '"how many words", "count the words"', '"something"', "my_first_words: How many", "add one to words"),
        ("plugin.py", "if least < 1", "if least < 2", "my_first_words: How many", "least must be 1 or more"),
    ],
)
def test_what_is_wrong_is_told_and_makes_it_fail(
    file: str, old: str, new: str, what: str, words: str, tmp_path: Path
) -> None:
    folder = begun(tmp_path)
    change(folder / file, old, new)

    status, faults = tried(folder)

    assert status == 1
    assert [words in told for name, told in faults.items() if name.startswith(what)] == [True], faults


def test_its_own_failing_test_makes_it_fail(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    change(folder / "test_plugin.py", '"6 words"', '"7 words"')

    done = run("packages", "test", str(folder))

    assert done.exit_code == 1
    assert "fault   own tests" in done.stdout
    assert "7 words" in done.stdout


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    (folder / "secrets").symlink_to("/etc/passwd")

    done = run("packages", "test", str(folder))

    assert done.exit_code == 1
    assert "is a link" in done.output


NET = """
[permissions]
net = ["api.example.org"]
"""


def test_no_request_goes_out_unless_one_says_so(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    change(folder / PLUGIN, 'others = ["How many people live in Rome?"]', f'others = ["Rome?"]{NET}')
    change(folder / "plugin.py", "def my_first_words", "async def my_first_words")
    change(folder / "plugin.py", "    if least < 1", '    await get("https://api.example.org/")\n    if least < 1')

    done = run("packages", "test", str(folder), "--no-own-tests")

    assert done.exit_code == 0, done.output
    assert "enabled: with net:api.example.org" in done.stdout
    assert "the network, which is off: give --net" in done.stdout


SHIPPED = [path.parent for root in ("agents", "plugins", "scripts") for path in sorted((ROOT / root).glob("*/*.toml"))]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_ships_passes_too(folder: Path) -> None:
    status, faults = tried(folder)

    assert (status, faults) == (0, {})
