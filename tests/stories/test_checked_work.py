"""Assignments that are done when what was agreed on holds, whatever their agent says."""

import asyncio
from typing import Any

import pytest

from hub.errors import BadRequest
from hub.manifests import Agent
from hub.ports import ToolCall
from hub.records import (
    HOME,
    OWNER,
    Again,
    Ask,
    Blocked,
    Check,
    CommandExits,
    Done,
    FileExists,
    Limits,
    Step,
    Task,
    ToolSays,
    UrlAnswers,
)
from hub.store.memory import MemoryStore
from hub.testing import FakeChecking, FakeClock, FakeTool, ForeignTool, OutwardTool, ScriptedLLM
from tests.stories.day import CHAT, Day

REPORT = FileExists(path="report.md")
AGENT = Agent(
    name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=("look", "page", "burn", "send")
)


async def assign(day: Day, *checks: Check, text: str = "Compare trains to Bonn", **wishes: Any) -> Task:
    task, _ = await day.hub.tasks.assign(
        tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=f"api:{text}", checks=checks, **wishes
    )
    await day.quiet()
    return await day.task(task.number)


async def later(day: Day, seconds: float) -> None:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()


async def check_steps(day: Day, task: Task) -> list[Step]:
    turns = reversed(await day.store.turns(task.id, limit=20))
    return [step for turn in turns for step in await day.store.steps(turn.id) if step.kind == "check"]


async def test_a_report_that_is_not_there_is_not_done_and_the_agent_is_told_which() -> None:
    llm, checking = ScriptedLLM("It's all done, the report is written!", "Now it's there."), FakeChecking()
    async with Day(llm, checking=checking) as day:
        task = await assign(day, REPORT)
        assert isinstance(task.verdict, Again)
        assert task.verdict.why == "the file report.md isn't there"

        await checking.workspaces.write(HOME, task.id, "report.md", b"Two a day.")
        await later(day, 60)
        task = await day.task(1)
        assert "the file report.md isn't there" in llm.prompts[1]
        assert task.state == "completed"
        assert isinstance(task.verdict, Done)
        assert "the file report.md is there" in task.verdict.why
        assert (await day.transcript(1))[-1] == "Done, and checked: the file report.md is there."


async def test_what_holds_is_done_whatever_the_agent_says_and_no_model_is_asked() -> None:
    for words in ("Sorry, I couldn't do it.", "I'll do it right away.", "Shall I go on?"):
        llm, checking = ScriptedLLM(words), FakeChecking(pages={"https://example.org/": "Hi"})
        async with Day(llm, checking=checking) as day:
            task = await assign(day, UrlAnswers(url="https://example.org/", contains="Hi"), limits=Limits(turns=1))
            assert task.state == "completed", "also if that was the last turn it could pay for"
            assert [asked.method for asked in llm.asked] == ["chat"]


async def test_every_check_is_kept_as_a_step_of_its_turn_and_some_that_fail_are_all_told() -> None:
    checks = (REPORT, UrlAnswers(url="https://example.org/"), CommandExits(command=("true",)))
    async with Day(ScriptedLLM("Done."), checking=FakeChecking(programs={"true": 0})) as day:
        task = await assign(day, *checks)
        steps = await check_steps(day, task)
        assert [(step.name, step.failed) for step in steps] == [("file", True), ("url", True), ("command", False)]
        assert isinstance(task.verdict, Again)
        assert task.verdict.why == "the file report.md isn't there; https://example.org/ answers 404"


async def test_what_cannot_be_checked_blocks_the_task_and_says_what_is_missing() -> None:
    async with Day(ScriptedLLM("All tests pass."), checking=FakeChecking()) as day:
        task = await assign(day, CommandExits(command=("pytest",)))
        assert task.state == "input-required"
        assert isinstance(task.verdict, Blocked)
        assert "no program can be confined here" in task.verdict.missing
        assert "no program can be confined here" in (await day.transcript(1))[-1]
        assert "/resume 1" in (await day.transcript(1))[-1]


async def test_a_hub_without_a_way_to_look_never_passes_a_check() -> None:
    async with Day(ScriptedLLM("Done.")) as day:
        assert isinstance((await assign(day, REPORT)).verdict, Blocked)


async def test_a_question_of_the_agent_goes_to_the_person_while_something_is_missing() -> None:
    async with Day(ScriptedLLM("From which town do you leave?"), checking=FakeChecking()) as day:
        task = await assign(day, REPORT)
        assert isinstance(task.verdict, Ask)
        assert task.verdict.question == "From which town do you leave?"


async def test_the_same_that_is_missing_again_and_again_is_put_to_the_person_with_how_it_stands() -> None:
    words = ["I wrote it.", "It stands in the folder now.", "The file exists; look for yourself.", "Finally finished!"]
    async with Day(ScriptedLLM(*words), checking=FakeChecking(programs={"true": 0})) as day:
        await assign(day, REPORT, CommandExits(command=("true",)))
        for _ in range(5):
            await later(day, 700)
        task = await day.task(1)
        assert task.state == "input-required"
        assert task.used.turns == 4
        assert isinstance(task.verdict, Ask)
        assert "Left: the file report.md isn't there." in task.verdict.question
        assert "Done: true exits with 0." in task.verdict.question


async def test_a_tool_that_only_looks_may_be_asked_and_its_words_decide() -> None:
    look = FakeTool("look", result="Three trains a day.")
    agents = {"default": AGENT}
    async with Day(ScriptedLLM("Done.", decisions=["none"] * 9), tools=[look], agents=agents) as day:
        task = await assign(day, ToolSays(tool="look", arguments='{"at": "trains"}', contains="three TRAINS"))
        assert task.state == "completed"
        assert [call.arguments for call in look.calls] == [{"at": "trains"}]


async def test_a_tool_check_never_widens_what_its_agent_may() -> None:
    tools = [FakeTool("hidden"), FakeTool("burn", effect="once"), FakeTool("look")]
    async with Day(ScriptedLLM(), tools=tools, agents={"default": AGENT}) as day:
        for check, why in (
            (ToolSays(tool="hidden", arguments="{}", contains=""), "has no tool 'hidden'"),
            (ToolSays(tool="burn", arguments="{}", contains=""), "changes something"),
            (ToolSays(tool="look", arguments="[]", contains=""), "isn't a JSON object"),
            (FileExists(path="../etc/passwd"), "path"),
            (UrlAnswers(url="https://ex\u0430mple.org/"), "isn't an address"),
            (UrlAnswers(url="file:///etc/passwd"), "isn't an address"),
            (CommandExits(command=()), "give a program"),
        ):
            with pytest.raises(BadRequest, match=r"checks\[0\]") as refused:
                await assign(day, check)
            assert why in str(refused.value)
        with pytest.raises(BadRequest, match="at most 10"):
            await assign(day, *[REPORT] * 11)


async def test_a_tool_check_that_would_need_leave_is_not_made_and_strangers_words_taint() -> None:
    class Sender(OutwardTool):
        def goes_out(self, call: ToolCall, heard: str) -> str:
            return "it tells somebody something"

    page, send = ForeignTool("page", result="Words"), Sender("send")
    says = (
        ToolSays(tool="page", arguments="{}", contains="nothing of that"),
        ToolSays(tool="send", arguments="{}", contains=""),
    )
    llm = ScriptedLLM("One.", "Two, quite another.", decisions=["none"] * 9)
    async with Day(llm, tools=[page, send], agents={"default": AGENT}) as day:
        task = await assign(day, says[0])
        assert [taint.source for taint in await day.store.taints(task.id)] == ["page"]

    async with Day(ScriptedLLM("One.", decisions=["none"] * 9), tools=[page, send], agents={"default": AGENT}) as day:
        task = await assign(day, *says)
        await later(day, 60)
        sent = [step for step in await check_steps(day, task) if "send" in step.request]
        # Made side by side with the one that taints, it's either before that, or it asks nobody and isn't made.
        assert all(step.failed is False or "leave" in step.result for step in sent)


async def test_a_command_that_fails_tells_its_words_and_taints_the_task() -> None:
    async with Day(ScriptedLLM("Done."), checking=FakeChecking(programs={"pytest": 1})) as day:
        task = await assign(day, CommandExits(command=("pytest",)))
        assert [taint.source for taint in await day.store.taints(task.id)] == ["check"]


async def test_a_crash_while_it_is_checked_repeats_the_checks_and_nothing_else() -> None:
    store, clock, llm = MemoryStore(), FakeClock(), ScriptedLLM("Written.")
    checking = FakeChecking()
    began = asyncio.Event()

    class Dies(FakeChecking):
        async def check(self, task: Task, check: Any) -> Any:
            began.set()
            await asyncio.Event().wait()

    async with Day(llm, store=store, clock=clock, checking=Dies()) as day:
        await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text="Report", external_id="a", checks=[REPORT]
        )
        await asyncio.wait_for(began.wait(), 20)
    async with Day(llm, store=store, clock=clock, checking=checking) as day:
        await day.quiet()
        assert checking.made == [REPORT]
        assert len(llm.prompts) == 1, "what was answered before the crash isn't said again"
        assert (await day.task(1)).used.turns == 1
        assert [text for text in await day.transcript(1) if text == "Written."] == ["Written."]


async def test_stop_ends_a_check_at_once() -> None:
    began = asyncio.Event()

    class Slow(FakeChecking):
        async def check(self, task: Task, check: Any) -> Any:
            began.set()
            await asyncio.Event().wait()

    async with Day(ScriptedLLM("Written."), checking=Slow()) as day:
        await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text="Report", external_id="a", checks=[REPORT]
        )
        await asyncio.wait_for(began.wait(), 20)
        await day.says("/stop 1")
        assert (await day.task(1)).state == "input-required"


async def test_thanks_for_what_is_done_are_answered_and_it_is_not_done_or_told_again() -> None:
    checking = FakeChecking(pages={"https://example.org/": "Hi"})
    async with Day(ScriptedLLM("It's up.", "You're welcome."), checking=checking) as day:
        await assign(day, UrlAnswers(url="https://example.org/"))
        checking.pages.clear()
        await day.says("Thanks!", wish=(await day.task(1)).id)
        assert (await day.task(1)).state == "completed"
        assert len(checking.made) == 1
        told = [text for text in await day.transcript(1) if text.startswith("Done")]
        assert len(told) == 1
        await later(day, 90_000)
        assert (await day.task(1)).used.turns == 2


async def test_a_goal_that_names_a_file_has_its_person_asked_once_whether_that_is_the_check() -> None:
    checking = FakeChecking()
    llm = ScriptedLLM("I wrote a fine list.", "I wrote it into the file.")
    async with Day(llm, checking=checking) as day:
        task = await assign(day, text="Write the list of trains into trains.md")
        assert task.proposed == (FileExists(path="trains.md"),)
        [asked] = [each for each in await day.store.messages_of_task(task.id, limit=9) if each.choices]
        assert "the file trains.md is there" in asked.text
        assert [choice.text for choice in asked.choices] == ["Check it so", "Don't"]

        said = await day.hub.questions.choose(asked, asked.choices[0].id, OWNER)
        assert "when the file trains.md is there" in said
        again = await day.hub.questions.choose(asked, asked.choices[0].id, OWNER)
        assert "decided already" in again
        task = await day.task(1)
        assert (task.checks, task.proposed) == ((FileExists(path="trains.md"),), ())

        await checking.workspaces.write(HOME, task.id, "trains.md", b"Trains.")
        await later(day, 60)
        assert (await day.task(1)).state == "completed"


async def test_a_file_that_the_goal_names_is_missed_also_before_its_person_has_answered() -> None:
    """A judge may well believe an agent that says it wrote it."""
    checking = FakeChecking()
    llm = ScriptedLLM("I wrote it.", "Now it's written indeed.", decisions=[(0.9, 0.05, 0.05)] * 3)
    async with Day(llm, checking=checking) as day:
        task = await assign(day, text="Write the list of trains into trains.md")
        assert isinstance(task.verdict, Again)
        assert task.verdict.why == "the file trains.md isn't there"
        await checking.workspaces.write(HOME, task.id, "trains.md", b"Trains.")
        await later(day, 60)
        task = await day.task(1)
        assert task.state == "completed"
        assert isinstance(task.verdict, Done)
        assert not task.verdict.why.startswith("checked"), "nobody has agreed on it: it's judged"


async def test_a_file_that_only_repeats_what_was_asked_is_not_what_was_to_be_found_out() -> None:
    checking = FakeChecking()
    async with Day(
        ScriptedLLM("Written.", "Written now, it's 1024.", decisions=["none"] * 4), checking=checking
    ) as day:
        task, _ = await day.hub.tasks.assign(
            tenant=HOME,
            person=OWNER,
            address=CHAT,
            text="Work out 2 to the power of 10 and put it into power.txt",
            external_id="power",
            checks=[FileExists(path="power.txt")],
        )
        await checking.workspaces.write(HOME, task.id, "power.txt", b"2 power of 10")
        await day.quiet()
        verdict = (await day.task(1)).verdict
        assert isinstance(verdict, Again)
        assert verdict.why == "the file power.txt only repeats what was asked"
        await checking.workspaces.write(HOME, task.id, "power.txt", b"1024")
        await later(day, 60)
        assert (await day.task(1)).state == "completed"


async def test_a_number_that_was_asked_for_must_be_in_the_file() -> None:
    checking = FakeChecking()
    async with Day(ScriptedLLM("Written.", "Written now.", decisions=["none"] * 4), checking=checking) as day:
        task, _ = await day.hub.tasks.assign(
            tenant=HOME,
            person=OWNER,
            address=CHAT,
            text="Find Ann's phone number and write it into phone.txt",
            external_id="phone",
            checks=[FileExists(path="phone.txt")],
        )
        await checking.workspaces.write(HOME, task.id, "phone.txt", b"Eve")
        await day.quiet()
        verdict = (await day.task(1)).verdict
        assert isinstance(verdict, Again)
        assert verdict.why == "the file phone.txt has no number in it, and phone number was asked for"
        await checking.workspaces.write(HOME, task.id, "phone.txt", b"0170 4711")
        await later(day, 60)
        assert (await day.task(1)).state == "completed"


async def test_who_does_not_want_it_checked_so_has_it_judged_as_before() -> None:
    async with Day(ScriptedLLM("Here's a list: one, two."), checking=FakeChecking()) as day:
        task = await assign(day, text="Write the list into list.txt")
        [asked] = [each for each in await day.store.messages_of_task(task.id, limit=9) if each.choices]
        await day.hub.questions.choose(asked, asked.choices[1].id, OWNER)
        task = await day.task(1)
        assert (task.checks, task.proposed) == ((), ())
