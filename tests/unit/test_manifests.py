"""Manifests are read strictly, and faults are named with file, key, value and the way out."""

from pathlib import Path

import pytest

from hub.errors import ManifestError
from hub.manifests import Agent, load_agent, load_agents
from hub.records import Limits

SHIPPED = Path(__file__).parents[2] / "agents"
GOOD = 'name = "cook"\nversion = "1.0.0"\ndescription = "Cooks."\n'


def write(folder: Path, manifest: str = GOOD, prompt: str = "You cook.\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.toml").write_text(manifest, encoding="utf-8")
    (folder / "prompt.md").write_text(prompt, encoding="utf-8")
    return folder


def test_an_agent_is_its_manifest_and_its_prompt(tmp_path: Path) -> None:
    manifest = GOOD + 'tools = ["clock", "acme/oven"]\nmodel = "big"\n[limits]\nturns = 3\nmoney = 0.5\n'

    agent = load_agent(write(tmp_path / "cook", manifest))

    assert agent == Agent(
        name="cook",
        version="1.0.0",
        description="Cooks.",
        prompt="You cook.",
        tools=("clock", "acme/oven"),
        limits=Limits(turns=3, money=0.5),
        model="big",
    )


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        ('name = "cook"', r"agent\.toml: version: must be set; it is missing"),
        (GOOD + "tools = 3", r"tools: must be array, got int; it is 3"),
        (GOOD + "tools = [3]", r"tools\[0\]: must be str, got int"),
        (GOOD + 'tools = ["a", "a"]', r"tools: \('a', 'a'\) won't do; name each tool once"),
        (GOOD + "colour = 1", r"colour: unknown key; known here: name, version"),
        (GOOD + 'prompt = "x"', r"prompt: unknown key; put the prompt into prompt\.md"),
        (GOOD + "[limits]\nturn = 1", r"limits\.turn: unknown key; known here: turns"),
        (GOOD + "[limits]\nturns = 0", r"limits: .* won't do; turns, tokens and minutes must be above 0"),
        (GOOD + '[limits]\nturns = "x"', r"limits\.turns: must be int, got str; it is 'x'"),
        (GOOD.replace("1.0.0", "1.0"), r"version: '1\.0' won't do; write a SemVer version"),
        (GOOD.replace('"cook"', '"Cook"'), r"name: 'Cook' won't do; use lower-case"),
        (GOOD.replace('"cook"', '"chef"'), r"name: 'chef', but its folder is 'cook'; give both one name"),
        (GOOD.replace("Cooks.", " "), r"description: ' ' won't do; write one line"),
        ("name = ", r"agent\.toml: isn't TOML: .*; mend that line"),
    ],
)
def test_a_fault_is_named_with_its_way_out(tmp_path: Path, manifest: str, fault: str) -> None:
    with pytest.raises(ManifestError, match=fault):
        load_agent(write(tmp_path / "cook", manifest))


@pytest.mark.parametrize(
    ("prompt", "fault"),
    [("  \n", r"prompt\.md: empty; write"), ("x" * 20_001, r"20001 characters; 20000 are the most")],
)
def test_a_prompt_has_to_be_there_and_short(tmp_path: Path, prompt: str, fault: str) -> None:
    with pytest.raises(ManifestError, match=fault):
        load_agent(write(tmp_path / "cook", prompt=prompt))


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"agent\.toml: missing; an agent is a folder with"):
        load_agent(tmp_path / "cook")
    folder = write(tmp_path / "cook")
    (folder / "prompt.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match=r"prompt\.md: isn't UTF-8 text; save it as UTF-8"):
        load_agent(folder)
    (folder / "prompt.md").unlink()
    with pytest.raises(ManifestError, match=r"prompt\.md: missing"):
        load_agent(folder)


def test_a_later_folder_takes_the_place_of_a_namesake(tmp_path: Path) -> None:
    write(tmp_path / "one" / "cook")
    write(tmp_path / "two" / "cook", prompt="You bake.")
    (tmp_path / "two" / "notes").mkdir()

    agents = load_agents([tmp_path / "one", tmp_path / "two"])

    assert {name: agent.prompt for name, agent in agents.items()} == {"cook": "You bake."}
    with pytest.raises(ManifestError, match="no such folder; create it"):
        load_agents([tmp_path / "three"])


def test_the_default_agent_has_a_short_prompt_and_the_tools_that_come_along() -> None:
    agent = load_agents([SHIPPED])["default"]

    assert len(agent.prompt) < 600
    assert {"clock", "calculate", "remember", "recall", "convert_units", "schedule", "web_fetch", "*"} <= set(
        agent.tools
    )


def test_what_an_agents_work_is_checked_for_may_stand_beside_its_prompt(tmp_path: Path) -> None:
    folder = tmp_path / "poet"
    folder.mkdir()
    (folder / "agent.toml").write_text('name = "poet"\nversion = "1.0.0"\ndescription = "Rhymes."\n')
    (folder / "prompt.md").write_text("Rhyme.")
    assert load_agent(folder).supervisor == ""

    (folder / "supervisor.md").write_text("There must be rhymes.\n")
    assert load_agent(folder).supervisor == "There must be rhymes."

    (folder / "supervisor.md").write_text("x" * 1001)
    with pytest.raises(ManifestError, match=r"supervisor\.md: 1001 characters; 1000 are the most"):
        load_agent(folder)
