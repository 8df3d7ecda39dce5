"""Few tools are offered, whatever is installed: those that fit, within a budget."""

import time
from collections.abc import Mapping

import pytest

from hub.flow.gleaning import glean
from hub.flow.offering import Offering, allowed_of, cost
from hub.flow.wording import asked
from hub.manifests import Agent
from hub.ports import Effect, Tool, ToolCall
from hub.records import PackageId
from hub.store.ranking import FullTextRanking
from hub.testing import AssignmentTool


class Worded:
    """A tool that's offered by its word."""

    schema: Mapping[str, object] = {"type": "object", "properties": {}}
    effect: Effect = "none"

    def __init__(self, name: str, description: str = "Does something with it.") -> None:
        self.name = name
        self.description = description

    def fits(self, text: str) -> bool:
        return self.name in text

    async def call(self, call: ToolCall) -> str:
        return "done"


class Found(Worded):
    """A tool of a package, found by what it's about."""

    version = "1.0.0"
    digest = "d"

    def __init__(self, name: str, description: str, package: str = "files") -> None:
        super().__init__(name, description)
        self.about = description
        self.package = PackageId(package)

    def fits(self, text: str) -> bool:
        return True


READ = Found("read_file", "Read the complete contents of a file as text.")
LIST = Found("list_directory", "List all files in a directory.")
WEATHER = Found("skill.weather", "Get current weather and forecasts.", "weather")
OVEN = Worded("oven")
TOOLS: dict[str, Tool] = {tool.name: tool for tool in (READ, LIST, WEATHER, OVEN)}


def agent(*tools: str) -> Agent:
    return Agent(name="a", version="1.0.0", description="-", prompt="-", tools=tools)


def offered(text: str, *names: str, tools: Mapping[str, Tool] = TOOLS, tokens: int = 300) -> list[str]:
    offering = Offering(FullTextRanking(), tokens)
    offering.fill(tools)
    return [tool.name for tool in offering.offered(agent(*(names or ("*", "oven"))), text)]


def test_tools_that_were_installed_or_removed_are_offered_or_not_from_then_on() -> None:
    offering = Offering()
    offering.fill({})
    assert offering.offered(agent("oven"), "preheat the oven") == ()

    offering.fill({"oven": OVEN})
    assert offering.offered(agent("oven"), "preheat the oven") == (OVEN,)
    assert offering.offered(agent("kettle"), "preheat the oven") == ()

    offering.fill({})
    assert offering.offered(agent("oven"), "preheat the oven") == ()


@pytest.mark.parametrize(
    ("named", "allowed"),
    [
        (("oven",), ["oven"]),
        (("files/*",), ["list_directory", "read_file"]),
        (("read_file", "files/*"), ["read_file", "list_directory"]),
        (("*",), ["list_directory", "read_file", "skill.weather"]),
        (("gone", "gone/*", "read_file/*"), []),
    ],
)
def test_an_agent_names_tools_or_all_of_a_package(named: tuple[str, ...], allowed: list[str]) -> None:
    assert [tool.name for tool in allowed_of(agent(*named), TOOLS)] == allowed


def test_a_tool_is_found_by_what_it_is_about_the_best_first() -> None:
    assert offered("Please list the files in the directory /tmp") == ["list_directory"]
    assert offered("read or list the contents of a file") == ["read_file", "list_directory"]
    assert offered("What's the weather in Lyon?") == ["skill.weather"]


@pytest.mark.parametrize(
    "text",
    ["hello", "", "Tell me a joke", "Thanks, that was helpful!", "I read a long and sad book about the sea", "好的"],
)
def test_talk_is_offered_nothing(text: str) -> None:
    assert offered(text) == []


def test_tools_whose_words_stand_in_the_message_come_first() -> None:
    assert offered("read the file oven.txt to me", "*", "oven") == ["oven", "read_file"]


def test_a_tool_that_the_agent_may_not_use_is_not_found() -> None:
    assert offered("Read the file a.txt", "weather/*") == []


def test_a_path_counts_as_a_file_or_a_directory_and_a_link_as_a_url() -> None:
    assert asked("Open notes/todo.txt") == ("open", "file")
    assert asked("show /home/anna") == ("directory",)
    assert asked("See https://example.org/x.html") == ("url",)


def test_what_is_offered_stays_within_the_budget_whatever_is_installed() -> None:
    many: dict[str, Tool] = {f"read_{n}": Found(f"read_{n}", "Read a file as text. " * 9, f"p{n}") for n in range(200)}

    names = offered("read the file a.txt as text", tools=many, tokens=100)

    assert names
    assert sum(cost(many[name]) for name in names) <= 100


def test_one_tool_is_offered_even_if_it_alone_is_beyond_the_budget() -> None:
    assert offered("Read the file a.txt", tokens=1) == ["read_file"]


def test_a_schema_that_is_nonsense_can_be_searched_all_the_same() -> None:
    odd = Found("odd_thing", "Odd thing.")
    odd.schema = {"properties": {"a": 5, "b": {"description": 7}, "c": None}}

    assert offered("the odd thing", tools={"odd_thing": odd}) == ["odd_thing"]


@pytest.mark.parametrize(
    "text", ["a" * 260_000, "a/" * 130_000, '"' * 260_000, "1 " * 130_000, "a.b" * 80_000, "*" * 260_000]
)
def test_the_longest_messages_are_looked_at_in_no_time(text: str) -> None:
    began = time.perf_counter()
    offered(text)
    glean({"path": {"type": "string"}, "n": {"type": "number"}}, ["path", "n"], text)

    assert time.perf_counter() - began < 20, "what grows with the square of a length takes minutes"


def test_a_tool_for_assignments_is_offered_in_an_assignment_and_costs_no_conversation_anything() -> None:
    offering = Offering()
    offering.fill({"steer": AssignmentTool("steer"), "oven": OVEN})

    def names(*, assignment: bool) -> list[str]:
        found = offering.offered(agent("steer", "oven"), "preheat the oven", assignment=assignment)
        return [tool.name for tool in found]

    assert names(assignment=False) == ["oven"]
    assert names(assignment=True) == ["steer", "oven"]
