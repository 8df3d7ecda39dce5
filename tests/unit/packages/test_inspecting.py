"""What an archive holds, read by the rules for publishing: nothing is run, and nothing of this machine goes into it."""

import json
from pathlib import Path

import pytest

from hub.errors import ManifestError
from hub.packages.every import every_kind
from hub.packages.hosts import Supplies
from hub.packages.inspecting import KINDS, inspected
from hub.packages.kinds import manifests
from hub.packages.scripts import Scripts
from hub.packages.servers import Servers
from hub.store.documents import MemoryDocuments
from tests.unit.packages.zipping import a_plugin, an_agent, zipped

SKILL = (
    "---\nname: minutes\ndescription: How to write minutes.\nlicense: MIT\nmetadata:\n  tags: Office, notes\n---\nDo."
)
SERVER = {
    "manifest_version": "0.3",
    "name": "Weather Bundle",
    "version": "1.2.0",
    "description": "Tells the weather.",
    "author": {"name": "Ann"},
    "license": "Apache-2.0",
    "keywords": ["Weather", "sun", 3],
    "user_config": {"key": {"type": "string", "title": "Key", "sensitive": True, "required": True}},
    "server": {
        "type": "node",
        "entry_point": "server.js",
        "mcp_config": {"command": "node", "args": ["${__dirname}/server.js"], "env": {"KEY": "${user_config.key}"}},
    },
}


def test_each_kind_that_a_hub_installs_can_be_read() -> None:
    known = {name for kind in every_kind(Scripts(), MemoryDocuments(), Supplies()) for name in manifests(kind)}

    read = {name for kind in KINDS for name in manifests(kind)}

    assert read == known | {Servers.manifest, *Servers.others}


def test_a_plugins_program_is_read_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    program = (
        f'open({str(trap)!r}, "w")\n\n\ndef echo() -> str:\n    """Say hello to everybody."""\n    return "hello"\n'
    )
    more = '[permissions]\nnet = ["api.example.org"]\nsecrets = ["KEY"]\n'

    found = inspected(a_plugin(more=more, program=program))

    assert (found.sheet.kind, found.sheet.tools) == ("plugin", ("echo",))
    assert found.sheet.asks == ("net:api.example.org", "secrets:KEY")
    # That this machine hasn't the secret says nothing of the package.
    assert found.sheet.notes == ()
    assert found.readme == "Hi"
    assert not trap.exists()


def test_an_agent_below_a_top_folder_is_found() -> None:
    assert inspected(an_agent()).sheet.kind == "agent"


def test_a_bundle_tells_its_words_and_its_licence() -> None:
    found = inspected(zipped({"manifest.json": json.dumps(SERVER), "server.js": "1", "LICENSE": "# MIT License\n\nx"}))

    assert (found.sheet.name, found.license, found.tags) == ("weather-bundle", "Apache-2.0", ("weather", "sun"))
    assert not any("isn't set" in note or "confined" in note for note in found.sheet.notes)


def test_a_skill_tells_its_instructions_as_its_readme() -> None:
    found = inspected(zipped({"minutes/SKILL.md": SKILL}))

    assert (found.readme, found.license, found.tags) == ("Do.", "MIT", ("office", "notes"))


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"SKILL.md": SKILL.replace("license: MIT", "category: office")}, "category: isn't a key of the format"),
        ({"SKILL.md": SKILL.replace("name: minutes", "name: Minutes")}, "small letters"),
        ({"plugin.toml": 'name = "x"\nversion = "1.0.0"\ndescription = "x"\nshell = "sh"\n'}, "unknown key"),
        ({"README.md": "nothing"}, "has no"),
        ({"manifest.json": '{"name": ' + "[" * 100_000}, "nested too deeply|JSON"),
        ({"agent.toml": 'name = "../up"\nversion = "1.0.0"\ndescription = "x"\n', "prompt.md": "x"}, "name"),
    ],
)
def test_what_isnt_to_be_published_as_it_is_is_refused_in_words(files: dict[str, str], fault: str) -> None:
    with pytest.raises(ManifestError, match=fault):
        inspected(zipped(files))


def test_no_path_of_this_machine_stands_in_a_refusal() -> None:
    with pytest.raises(ManifestError) as refused:
        inspected(zipped({"plugin.toml": "name = ["}))

    assert "/" not in str(refused.value).partition(":")[0]
