"""Tools that strangers wrote, without an example: found, chosen and filled with the real small model.

`foreign_tools.json` is what the reference MCP servers (time, filesystem, everything) answer when asked for their tools;
the messages in `foreign_choices.tsv` are our own. Those marked `near` were written with the descriptions before our
eyes, those marked `far` as people say it.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import ToolError
from hub.flow import prompts
from hub.flow.offering import Offering
from hub.flow.toolbox import Toolbox
from hub.llm.llamacpp import LlamaCpp
from hub.manifests import Agent, load_skill
from hub.packages.skills import SkillTool
from hub.ports import LLM, Effect, Terms, Tool, ToolCall
from hub.records import HOME, Edition, Package, PackageId
from hub.store.ranking import FullTextRanking
from hub.testing import FakeClock
from hub.testing.builders import a_message
from tests.live.real import MODEL_SHA256, model_file
from tests.unit.test_skills import FOLDERS

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
AGENT = Agent(name="a", version="1.0.0", description="-", prompt="-", tools=("*",))
TERMS = Terms(tenant=HOME)
MORE = [int(os.environ.get("AGENTHOST_SKILLS", "0"))]
"""Skills that nobody asks for, beside those that are; they cost a minute and a half for 130."""
SKILLS = ("weather", "summarize", "github", "tmux", "skill-creator")


class Foreign:
    """A tool as an MCP server lists it."""

    effect: Effect = "once"
    outside = True

    def __init__(self, listed: Mapping[str, Any]) -> None:
        self.name: str = listed["name"]
        self.description: str = listed["description"]
        self.about = self.description
        self.schema: Mapping[str, object] = listed["schema"]
        self.package = PackageId(listed["server"])
        self.version = "1.0.0"
        self.digest = "d"

    def fits(self, text: str) -> bool:
        return True

    async def call(self, call: ToolCall) -> str:
        return "done"


class Case(msgspec.Struct, frozen=True):
    """A message, the tools that are right for it, and the arguments that matter."""

    group: str
    tools: tuple[str, ...]
    arguments: Mapping[str, Any]
    text: str


def cases() -> list[Case]:
    lines = (HERE / "foreign_choices.tsv").read_text(encoding="utf-8").splitlines()
    split = [line.split("\t") for line in lines if not line.startswith("#")]
    return [
        Case(group, tuple(tools.split("|")), msgspec.json.decode(given), text) for group, tools, given, text in split
    ]


def tools(skills: int = 0) -> list[Tool]:
    """Return the servers' tools and some skills; with `skills`, as many more of the published ones."""
    listed: list[Tool] = [Foreign(one) for one in msgspec.json.decode((HERE / "foreign_tools.json").read_bytes())]
    wanted = [folder for folder in FOLDERS if folder.parent.name == "nanobot_ai" and folder.name in SKILLS]
    wanted += [folder for folder in FOLDERS if folder not in wanted][:skills]
    found = {tool.name: tool for tool in map(skill, wanted)}
    return [*listed, *found.values()]


def skill(folder: Path) -> SkillTool:
    now = FakeClock().now()
    read = load_skill(folder)
    edition = Edition(version=read.version, digest="d")
    package = Package(
        id=PackageId(read.name), tenant=HOME, kind="skill", state="enabled", now=edition, created_at=now, updated_at=now
    )
    return SkillTool(read, package, folder)


@pytest.fixture
async def llm() -> AsyncIterator[LLM]:
    model = LlamaCpp(model_file(), sha256=MODEL_SHA256, context=4096, threads=1)
    await model.open()
    await model.ready()
    yield model
    await model.close()


@pytest.mark.parametrize("more", MORE)
async def test_strangers_tools_are_found_chosen_and_filled(llm: LLM, more: int) -> None:
    if not FOLDERS and not os.environ.get("CI"):
        pytest.skip("published skills weren't fetched: make test does")
    offering = Offering(FullTextRanking())
    toolbox = Toolbox((), llm, offering=offering)
    toolbox.equip(tools(more))
    counts: Counter[str] = Counter()
    tokens, decided = 0, 0
    for case in cases():
        said = prompts.conversation([a_message(case.text)])
        offered = toolbox.offered(AGENT, case.text)
        tool, decision = await toolbox.choose(said, offered, (), TERMS)
        counts[f"{case.group} all"] += 1
        tokens += decision.tokens if decision else 0
        decided += decision is not None
        right = (tool.name if tool else prompts.NONE) in case.tools
        counts[f"{case.group} offered"] += any(one.name in case.tools for one in offered)
        counts[f"{case.group} right"] += right
        if not right:
            print(case.group, case.tools, tool and tool.name, [one.name for one in offered], case.text)
        if case.group == "none":
            continue
        wanted = toolbox.named(case.tools[0])
        assert wanted is not None
        fault = await misfit(toolbox, wanted, case)
        counts[f"{case.group} filled"] += not fault
        if fault:
            print("   ", case.text, fault)
    print(dict(sorted(counts.items())), f"{decided} decisions of {tokens / max(decided, 1):.0f} tokens")

    assert counts["near right"] >= 50
    assert counts["none right"] >= 20


async def misfit(toolbox: Toolbox, tool: Tool, case: Case) -> str:
    """Return what's wrong with the arguments that are found for the right tool."""
    try:
        filled = await toolbox.arguments(prompts.conversation([a_message(case.text)]), tool, TERMS)
    except ToolError as error:
        return str(error)
    values = msgspec.json.decode(filled.json)
    return "" if all(_is_like(values.get(name), value) for name, value in case.arguments.items()) else filled.json


def _is_like(found: object, wanted: object) -> bool:
    return wanted.lower() in found.lower() if isinstance(wanted, str) and isinstance(found, str) else found == wanted
