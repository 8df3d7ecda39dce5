"""What each permission gives a program, and that without it there's nothing."""

import re
from pathlib import Path

import pytest

from hub.errors import ManifestError, ToolError
from hub.manifests import Permissions
from hub.packages.hosts import WAYS, Supplies, stubs
from hub.packages.plugins import check
from hub.packages.scripts import Scripts
from hub.ports import Foreign, Outward, Packaged, Pausing
from hub.store.documents import MemoryDocuments
from tests.unit.packages.outfit import Folders, Notes, a_call, a_program, an_answer, supplies, tool_of

NET = 'net = ["api.example.org"]'
ALL = """
net = ["api.example.org"]
fs = ["data", "workspace:rw"]
messages = ["read:task", "send:task", "ask:task"]
tools = ["convert_units"]
schedule = true
"""
EXAMPLES = {
    "read": 'return await read("a")',
    "write": 'await write("a", {"b": 1})',
    "erase": 'return await erase("a")',
    "ids": "return await ids()",
    "list_files": "return await list_files()",
    "read_file": 'return await read_file("a.txt")',
    "write_file": 'await write_file("a.txt", "b")',
    "remove_file": 'return await remove_file("a.txt")',
    "get": 'return (await get("https://api.example.org/")).text',
    "post": 'return (await post("https://api.example.org/", {"a": 1})).status',
    "request": 'return (await request("PUT", "https://api.example.org/", "a")).status',
    "said": "return await said()",
    "say": 'await say("hello")',
    "ask": 'return await ask("who?")',
    "plan": 'return await plan("in 20m", "look again")',
    "use": 'return await use("convert_units", {"amount": 1})',
}


def test_there_is_an_example_of_every_function() -> None:
    assert EXAMPLES.keys() == WAYS.keys()


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_function_that_was_not_asked_for_is_refused_at_installing(
    name: str, tmp_path: Path, scripts: Scripts
) -> None:
    with pytest.raises(ManifestError) as caught:
        await check(a_program(tmp_path, "", EXAMPLES[name]), scripts)

    told = str(caught.value).rpartition("/")[2]
    assert re.fullmatch(
        rf"plugin\.py:5:\d+: {name}: it isn't given that function; permissions\.[^\n]* asks for it", told
    )


@pytest.mark.parametrize("name", EXAMPLES)
async def test_asked_for_it_passes_the_check(name: str, tmp_path: Path, scripts: Scripts) -> None:
    await check(a_program(tmp_path, ALL, EXAMPLES[name], effect="idempotent"), scripts)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_what_was_asked_for_but_not_granted_is_not_there(name: str, tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, "", EXAMPLES[name], effect="idempotent")

    with pytest.raises(ToolError, match=f"NameError: name '{name}' is not defined"):
        await tool_of(plugin, scripts, supplies()).call(a_call())


def test_permissions_are_those_that_were_granted() -> None:
    permissions = Permissions(
        net=("a.org", "b.org"), fs=("data", "workspace:ro"), messages=("ask:task",), schedule=True
    )

    granted = permissions.within(["net:b.org", "fs:data", "fs:workspace:rw", "secrets:KEY", "schedule"])

    assert granted.asks == ("net:b.org", "fs:data", "schedule")


async def test_a_wrong_keyword_is_refused_at_installing(tmp_path: Path, scripts: Scripts) -> None:
    with pytest.raises(ManifestError, match="Argument `heders` does not match any known parameter of function `get`"):
        await check(a_program(tmp_path, NET, 'await get("https://api.example.org", heders={})'), scripts)


def test_nothing_asked_for_needs_no_stubs() -> None:
    assert stubs(Permissions()) == ""


async def test_a_function_may_be_given_another_name(tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, 'fs = "data"', 'keep = write\nawait keep("a", {"b": 2})\nreturn await read(id="a")')

    assert await tool_of(plugin, scripts, supplies()).call(a_call()) == '{"b":2}'


# --- the workspace


async def test_files_of_the_task_are_listed_read_written_and_removed(tmp_path: Path, scripts: Scripts) -> None:
    given = supplies(files={"notes/a.txt": "é".encode(), "old.txt": b""})
    program = """
    text = await read_file("notes/a.txt")
    await write_file("b.txt", text * 2)
    gone = await remove_file("old.txt"), await remove_file("never.txt")
    return [await list_files(), gone]
    """
    plugin = a_program(tmp_path, 'fs = "workspace:rw"', "\n".join(map(str.strip, program.splitlines())))

    assert await tool_of(plugin, scripts, given).call(a_call()) == '[["b.txt","notes/a.txt"],[true,false]]'
    assert isinstance(given.workspaces, Folders)
    assert "éé".encode() in given.workspaces.files.values()


async def test_read_only_is_read_only(tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, 'fs = "workspace:ro"', 'await write_file("a", "b")')

    with pytest.raises(ToolError, match="NameError"):
        await tool_of(plugin, scripts, supplies()).call(a_call())


async def test_another_tasks_files_are_not_there(tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, 'fs = "workspace:ro"', "return await list_files()")

    assert await tool_of(plugin, scripts, supplies(files={"a": b""})).call(a_call(task="other")) == "[]"


async def test_what_is_no_text_is_said_to_be_none(tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, 'fs = "workspace:ro"', 'return await read_file("a.png")')

    with pytest.raises(ToolError, match=r"a\.png: isn't UTF-8 text"):
        await tool_of(plugin, scripts, supplies(files={"a.png": b"\xff\xfe"})).call(a_call())


# --- errands


async def test_errands_are_run_each_with_a_key_of_its_own(tmp_path: Path, scripts: Scripts) -> None:
    notes = Notes("hello", "how far is it?")
    program = (
        'await say("one")\nawait say("two")\n'
        'return [await said(), await plan("in 20m", "look"), await use("convert_units", {"amount": 1})]'
    )
    plugin = a_program(tmp_path, ALL.replace(', "ask:task"', ""), program, effect="keyed")

    result = await tool_of(plugin, scripts, supplies(errands=notes)).call(a_call())

    assert result == '[["hello","how far is it?"],"planned for in 20m","12 km"]'
    assert notes.done == [
        ("say", "turn-1:1/say1", "one"),
        ("say", "turn-1:1/say2", "two"),
        ("plan", "turn-1:1/plan1", "in 20m: look"),
        ("use", "turn-1:1/use1", "convert_units {'amount': 1}"),
    ]


async def test_an_errand_that_failed_can_be_caught(tmp_path: Path, scripts: Scripts) -> None:
    program = 'try:\n    await plan("never", "x")\nexcept RuntimeError as error:\n    return f"caught {error}"'

    assert await tool_of(a_program(tmp_path, "schedule = true", program), scripts, supplies()).call(a_call()) == (
        "caught That's no time."
    )


async def test_of_what_was_said_the_last_is_heard(tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, 'messages = ["read:task"]', "return [len(text) for text in await said()]")

    heard = await tool_of(plugin, scripts, supplies(errands=Notes("a" * 5, "b" * 7_000, "c" * 600))).call(a_call())

    assert heard == "[5,7000,600]"
    heard = await tool_of(plugin, scripts, supplies(errands=Notes("a" * 5, "b" * 7_900, "c" * 600))).call(a_call())
    assert heard == "[7400,600]"


async def test_only_tools_that_were_named_are_used(tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, 'tools = ["convert_units"]', 'return await use("remember", {})')

    with pytest.raises(ToolError, match=r"'remember' isn't among permissions\.tools: convert_units"):
        await tool_of(plugin, scripts, supplies()).call(a_call())


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"read", "write", "erase", "ids", "ask"}))
async def test_what_this_hub_has_not_is_told(name: str, tmp_path: Path, scripts: Scripts) -> None:
    plugin = a_program(tmp_path, ALL.replace(', "ask:task"', ""), EXAMPLES[name], effect="once")

    with pytest.raises(ToolError, match="this hub"):
        await tool_of(plugin, scripts, Supplies(), MemoryDocuments()).call(a_call())


# --- what the flow is told


@pytest.mark.parametrize(
    ("permissions", "outside"),
    [
        ("", False),
        ('fs = "data"', False),
        (NET, True),
        ('fs = "workspace:ro"', True),
        ('messages = ["read:task", "send:task"]', False),
    ],
)
def test_words_of_others_come_from_the_net_and_from_files(
    permissions: str, outside: bool, tmp_path: Path, scripts: Scripts
) -> None:
    tool = tool_of(a_program(tmp_path, permissions, "return 1"), scripts, supplies())

    assert isinstance(tool, Foreign)
    assert tool.outside is outside


@pytest.mark.parametrize(("effect", "told"), [("none", ""), ("once", "it sends to api.example.org")])
def test_a_tool_that_sends_says_where(effect: str, told: str, tmp_path: Path, scripts: Scripts) -> None:
    tool = tool_of(a_program(tmp_path, NET, "return 1", effect), scripts, supplies())

    assert isinstance(tool, Outward)
    assert tool.goes_out(a_call(), "hello") == told


def test_only_a_packages_tool_has_a_package(tmp_path: Path, scripts: Scripts) -> None:
    tool = tool_of(a_program(tmp_path, "", "return 1"), scripts, supplies())

    assert not isinstance(tool, Packaged)
    assert isinstance(tool, Pausing)


async def test_an_answer_is_what_it_was(tmp_path: Path, scripts: Scripts) -> None:
    given = supplies({"https://api.example.org/v1": an_answer('{"a": [1, 2.5, null]}', x="y")})
    program = (
        'a = await get("https://api.example.org/v1")\nreturn [a.status, a.url, a.headers["x"], a.text, a.json["a"]]'
    )

    assert await tool_of(a_program(tmp_path, NET, program), scripts, given).call(a_call()) == (
        '[200,"https://api.example.org/v1","y","{\\"a\\": [1, 2.5, null]}",[1,2.5,null]]'
    )
