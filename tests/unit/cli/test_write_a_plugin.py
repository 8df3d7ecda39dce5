"""docs/how-to/write-a-plugin.md, followed word by word: it ends with a plugin that's installed and works."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from hub.__main__ import load
from hub.config import LimitsConfig
from tests.house.tree import ROOT
from tests.unit.cli.conftest import Running, echo

PAGE = ROOT / "docs" / "how-to" / "write-a-plugin.md"
STEP = re.compile(r"^Put this into `(\S+)`|`(\S+)`:$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def hub() -> Iterator[Running]:
    """A hub whose agent understands the page's one message."""
    running = Running(echo, LimitsConfig(), {"km": 12, "where": "the lake"})
    yield running
    running.close()


def test_who_follows_the_page_has_a_plugin_that_works(
    hub: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, said, ran = "", "", 0
    for named, also, language, block in STEP.findall(PAGE.read_text(encoding="utf-8")):
        if named or also:
            file = named or also
        elif language in {"python", "toml"}:
            Path(file).write_text(block, encoding="utf-8")
        elif language == "text":
            for line in block.splitlines():
                assert line in said, f"{line!r} isn't in {said!r}"
        else:
            said = "".join(run(hub, line) for line in block.splitlines())
            ran += 1

    assert ran >= 6
    headers = {"Authorization": f"Bearer {hub.key}"}
    for tool, arguments, result in (
        ("log_ride", {"km": 12, "where": "the lake"}, "Kept: 12 km to the lake."),
        ("log_ride", {"km": 3.5, "where": "work"}, "Kept: 3.5 km to work."),
        ("total_rides", {}, "27.5 km, rides: 3"),
    ):
        called = httpx.post(f"{hub.url}/v1/tools/{tool}/call", json={"arguments": arguments}, headers=headers)
        assert called.json() == {"result": result, "failed": False}


def run(hub: Running, line: str) -> str:
    program, name, *args = shlex.split(line)
    assert program == "agenthost"
    done = CliRunner().invoke(load(name), args, env=hub.environ)
    assert done.exit_code == 0, done.output
    return done.output
