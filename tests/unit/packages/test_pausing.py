"""A program that asks its person something stops there, and goes on with the answer: later, elsewhere, once."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from hub.errors import ToolError
from hub.packages.hosts import Supplies
from hub.packages.pausing import _Kept, about
from hub.packages.plugins import PluginTool
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.ports import Paused, ToolCall
from tests.unit.packages.asking import PROGRAM
from tests.unit.packages.outfit import Folders, Notes, a_call, a_program, supplies, tool_of

PERMISSIONS = 'messages = ["ask:task", "send:task"]\nfs = "workspace:rw"\nlimits = { seconds = 0.5, calls = 10 }'
SEAL = Seal(b"k" * 32)
"""As in the supplies."""


async def asked(tool: PluginTool, call: ToolCall) -> Paused:
    with pytest.raises(Paused) as caught:
        await tool.call(call)
    return caught.value


async def asked_again(tool: PluginTool, call: ToolCall, snapshot: str, answer: str) -> Paused:
    with pytest.raises(Paused) as caught:
        await tool.resume(call, snapshot, answer)
    return caught.value


def the_tool(folder: Path, scripts: Scripts, program: str, given: Supplies | None = None) -> PluginTool:
    return tool_of(a_program(folder, PERMISSIONS, program, "once"), scripts, given or supplies())


async def test_a_run_stops_at_each_question_and_goes_on_with_its_answer(tmp_path: Path, scripts: Scripts) -> None:
    tool = the_tool(tmp_path, scripts, PROGRAM, supplies(files={"a.txt": b"a"}))
    call = a_call(stem="s")

    first = await asked(tool, call)
    second = await asked_again(tool, call, first.snapshot, "Ann")
    result = await tool.resume(call, second.snapshot, "yes")

    assert (first.question, second.question) == ("What's the name?", "Is Ann right?")
    assert result == '[["s",["a.txt"]],"Ann","yes"]'


async def test_without_a_question_nothing_stops(tmp_path: Path, scripts: Scripts) -> None:
    assert await the_tool(tmp_path, scripts, "return 1").call(a_call()) == "1"


def test_another_process_finishes_what_a_killed_one_began(tmp_path: Path) -> None:
    def begun(answer: str, snapshot: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.unit.packages.asking", str(tmp_path), answer]
        return subprocess.run(command, input=snapshot, capture_output=True, text=True, timeout=60, check=False)

    first = begun("PAUSE")
    second = begun("Ann", first.stdout.strip())
    last = begun("yes", second.stdout.strip())

    assert (first.returncode, second.returncode) == (-signal.SIGKILL, -signal.SIGKILL), first.stderr + second.stderr
    assert last.stdout == 'done [["s",["a.txt"]],"Ann","yes"]\n'
    assert begun("yes", first.stdout.strip()[:-8]).stdout.startswith("failed What was kept of the program isn't")


async def test_a_snapshot_is_for_one_call_of_one_edition(tmp_path: Path, scripts: Scripts) -> None:
    tool = the_tool(tmp_path, scripts, PROGRAM)
    call = a_call(stem="s")
    snapshot = (await asked(tool, call)).snapshot
    others = [
        a_call(stem="s", task="other"),
        a_call(stem="s", key="turn-2:1"),
        a_call(stem="t"),
        a_call("other", stem="s"),
    ]

    for other in others:
        with pytest.raises(ToolError, match="isn't this call's, or was changed"):
            await tool.resume(other, snapshot, "Ann")
    with pytest.raises(ToolError, match="isn't this call's, or was changed"):
        await the_tool(tmp_path, scripts, PROGRAM + "\n# changed\n").resume(call, snapshot, "Ann")
    with pytest.raises(ToolError, match="isn't this call's, or was changed"):
        await tool.resume(call, ("B" if snapshot[0] == "A" else "A") + snapshot[1:], "Ann")
    assert (await asked_again(tool, call, snapshot, "Ann")).question == "Is Ann right?"


async def test_limits_hold_after_a_pause_too(tmp_path: Path, scripts: Scripts) -> None:
    program = """
way = await ask("which?")
while way == "loops":
    pass
while way == "says":
    await say("hello")
return "x" * 10**9 if way == "grows" else way
"""
    notes = Notes()
    tool = the_tool(tmp_path, scripts, program, supplies(errands=notes))
    snapshot = (await asked(tool, a_call())).snapshot

    for way, why in (("loops", "time limit"), ("says", "limit 30 exceeded"), ("grows", "memory limit")):
        with pytest.raises(ToolError, match=why):
            await tool.resume(a_call(), snapshot, way)
    assert await tool.resume(a_call(), snapshot, "ends") == "ends"


async def test_errands_keep_their_numbers_over_a_pause(tmp_path: Path, scripts: Scripts) -> None:
    notes = Notes()
    program = 'await say("one")\nname = await ask("who?")\nawait say(name)'
    tool = the_tool(tmp_path, scripts, program, supplies(errands=notes))

    await tool.resume(a_call(), (await asked(tool, a_call())).snapshot, "Ann")

    assert notes.done == [("say", "turn-1:1/say1", "one"), ("say", "turn-1:1/say2", "Ann")]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("await ask()", "takes one text"),
        ('await ask("a", "b")', "takes one text"),
        ('await ask(text="a")', "takes one text"),
        ("await ask(7)", "takes one text"),
        ('await ask(" ")', "a question has 1 to 1000 characters"),
        ('await ask("a" * 1001)', "a question has 1 to 1000 characters"),
        ('import asyncio\nawait asyncio.gather(ask("a"), ask("b"))', "await it by itself"),
        ('later = list_files()\nawait ask("a")', "await it by itself"),
        ('import asyncio\nawait asyncio.gather(list_files(), ask("b"))', "await it by itself"),
    ],
)
async def test_a_question_asked_amiss_is_told(program: str, said: str, tmp_path: Path, scripts: Scripts) -> None:
    with pytest.raises(ToolError, match=said):
        await the_tool(tmp_path, scripts, program).call(a_call())


async def test_questions_come_to_an_end(tmp_path: Path, scripts: Scripts) -> None:
    tool = the_tool(tmp_path, scripts, 'while True:\n    await ask("and now?")')
    snapshot = (await asked(tool, a_call())).snapshot

    for _ in range(9):
        snapshot = (await asked_again(tool, a_call(), snapshot, "on")).snapshot
    with pytest.raises(ToolError, match="10 questions are the most"):
        await tool.resume(a_call(), snapshot, "on")


async def test_a_program_that_holds_too_much_cannot_wait(tmp_path: Path, scripts: Scripts) -> None:
    tool = the_tool(tmp_path, scripts, 'much = "x" * 2000000\nawait ask("a")\nreturn much')

    with pytest.raises(ToolError, match="one that waits holds 700000 at most"):
        await tool.call(a_call())


async def test_a_hub_without_a_key_keeps_no_program(tmp_path: Path, scripts: Scripts) -> None:
    with pytest.raises(ToolError, match="can't keep a program"):
        await the_tool(tmp_path, scripts, PROGRAM, Supplies()).call(a_call(stem="s"))


# --- another version of Monty


def of_another_version(snapshot: str, call: ToolCall, edition: str) -> str:
    """Return what an earlier Monty would have kept: this one can't load its state."""
    data = SEAL.open(snapshot, about=about(call, edition))
    assert data is not None
    kept = replace(msgspec.msgpack.decode(data, type=_Kept), version="1.0.0", state=b"MONTY\x00\x01old")
    return SEAL.close(msgspec.msgpack.encode(kept), about=about(call, edition))


async def test_what_another_version_kept_is_run_anew_with_the_answers(tmp_path: Path, scripts: Scripts) -> None:
    given = supplies(files={"a.txt": b"a"})
    tool = the_tool(tmp_path, scripts, PROGRAM, given)
    call = a_call(stem="s")
    old = of_another_version((await asked(tool, call)).snapshot, call, tool.edition)

    second = await asked_again(tool, call, old, "Ann")

    assert second.question == "Is Ann right?"
    assert await tool.resume(call, second.snapshot, "yes") == '[["s",["a.txt"]],"Ann","yes"]'


async def test_but_not_if_it_had_changed_something(tmp_path: Path, scripts: Scripts) -> None:
    given = supplies(files={"a.txt": b"a"})
    tool = the_tool(tmp_path, scripts, PROGRAM, given)
    call = a_call(stem="s")
    second = await asked_again(tool, call, (await asked(tool, call)).snapshot, "Ann")
    old = of_another_version(second.snapshot, call, tool.edition)

    with pytest.raises(ToolError, match="had done something before that isn't done twice"):
        await tool.resume(call, old, "yes")


async def test_nor_if_it_asks_something_else_by_then(tmp_path: Path, scripts: Scripts) -> None:
    given = supplies(files={"a.txt": b"a"})
    tool = the_tool(tmp_path, scripts, 'return await ask(f"Is it {await list_files()}?")', given)
    old = of_another_version((await asked(tool, a_call())).snapshot, a_call(), tool.edition)
    assert isinstance(given.workspaces, Folders)
    given.workspaces.files.clear()

    with pytest.raises(ToolError, match="asks something else by now"):
        await tool.resume(a_call(), old, "yes")
