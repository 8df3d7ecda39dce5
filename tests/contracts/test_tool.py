"""Every sentence that ports.Tool and its abilities (Reading, Quoting, Exemplary) promise, over every built-in tool."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.errors import ToolError
from hub.flow.schemas import decode
from hub.ports import Asking, Exemplary, Foreign, Outward, Packaged, Paused, Pausing, Quoting, Reading, Tool
from hub.store.documents import MemoryDocuments
from hub.testing import AskingTool, FakeClock, FakeTool, ForeignTool, OutwardTool, PackagedTool, PausingTool
from hub.tools import built_in
from tests.unit.tools.calls import a_call, use, use_with

TOOLS = built_in(FakeClock(), ZoneInfo("UTC"), MemoryDocuments())
PLAIN_TALK = ("hello", "Tell me a joke", "Thanks, that was helpful!", "Who wrote Hamlet?")


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    found: Tool = request.param
    return found


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
    assert isinstance(tool, Reading)
    read = [tool.read(example.text) for example in examples]

    assert any(read)
    for arguments in filter(None, read):
        decode(msgspec.json.encode(arguments).decode(), tool.schema)


def test_quotes_are_arguments(tool: Tool) -> None:
    properties = tool.schema["properties"]

    assert isinstance(properties, dict)
    assert not isinstance(tool, Quoting) or set(tool.quotes) <= set(properties)


def test_a_tool_has_the_abilities_it_claims_and_no_other() -> None:
    abilities = (Foreign, Outward, Asking, Packaged, Pausing)
    fakes = (FakeTool(), ForeignTool(), OutwardTool(), AskingTool(), PackagedTool(), PausingTool("p", "Where?"))
    claimed = [[ability.__name__ for ability in abilities if isinstance(fake, ability)] for fake in fakes]

    assert claimed == [[], ["Foreign"], ["Outward"], ["Asking"], ["Outward", "Packaged"], ["Pausing"]]


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
