"""Every sentence that ports.Tool and its abilities promise, over every built-in tool, a skill and a plugin's tool."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.config import SpeechConfig
from hub.errors import ToolError
from hub.flow.offering import for_assignments
from hub.flow.schemas import decode
from hub.manifests.skills import read_skill
from hub.packages.code import computing
from hub.packages.hosts import Supplies
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.packages.skills import SkillTool
from hub.ports import (
    Asking,
    Exemplary,
    Filing,
    Findable,
    ForAssignments,
    Foreign,
    Lengthy,
    Material,
    Naming,
    OfTask,
    Outward,
    Packaged,
    Parting,
    Patient,
    Paused,
    Pausing,
    Personal,
    Quoting,
    Reading,
    Resting,
    Retrying,
    Timely,
    Tool,
    ToolCall,
    Tracking,
)
from hub.records import HOME, OWNER, Edition, FileExists, ForUrl, Package, PackageId, Point, Wait
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.testing import (
    NOON,
    AskingTool,
    AssignmentTool,
    FakeClock,
    FakeErrands,
    FakeLending,
    FakeTool,
    FilingTool,
    ForeignTool,
    OutwardTool,
    PackagedTool,
    PausingTool,
    a_task,
)
from hub.tools import built_in
from hub.tools.code import RunPython
from hub.tools.lent import lent_tools
from hub.tools.media import Speak
from tests.unit.packages.outfit import a_call as a_programs_call
from tests.unit.packages.outfit import a_program, supplies
from tests.unit.tools.calls import a_call, use, use_with
from tests.unit.tools.world import TASK, World, a_world


async def compute(call: ToolCall, code: str) -> str:
    """Run code with workers of its own: pytest has a loop for each test."""
    scripts = Scripts()
    try:
        return await computing(scripts, MemoryDocuments(), Supplies())(call, code)
    finally:
        await scripts.close()


NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHIPPED = (
    *("web_fetch", "list_files", "read_file", "write_file", "search_documents", "schedule", "remind"),
    *("plan", "split", "propose_checks", "wait_for", "ask_a_human"),
)
TOOLS = (*built_in(FakeClock(), ZoneInfo("UTC"), MemoryDocuments()), RunPython(compute))
PLAIN_TALK = ("hello", "Tell me a joke", "Thanks, that was helpful!", "Who wrote Hamlet?")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path) as made:
        await made.workspaces.write(HOME, TASK, "notes.txt", b"milk and bread")
        await made.send("lease.txt", b"The notice period is three months.")
        yield made


@pytest.fixture(params=(*TOOLS, *SHIPPED), ids=lambda tool: getattr(tool, "name", tool))
def tool(request: pytest.FixtureRequest, world: World) -> Tool:
    found: Tool | str = request.param
    return world.tools[found] if isinstance(found, str) else found


def test_every_tool_that_ships_is_here(world: World) -> None:
    assert set(SHIPPED) == set(world.tools)


def test_names_are_unique_and_plain() -> None:
    names = [tool.name for tool in TOOLS]

    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)


def test_the_description_is_one_line(tool: Tool) -> None:
    assert 10 < len(tool.description) < 120
    assert "\n" not in tool.description


def test_the_schema_describes_an_object_and_nothing_beside_it(tool: Tool) -> None:
    assert tool.schema["type"] == "object"
    assert tool.schema["additionalProperties"] is False


def test_plain_talk_costs_no_decision(tool: Tool) -> None:
    if for_assignments(tool):
        pytest.skip("plain talk is offered no tool that's for assignments")
    assert [text for text in PLAIN_TALK if tool.fits(text)] == []


async def test_arguments_that_do_not_fit_are_refused_in_words(tool: Tool) -> None:
    with pytest.raises(ToolError, match=r"\.$"):
        await use(tool, nonsense=1)


async def test_a_call_repeated_with_its_key_has_the_same_result(tool: Tool) -> None:
    assert isinstance(tool, Exemplary)
    arguments = tool.examples[0].arguments
    if tool.name == "recall":
        await use(next(tool for tool in TOOLS if tool.name == "remember"), key="told", fact="my car is red")

    assert await use_with(tool, arguments) == await use_with(tool, arguments)


def test_every_example_is_offered_and_fits_the_schema(tool: Tool) -> None:
    assert isinstance(tool, Exemplary)
    assert tool.others
    for example in tool.examples:
        assert tool.fits(example.text)
        assert decode(msgspec.json.encode(example.arguments).decode(), tool.schema) == example.arguments


def test_what_a_rule_reads_fits_the_schema(tool: Tool) -> None:
    assert isinstance(tool, Exemplary)
    examples = tool.examples
    if for_assignments(tool):
        pytest.skip("an assignment is seldom said so plainly that a rule could read all of it")
    assert isinstance(tool, Reading)
    read = [tool.read(example.text) for example in examples]

    assert any(arguments is not None for arguments in read)
    for arguments in (each for each in read if each is not None):
        decode(msgspec.json.encode(arguments).decode(), tool.schema)


def test_quotes_are_arguments(tool: Tool) -> None:
    properties = tool.schema["properties"]

    assert isinstance(properties, dict)
    assert not isinstance(tool, Quoting) or set(tool.quotes) <= set(properties)
    assert not isinstance(tool, Filing) or tool.file in properties


async def test_what_strangers_wrote_is_told_apart(world: World) -> None:
    foreign = {name for name, tool in world.tools.items() if isinstance(tool, Foreign) and tool.outside}

    assert foreign == {"web_fetch", "list_files", "read_file", "search_documents"}


def test_a_result_that_is_no_answer_is_read_like_others(world: World) -> None:
    tool = world.tools["web_fetch"]
    assert isinstance(tool, Material)
    assert isinstance(tool, Reading)
    assert tool.material


async def test_an_outward_tool_says_in_words_why_a_call_goes_out_or_nothing(world: World) -> None:
    tool = world.tools["web_fetch"]
    assert isinstance(tool, Outward)
    call = ToolCall(
        tool="web_fetch",
        arguments={"url": "https://example.org/"},
        key="k",
        tenant=HOME,
        person=OWNER,
        agent="default",
        task=TASK,
    )
    assert "example.org" in tool.goes_out(call, "hello")
    assert tool.goes_out(call, "Read https://example.org/") == ""


def test_a_tool_that_is_tried_again_is_tried_a_few_times(tool: Tool) -> None:
    assert not isinstance(tool, Retrying) or 2 <= tool.tries <= 4


def test_a_tool_that_keeps_track_is_for_assignments_and_its_time_comes_by_the_plan(world: World) -> None:
    tool = world.tools["plan"]
    assert isinstance(tool, Tracking)
    assert for_assignments(tool)

    goal = "Find a train and then book it"
    stands = ((), (Point(text="Find a train"),), (Point(text="Find a train", state="done"),))
    assert [tool.when(goal, plan) for plan in stands] == ["before", "after", ""]
    assert tool.when("Find a train", ()) == ""
    assert [tool.at(when).schema["required"] for when in ("before", "after")] == [["points"], ["done"]]
    split = world.tools["split"]
    assert isinstance(split, Tracking)
    assert [split.when(goal, ()) for goal in ("Praise each cat as subtasks", "Praise each cat")] == ["before", ""]
    assert tool.when("First praise Tom, then Ada, as subtasks", ()) == "", "that's split, not planned"


def test_a_tool_that_splits_a_task_is_for_assignments(world: World) -> None:
    tool = world.tools["split"]
    assert isinstance(tool, Parting)
    assert tool.parting
    assert for_assignments(tool)


def test_a_tool_that_is_about_its_task_says_so(world: World) -> None:
    of_task = {name for name, tool in world.tools.items() if isinstance(tool, OfTask) and tool.of_task}

    assert of_task == {"list_files", "read_file", "write_file", "search_documents", "schedule", "remind"}
    assert not any(isinstance(tool, OfTask) for tool in TOOLS), "what reckons, remembers or tells the time needs none"


def test_a_patient_tool_says_how_long_its_calls_may_take() -> None:
    speak = Speak(SpeechConfig(engine="espeak-ng"), FakeErrands(), MemoryFiles())
    assert isinstance(speak, Patient)
    assert 0 < speak.seconds <= 3600


@pytest.fixture
def skill(tmp_path: Path) -> SkillTool:
    edition = Edition(version="1.0.0", digest="d")
    package = Package(
        id=PackageId("pdf"), tenant=HOME, kind="skill", state="enabled", now=edition, created_at=NOW, updated_at=NOW
    )
    (tmp_path / "fields.md").write_text("name, date", encoding="utf-8")
    text = f"---\nname: pdf\ndescription: Fills PDF forms.\n---\n{'Do it. ' * 1_000}"
    return SkillTool(read_skill(text), package, tmp_path)


async def test_findable_tools_need_no_words_of_their_own(skill: SkillTool) -> None:
    assert isinstance(skill, Findable)
    assert skill.about
    assert all(skill.fits(text) for text in PLAIN_TALK)


async def test_arguments_that_count_only_if_named_are_optional(skill: SkillTool) -> None:
    assert isinstance(skill, Naming)
    assert skill.schema["required"] == []
    assert await use(skill)


async def test_lengthy_tools_say_how_long_their_results_may_be(skill: SkillTool) -> None:
    assert isinstance(skill, Lengthy)
    assert len(await use(skill)) < skill.characters


# --- a plugin's tool

PERMISSIONS = 'net = ["api.example.org"]\nmessages = ["ask:task"]'
GRANTS = ("net:api.example.org", "messages:ask:task")


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Tool]:
    """A tool of a package that may go out, and asks a question."""
    a_program(tmp_path, PERMISSIONS, 'return await ask("Who?")', "once")
    package = Package(
        id=PackageId("probe"),
        tenant=HOME,
        kind="plugin",
        state="enabled",
        now=Edition(version="1.0.0", digest="d", grants=GRANTS),
        created_at=NOW,
        updated_at=NOW,
    )
    scripts = Scripts()
    opened = await Plugins(scripts, MemoryDocuments(), supplies()).open(package, tmp_path / "probe")
    yield opened.tools[0]
    await scripts.close()


def test_a_tool_says_that_its_words_are_a_strangers_and_where_it_goes_out(asking: Tool) -> None:
    assert isinstance(asking, Foreign)
    assert isinstance(asking, Outward)
    assert asking.outside
    assert "api.example.org" in asking.goes_out(a_programs_call(), "hello")


def test_a_packages_tool_says_which_edition_it_is(asking: Tool) -> None:
    assert isinstance(asking, Packaged)
    assert (asking.package, asking.version, asking.digest) == ("probe", "1.0.0", "d")


def test_a_timely_tool_is_offered_only_while_it_is_of_use(world: World) -> None:
    propose = world.tools["propose_checks"]
    assert isinstance(propose, Timely)
    checks = (FileExists(path="a.md"),)
    assert propose.is_timely(a_task())
    assert not propose.is_timely(a_task(checks=checks))
    assert not propose.is_timely(a_task(proposed=checks))


def test_a_personal_tool_is_another_for_each_person_and_nothing_for_who_has_nothing() -> None:
    """More of them: tests/unit/tools/test_lent.py."""
    for tool in lent_tools(FakeLending()):
        assert isinstance(tool, Personal)
        mine = tool.of(a_task())
        assert mine is not None
        assert (mine.name, mine.effect) == (tool.name, tool.effect)
        assert tool.of(a_task(person="bob")) is None


async def test_what_a_resting_tool_returns_is_the_wait(world: World) -> None:
    wait = world.tools["wait_for"]
    assert isinstance(wait, Resting)
    assert wait.rests

    found = msgspec.json.decode(await use(wait, until="in 2 hours", url="https://example.org/"), type=Wait)

    assert found.until == NOON + timedelta(hours=2)
    assert found.on == ForUrl(url="https://example.org/")


async def test_a_paused_call_goes_on_with_its_answer_and_only_this_hubs_own(asking: Tool) -> None:
    assert isinstance(asking, Pausing)
    with pytest.raises(Paused) as paused:
        await asking.call(a_programs_call())

    assert paused.value.question == "Who?"
    assert await asking.resume(a_programs_call(), paused.value.snapshot, "Ann") == "Ann"
    for odd in ("", "AAAA", paused.value.snapshot[:-4]):
        with pytest.raises(ToolError):
            await asking.resume(a_programs_call(), odd, "Ann")


def test_a_tool_has_the_abilities_it_claims_and_no_other() -> None:
    abilities = (Filing, Foreign, Outward, Asking, ForAssignments, Packaged, Pausing)
    plain = (FakeTool(), FilingTool(), ForeignTool(), OutwardTool(), AskingTool(), AssignmentTool(), PackagedTool())
    fakes = (*plain, PausingTool("p", "Where?"))
    claimed = [[ability.__name__ for ability in abilities if isinstance(fake, ability)] for fake in fakes]

    outward = [["Outward"], ["Asking"], ["ForAssignments"], ["Outward", "Packaged"]]
    assert claimed == [[], ["Filing"], ["Foreign"], *outward, ["Pausing"]]


def test_what_goes_out_is_said_in_words_and_what_the_person_named_tells_nobody_anything() -> None:
    tool = OutwardTool("send")
    assert isinstance(tool, Outward)
    call = a_call(tool, {"to": "eve"})

    assert tool.goes_out(call, "tell ann")
    assert tool.goes_out(call, "tell eve please") == ""


async def test_a_paused_call_goes_on_with_its_snapshot_in_another_process_and_with_no_other() -> None:
    tool = PausingTool("trip", "Where to?", "When?")
    call = a_call(tool, {})
    with pytest.raises(Paused) as where:
        await tool.call(call)
    with pytest.raises(Paused) as when:
        await PausingTool("trip", "Where to?", "When?").resume(call, where.value.snapshot, "Bonn")
    with pytest.raises(ToolError):
        await tool.resume(call, "made up", "Bonn")

    assert await tool.resume(call, when.value.snapshot, "Monday") == "Told: Bonn, Monday"
