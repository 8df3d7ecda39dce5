"""Every sentence that ports.Tool and its abilities promise, over every built-in tool.

The abilities are Reading, Quoting, Exemplary, Retrying.
"""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.errors import ToolError
from hub.flow.schemas import decode
from hub.packages.code import computing
from hub.packages.hosts import Supplies
from hub.packages.scripts import Scripts
from hub.ports import Exemplary, Quoting, Reading, Retrying, Tool, ToolCall
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock
from hub.tools import built_in
from hub.tools.code import RunPython
from tests.unit.tools.calls import use, use_with


async def compute(call: ToolCall, code: str) -> str:
    """Run code with workers of its own: pytest has a loop for each test."""
    scripts = Scripts()
    try:
        return await computing(scripts, MemoryDocuments(), Supplies())(call, code)
    finally:
        await scripts.close()


TOOLS = (*built_in(FakeClock(), ZoneInfo("UTC"), MemoryDocuments()), RunPython(compute))
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


def test_a_tool_that_is_tried_again_is_tried_a_few_times(tool: Tool) -> None:
    assert not isinstance(tool, Retrying) or 2 <= tool.tries <= 4
