"""Assignments that wait: looked at by the hub without a turn, and gone on with when it has come."""

from typing import Any

from hub.flow.aiming import FlowAims
from hub.manifests import Agent
from hub.ports import Tool
from hub.records import HOME, OWNER, Again, CommandExits, ForUrl, Task, Wait
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeChecking, FakeClock, ScriptedLLM
from hub.times.zones import Zones
from hub.tools.aims import ProposeChecks, WaitFor
from tests.stories.day import CHAT, Day

PAGE = "https://example.org/news"
AGENT = Agent(
    name="default", version="1.0.0", description="Helps.", prompt="Help.", tools=("wait_for", "propose_checks")
)
YES, NO = (0.9, 0.05, 0.05), (0.1, 0.85, 0.05)


def a_day(llm: ScriptedLLM, checking: FakeChecking, **more: Any) -> Day:
    aims, clock = FlowAims(), more.pop("clock", None) or FakeClock()
    tools: list[Tool] = [WaitFor(clock, Zones(MemoryDocuments(), "UTC"), aims), ProposeChecks(aims)]
    return Day(llm, checking=checking, aims=aims, clock=clock, tools=tools, agents={"default": AGENT}, **more)


async def assign(day: Day, text: str) -> Task:
    await day.hub.tasks.assign(tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=f"api:{text}")
    await day.quiet()
    return await day.task(1)


async def later(day: Day, seconds: float) -> None:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()


async def test_a_page_is_watched_without_a_turn_and_its_change_is_told_to_the_next_one() -> None:
    checking = FakeChecking(pages={PAGE: "old"})
    llm = ScriptedLLM("The news has changed.", decisions=["wait_for", "none", YES], fills=[{"url": PAGE}])
    async with a_day(llm, checking) as day:
        task = await assign(day, f"Tell me when {PAGE} changes")
        assert task.state == "working"
        assert isinstance(task.verdict, Wait)
        assert task.verdict.on == ForUrl(url=PAGE, seen="sha of old")
        assert "I wait for a change of https://example.org/news" in (await day.transcript(1))[-1]
        assert llm.prompts == [], "no model had to say that"

        for _ in range(20):
            await later(day, 600)
        looked = len(checking.looked)
        assert 5 <= looked <= 25
        assert (await day.task(1)).used.turns == 1, "looking costs no turn"

        checking.pages[PAGE] = "new"
        await later(day, 900)
        assert "This has come: a change of https://example.org/news." in llm.prompts[0]
        task = await day.task(1)
        assert task.state == "completed"
        assert (await day.transcript(1))[-1] == "The news has changed."


async def test_what_never_comes_ends_at_its_time_and_the_agent_is_told_so() -> None:
    checking = FakeChecking()
    llm = ScriptedLLM(
        "Nothing came.", decisions=["wait_for", "none", YES], fills=[{"file": "data.csv", "until": "13:00"}]
    )
    async with a_day(llm, checking) as day:
        await assign(day, "Wait until data.csv is there and tell me")
        for _ in range(9):
            await later(day, 420)
        assert "It's Sun 2026-11-22 13:00 UTC now, and nothing came of a change of the file data.csv." in llm.prompts[0]


async def test_a_time_is_waited_for_and_a_restart_changes_nothing_about_it() -> None:
    store, clock, checking = MemoryStore(), FakeClock(), FakeChecking()
    llm = ScriptedLLM("Good morning!", decisions=["wait_for", "none", YES], fills=[{"until": "tomorrow at 9:00"}])
    async with a_day(llm, checking, store=store, clock=clock) as day:
        task = await assign(day, "Wait until tomorrow at 9, then wish me a good morning")
        assert task.due_at == NOON.replace(day=23, hour=9)
        await later(day, 3600)
        assert llm.prompts == []
    async with a_day(llm, checking, store=store, clock=clock) as day:
        await later(day, 20 * 3600 + 1)
        assert "It's Mon 2026-11-23 09:00 UTC now." in llm.prompts[0]
        assert (await day.task(1)).state == "completed"


async def test_who_asks_how_it_stands_is_answered_and_it_waits_on() -> None:
    checking = FakeChecking(pages={PAGE: "old"})
    llm = ScriptedLLM("Nothing new so far.", decisions=["wait_for", NO], fills=[{"url": PAGE}])
    async with a_day(llm, checking) as day:
        task = await assign(day, f"Tell me when {PAGE} changes")
        said = await day.says("Anything yet?", wish=task.id)
        assert await day.replies(said) == ["Nothing new so far."]
        again = await day.task(1)
        assert again.verdict == task.verdict
        assert again.state == "working"


async def test_an_agent_proposes_checks_and_they_count_once_the_person_agrees() -> None:
    checking = FakeChecking(programs={"python3": 1})
    llm = ScriptedLLM(
        "I wrote fib.py.",
        "Now it's mended.",
        decisions=["propose_checks", NO],
        fills=[{"command": "python3 -m unittest test_fib"}],
    )
    async with a_day(llm, checking) as day:
        task = await assign(day, "Write a program that computes Fibonacci numbers, with tests")
        assert isinstance(task.verdict, Again)
        [asked] = [each for each in await day.store.messages_of_task(task.id, limit=9) if each.choices]
        assert '["python3","-m","unittest","test_fib"] exits with 0' in asked.text
        assert checking.made == [], "nothing is run before the person agrees"

        await day.says("Check it so")
        assert (await day.task(1)).checks == (CommandExits(command=("python3", "-m", "unittest", "test_fib")),)
        checking.programs["python3"] = 0
        await later(day, 60)
        assert (await day.task(1)).state == "completed"
        assert not [asked for asked in llm.asked if "propose_checks" in asked.options][1:], "it isn't offered again"
