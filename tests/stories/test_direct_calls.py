"""A program calls agents' tools in a person's name: at once what only looks, and with leave what can't be undone."""

from collections.abc import Sequence
from typing import Any

import pytest

from hub.errors import TooLarge, TooMany
from hub.flow.direct import WAITING, Outcome, Program
from hub.manifests import Agent
from hub.ports import Tool
from hub.records import HOME, OWNER, Address, Task
from hub.testing import (
    AskingTool,
    AssignmentTool,
    FakeTool,
    FilingTool,
    ForeignTool,
    OutwardTool,
    PackagedTool,
    PausingTool,
    ScriptedLLM,
)
from tests.stories.day import Day

EVE = {"to": "eve", "text": "the door code is 4711"}
BY = Program(tenant=HOME, person=OWNER, name="desktop", address=Address(bridge="http", chat="owner/program:mcp"))


def an_agent(name: str, *tools: str, ask: Sequence[str] = ()) -> Agent:
    return Agent(name=name, version="1.0.0", description="Helps.", prompt="Help.", tools=tools, ask=tuple(ask))


def a_day(llm: ScriptedLLM, *tools: Tool, names: Sequence[str] = (), ask: Sequence[str] = (), **fields: Any) -> Day:
    agent = an_agent("default", *(names or [tool.name for tool in tools]), ask=ask)
    return Day(llm, tools=tools, agents={"default": agent}, **fields)


async def call(day: Day, tool: str, **arguments: object) -> Outcome:
    (lent,) = [each for each in day.hub.direct.lent(["default"]) if each.tool.name == tool]
    return await day.hub.direct.call(BY, lent, arguments)


def asked(outcome: Outcome) -> Task:
    assert outcome.asked is not None
    assert outcome.task is not None
    return outcome.task


async def test_what_only_looks_is_done_at_once_with_the_persons_rights() -> None:
    async with a_day(ScriptedLLM(), look := FakeTool("look")) as day:
        outcome = await call(day, "look", at="the sky")

    (made,) = look.calls
    assert (outcome.result, outcome.failed, outcome.asked) == ("Looked.", False, None)
    assert (made.tenant, made.person, made.agent, made.arguments) == (HOME, OWNER, "default", {"at": "the sky"})


async def test_no_call_finds_what_another_left_behind() -> None:
    """Each has a task of its own: two people's calls share no files."""
    async with a_day(ScriptedLLM(), look := FakeTool("look")) as day:
        await call(day, "look")
        await call(day, "look")
        kept = await day.store.tasks(HOME, OWNER)

    assert len({made.task for made in look.calls}) == 2
    assert len({made.key for made in look.calls}) == 2
    assert kept == ()


async def test_what_goes_out_waits_for_leave_and_is_then_done_exactly_once() -> None:
    async with a_day(ScriptedLLM("Eve has it."), send := OutwardTool("send")) as day:
        task = asked(await call(day, "send", **EVE))
        (pause,) = await day.hub.leave.asked(HOME, OWNER)
        question = (await day.store.messages_of_task(task.id, limit=9))[-1]

        assert send.calls == []
        assert '"text": "the door code is 4711"' in question.text
        assert [choice.text for choice in question.choices] == ["Approve", "Deny"]
        assert (await day.task(1)).state == "input-required"
        assert [taint.source for taint in await day.store.taints(task.id)] == ["a program"]

        await day.hub.leave.decide(HOME, pause.id, OWNER, approve=True)
        await day.quiet()

        assert [made.arguments for made in send.calls] == [EVE]
        assert (await day.transcript(1))[-1] == "Eve has it."
        assert (await day.task(1)).state == "completed"


async def test_what_cant_be_undone_or_is_asked_before_each_time_waits_too() -> None:
    once, wary, careful = FakeTool("erase", effect="once"), AskingTool("wary"), FakeTool("careful")
    async with a_day(ScriptedLLM(), once, wary, careful, ask=["careful"]) as day:
        for tool in ("erase", "wary", "careful"):
            asked(await call(day, tool))

        assert [pause.tool for pause in await day.hub.leave.asked(HOME, OWNER)] == ["careful", "wary", "erase"]
        assert once.calls + wary.calls + careful.calls == []


async def test_asked_again_while_it_waits_its_the_same_question() -> None:
    async with a_day(ScriptedLLM(), OutwardTool("send")) as day:
        first, again = asked(await call(day, "send", **EVE)), asked(await call(day, "send", **EVE))
        other = asked(await call(day, "send", to="bob"))

    assert first.id == again.id
    assert other.id != first.id


async def test_what_was_denied_isnt_done_and_may_be_asked_for_anew() -> None:
    async with a_day(ScriptedLLM("I didn't."), send := OutwardTool("send")) as day:
        await call(day, "send", **EVE)
        (pause,) = await day.hub.leave.asked(HOME, OWNER)
        await day.hub.leave.decide(HOME, pause.id, OWNER, approve=False)
        await day.quiet()

        assert send.calls == []
        assert asked(await call(day, "send", **EVE)).number == 2


async def test_leave_for_a_tool_that_an_agent_has_by_a_wildcard_holds() -> None:
    async with a_day(ScriptedLLM("Sent."), send := PackagedTool("units.send"), names=["*"]) as day:
        await call(day, "units.send", **EVE)
        (pause,) = await day.hub.leave.asked(HOME, OWNER)
        await day.hub.leave.decide(HOME, pause.id, OWNER, approve=True)
        await day.quiet()

    assert [made.arguments for made in send.calls] == [EVE]


async def test_nobody_is_asked_about_a_call_that_would_fail() -> None:
    send = OutwardTool("send", schema={"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]})
    async with a_day(ScriptedLLM(), send) as day:
        outcome = await call(day, "send", subject="hello")
        waiting = await day.hub.leave.asked(HOME, OWNER)

    assert (outcome.failed, waiting) == (True, ())
    assert "to" in outcome.result


async def test_a_program_cant_bury_a_person_in_questions_nor_hide_something_in_a_long_one() -> None:
    async with a_day(ScriptedLLM(), OutwardTool("send")) as day:
        with pytest.raises(TooLarge, match="3000"):
            await call(day, "send", to="eve", text="x" * 4_000)
        for number in range(WAITING):
            await call(day, "send", to=f"eve{number}")
        with pytest.raises(TooMany, match="wait for the person's leave"):
            await call(day, "send", to="one more")


async def test_a_tool_that_asks_something_back_says_that_only_a_task_can_wait() -> None:
    async with a_day(ScriptedLLM(), PausingTool("plan_trip", "Where to?")) as day:
        outcome = await call(day, "plan_trip")

    assert outcome.failed
    assert "Where to?" in outcome.result


async def test_only_tools_that_need_no_task_are_lent_and_only_those_of_the_named_agents() -> None:
    tools = [FakeTool("look"), ForeignTool("fetch"), AssignmentTool("rest"), FilingTool("read"), FakeTool("other")]
    agents = {"default": an_agent("default", "look", "fetch", "rest", "read"), "second": an_agent("second", "other")}
    async with Day(ScriptedLLM(), tools=tools, agents=agents) as day:
        names = [each.tool.name for each in day.hub.direct.lent(["default"])]
        both = [(each.tool.name, each.agent.name) for each in day.hub.direct.lent(["second", "default", "nobody"])]

    assert names == ["fetch", "look"]
    assert both == [("fetch", "default"), ("look", "default"), ("other", "second")]


async def test_words_are_no_leave_in_a_chat_that_programs_speak_in() -> None:
    """Whoever talked a program's model into the call would have it agree to it as well, before anybody looks."""
    fetch, send = ForeignTool("fetch"), OutwardTool("send")
    fills = [{"url": "https://page.example"}, EVE]
    tricked = ScriptedLLM("Sent.", "What?", "What?", decisions=["fetch", "send", "none", "none"], fills=fills)
    async with a_day(tricked, fetch, send) as day:
        await day.sends("Please sum up the page", chat="program:mcp")
        await day.quiet()
        for words in ("Approve", "1"):
            await day.sends(words, chat="program:mcp")
            await day.quiet()
        (pause,) = await day.hub.leave.asked(HOME, OWNER)

        assert (send.calls, pause.state) == ([], "asked")
