"""Tools over what persons lend: another for each, nothing for who lends nothing, and plain wishes without a model."""

from collections.abc import Mapping

import msgspec
import pytest

from hub.errors import ToolError
from hub.flow.schemas import decode
from hub.ports import Exemplary, Foreign, Patient, Personal, Reading
from hub.testing import FakeLending, a_task
from hub.tools.lent import lent_tools
from tests.unit.tools.calls import use

PLAIN_TALK = ("hello", "Tell me a joke", "Thanks, that was helpful!", "Who wrote Hamlet?")


@pytest.mark.parametrize("name", [tool.name for tool in lent_tools(FakeLending())])
async def test_a_lent_tool_names_what_its_person_lends_and_nobody_else_has_it(name: str) -> None:
    """What's lent of a computer stands in the tool of its own person, and in no other's."""
    lending = FakeLending()
    (tool,) = (tool for tool in lent_tools(lending) if tool.name == name)
    assert isinstance(tool, Personal)
    assert isinstance(tool, Exemplary)
    assert isinstance(tool, Foreign)
    assert isinstance(tool, Patient)
    assert tool.outside
    mine = tool.of(a_task())
    assert mine is not None
    assert mine.name == tool.name
    assert mine.effect == tool.effect == ("once" if name in ("computer_write", "computer_run") else "none")
    assert "greet" in str(mine.schema) or "notes" in str(mine.schema)
    assert "notes" not in str(tool.schema)
    assert 10 < len(tool.description) < 120
    assert all(tool.fits(example.text) for example in tool.examples)
    assert not any(tool.fits(text) for text in PLAIN_TALK)
    for example in tool.examples:
        assert decode(msgspec.json.encode(example.arguments).decode(), tool.schema) == example.arguments
    assert tool.of(a_task(person="bob")) is None
    assert tool.of(a_task(tenant="other")) is None
    lending.connected = False
    assert tool.of(a_task()) is None
    assert not any(tool.fits(example.text) for example in tool.examples)
    with pytest.raises(ToolError, match=r"\.$"):
        await use(tool, folder="notes", command="greet", path="a", words="b", text="c")


def test_a_message_that_names_what_is_lent_is_read_without_a_model_and_only_by_its_person() -> None:
    lending = FakeLending()
    tools = {tool.name: tool for tool in lent_tools(lending)}
    for name, text, arguments in (
        ("computer_list", "What's in my notes folder?", {"folder": "notes"}),
        ("computer_list", "List the files in my papers folder, please", None),
        ("computer_list", "What's in my secrets folder?", None),
        ("computer_list", "What's in my notes folder about Vienna?", None),
        ("computer_read", "Read trips/vienna.md from my notes folder", {"path": "trips/vienna.md", "folder": "notes"}),
        ("computer_run", "Run slow on my computer", {"command": "slow"}),
        ("computer_run", "Run rm on my computer", None),
        ("computer_write", "Write milk into a.md in my notes folder", None),
    ):
        mine = next(
            tool.of(a_task()) for tool in lent_tools(lending) if tool.name == name and isinstance(tool, Personal)
        )
        assert read(tools[name], text) == read(mine, text) == arguments, text


def read(tool: object, text: str) -> Mapping[str, object] | None:
    return tool.read(text) if isinstance(tool, Reading) else None
