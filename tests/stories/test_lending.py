"""Somebody lends folders and commands of their own computer to their agents, and nobody else's agents get at them."""

import asyncio
from pathlib import Path

import pytest
from agenthost_client import Forbidden

from hub.errors import ToolError
from hub.lent import ListFolder
from hub.ports import ToolCall
from hub.records import HOME, OWNER, PersonId, TaskId, TenantId
from hub.testing import ScriptedLLM
from tests.local.lenders import Person
from tests.local.served import a_computer, a_hub

LISTED = {"folder": "notes"}
QUESTION = "Is there anything to do, by my notes folder?"


def lists(answer: str = "There's todo.md, of 4 bytes.") -> ScriptedLLM:
    """Looks into the folder, then says what's there."""
    return ScriptedLLM(answer, decisions=["computer_list", "none"], fills=[LISTED])


async def test_whats_in_my_notes_folder(tmp_path: Path) -> None:
    """A person asks, sees at their computer what the agent wants, says yes, and has the answer."""
    person = Person("yes")
    async with a_hub(llm := lists()) as served, a_computer(served, tmp_path / "home", person) as lending:
        await served.lent("laptop")
        (lending.computer.root / "todo.md").write_text("milk", encoding="utf-8")
        (lending.computer.root / ".env").write_text("SECRET=1", encoding="utf-8")
        async with served.client() as api:
            said = await api.messages.ask(QUESTION, task="new")
            assert said.task
            task = await api.tasks.get(said.task.id)
            receipts = [receipt async for receipt in api.tasks.receipts(said.task.id)]

    assert said.answer == "There's todo.md, of 4 bytes."
    assert [(deed.title, deed.asker, deed.tainted) for deed in person.shown] == [
        ("List notes/", f"default, for #1 {QUESTION}", False)
    ]
    assert "todo.md (4 bytes)" in llm.prompts[-1]
    assert "SECRET" not in llm.prompts[-1]
    assert ".env" not in llm.prompts[-1]
    assert [(receipt.tool, receipt.failed) for receipt in receipts] == [("computer_list", False)]
    assert [taint.source for taint in task.tainted] == ["computer_list"]


async def test_a_plain_question_is_answered_without_any_model(tmp_path: Path) -> None:
    llm = ScriptedLLM()
    async with a_hub(llm) as served, a_computer(served, tmp_path / "home", Person("yes", "yes")) as lending:
        await served.lent("laptop")
        (lending.computer.root / "todo.md").write_text("milk", encoding="utf-8")
        async with served.client() as api:
            listed = await api.messages.ask("What's in my notes folder?", task="new")
            read = await api.messages.ask("Read todo.md from my notes folder", task="new")

    assert (listed.answer, read.answer, llm.asked) == ("todo.md (4 bytes)", "milk", [])


async def test_a_no_at_the_computer_is_told_to_the_agent_and_nothing_is_done(tmp_path: Path) -> None:
    llm = ScriptedLLM(
        "I wasn't allowed to.",
        decisions=["computer_write", "none"],
        fills=[{"folder": "notes", "path": "todo.md", "text": "bread"}],
    )
    person = Person("no")
    async with a_hub(llm) as served, a_computer(served, tmp_path / "home", person) as lending:
        await served.lent("laptop")
        async with served.client() as api:
            said = await api.messages.ask("Write bread into todo.md in my notes folder", task="new")

    assert said.answer == "I wasn't allowed to."
    assert person.shown[0].body == "bread"
    assert "the person there said no" in llm.prompts[-1]
    assert not (lending.computer.root / "todo.md").exists()


async def test_the_tools_are_offered_while_a_computer_lends_and_vanish_with_it(tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda _: "I can't see your computer.", decisions=lambda _, options: "none")
    async with a_hub(llm) as served, served.client() as api:
        await api.messages.ask(QUESTION, task="new")
        async with a_computer(served, tmp_path / "home", Person()):
            await served.lent("laptop")
            await api.messages.ask(QUESTION, task="new")
        await served.lent()
        await api.messages.ask(QUESTION, task="new")

    offers = [
        "computer_list" in asked.options for asked in llm.asked if asked.method == "decide" and "none" in asked.options
    ]
    assert offers.count(True) == 1


async def test_a_computer_that_goes_in_the_middle_of_a_call_ends_it_clearly_and_it_is_asked_about(
    tmp_path: Path,
) -> None:
    """Reading is just an error; a command may have been run, so its task asks before it's run again."""
    llm = ScriptedLLM(
        lambda _: "The computer went away.",
        decisions=["computer_list", "none", "computer_run", "computer_run", "computer_run"],
        fills=[
            LISTED,
            {"command": "hello", "arguments": {"whom": "cat"}},
            {"command": "hello", "arguments": {"whom": "cat"}},
        ],
    )
    person = Person()
    async with a_hub(llm) as served, served.client() as api:
        async with a_computer(served, tmp_path / "home", person):
            await served.lent("laptop")
            asked = asyncio.create_task(api.messages.ask(QUESTION, task="new"))
            while not person.shown:
                await asyncio.sleep(0.01)
        read = await asked
        assert "broke meanwhile. Nothing was changed" in llm.prompts[-1]
        async with a_computer(served, tmp_path / "home", person):
            await served.lent("laptop")
            asked = asyncio.create_task(
                api.messages.ask("Please greet the cat by a command on my computer", task="new")
            )
            while len(person.shown) < 2:
                await asyncio.sleep(0.01)
        ran = await asked
        assert ran.task
        receipts = [receipt async for receipt in api.tasks.receipts(ran.task.id)]

    assert read.answer == "The computer went away."
    assert [(receipt.tool, receipt.failed, receipt.unsure) for receipt in receipts] == [("computer_run", True, True)]
    assert "nobody knows whether it was done" in receipts[0].result


async def test_nobody_else_sees_it_or_gets_at_it(tmp_path: Path) -> None:
    """Neither another tenant's owner nor another person: not by their agents, nor by hand, nor listed."""
    llm = ScriptedLLM(
        lambda _: "I can't.", decisions=lambda _, options: "computer_list" if "computer_list" in options else "none"
    )
    person = Person("yes", "yes", "yes")
    async with a_hub(llm) as served, a_computer(served, tmp_path / "home", person), served.client() as api:
        await served.lent("laptop")
        fresh = await api.tenants.make("Evil")
        async with served.client(fresh.key) as theirs:
            await theirs.messages.ask(QUESTION, task="new")
            with pytest.raises(Forbidden):
                await theirs.packages.call_tool("computer_list", LISTED)
            listed = [computer.name async for computer in theirs.computers.list()]
            seen = [tool async for tool in theirs.packages.tools() if tool.id.startswith("computer_")]
        mine = [computer.name async for computer in api.computers.list()]
        for tenant, whom in ((TenantId(fresh.id), OWNER), (HOME, PersonId("bob"))):
            assert served.hub.lending.lent(tenant, whom) == ()
            call = ToolCall(
                tool="x", arguments={}, key="1", tenant=tenant, person=whom, agent="default", task=TaskId("none")
            )
            with pytest.raises(ToolError, match="isn't connected"):
                await served.hub.lending.ask(call, "laptop", ListFolder(folder="notes"))

    assert person.shown == []
    assert (listed, mine) == ([], ["laptop"])
    assert "There: notes" not in str(seen)
    assert not [asked for asked in llm.asked if "computer_list" in asked.options]


async def test_the_owner_may_try_it_by_hand_and_two_computers_are_told_apart(tmp_path: Path) -> None:
    async with (
        a_hub(ScriptedLLM()) as served,
        a_computer(served, tmp_path / "one", None, yes_read=True) as one,
        a_computer(served, tmp_path / "two", None, name="tower", yes_read=True) as two,
        served.client() as api,
    ):
        await served.lent("laptop", "tower")
        (one.computer.root / "one.md").touch()
        (two.computer.root / "two.md").touch()
        first = await api.packages.call_tool("computer_list", {"folder": "laptop/notes"})
        second = await api.packages.call_tool("computer_list", {"folder": "tower/notes"})
        unclear = await api.packages.call_tool("computer_list", {"folder": "notes"})

    assert (first.result, second.result) == ("one.md (0 bytes)", "two.md (0 bytes)")
    assert unclear.failed
    assert "laptop/notes" in unclear.result
