"""`agenthost check`: every fault with its key and line, or what would run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bridges
from hub.__main__ import load
from hub.cli.check import line_of


def run(path: Path, text: str, *args: str) -> Result:
    path = path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(load("check"), ["--config", str(path), *args])


def test_every_fault_is_told_with_its_key_and_line_and_counted(tmp_path: Path) -> None:
    result = run(tmp_path, '[hub]\nport = "x"\n\n[llm]\nbackend = "q"\n')
    lines = result.stderr.splitlines()

    assert result.exit_code == 1
    assert lines[0].startswith("hub.port: ")
    assert lines[0].endswith("line 2)")
    assert lines[1].startswith("llm.backend: ")
    assert lines[1].endswith("line 5)")
    assert lines[2] == "2 faults"


def test_a_good_config_says_what_will_run(tmp_path: Path) -> None:
    result = run(tmp_path, "[hub]\nport = 9000\n")

    assert result.exit_code == 0
    assert "http://127.0.0.1:9000" in result.stdout
    assert result.stdout.endswith("No faults.\n")


def test_it_is_stricter_than_a_start(tmp_path: Path) -> None:
    result = run(tmp_path, '[llm]\nmodel = "/no/such.gguf"\n')

    assert result.exit_code == 1
    assert "llm.model" in result.stderr


def test_json_has_the_faults_or_the_summary(tmp_path: Path) -> None:
    bad = json.loads(run(tmp_path, "[hub]\nnope = 1\n", "--json").stdout)
    good = json.loads(run(tmp_path, "", "--json").stdout)

    assert (len(bad["faults"]), bad["runs"]) == (1, {})
    assert (good["faults"], good["runs"]["agent"]) == ([], "default")


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    result = CliRunner().invoke(load("check"), ["--config", str(tmp_path / "no.toml")])

    assert result.exit_code == 1
    assert "no such file" in result.stderr


def test_a_key_is_found_in_its_section() -> None:
    text = "[hub]\nport = 1\n[llm]  # who\nmodel = 'x'\n[llm.decisions]\nmodel = 'y' # model = 'z'\n"

    assert [line_of(text, path) for path in ("hub.port", "llm.model", "llm.decisions.model", "llm", "hub.host")] == [
        2,
        4,
        6,
        3,
        0,
    ]


def test_fallbacks_are_said_in_their_order(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        '[[llm.fallback]]\nurl = "http://x/v1"\nmodel = "m"\n[[llm.fallback]]\nbackend = "llamacpp"\nmodel = "a/b"\n',
    )

    assert "or else 1: m at http://x/v1\nor else 2: a/b, fetched from the Hugging Face Hub" in result.stdout


def test_a_key_of_one_of_several_sections_is_found_by_its_number_or_at_the_sections_head() -> None:
    text = "[hub]\n[[bridges]]\nname = 'a'\n\n[[bridges]]\nname = 'b'\n"

    assert [line_of(text, path) for path in ("bridges[0].name", "bridges[1].name", "bridges[1].token")] == [3, 6, 5]


def test_a_kind_whose_package_is_missing_is_a_fault_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bridges.KINDS, "xmpp", ("package_that_nobody_has", "XmppBridge"))
    result = run(tmp_path, '[[bridges]]\nkind = "xmpp"\njid = "hub@example.org"\npassword = "x"\n')

    assert result.exit_code == 1
    assert "bridges: kind 'xmpp' needs the package package_that_nobody_has" in result.stderr
    assert "make venv" in result.stderr
