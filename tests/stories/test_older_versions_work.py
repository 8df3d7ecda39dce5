"""What waited in a hub of an older version goes on in this one: a question, leave, a program, a plan, a schedule.

`tests/data/hub-0005.sql` is a day's database as the version with schema 0005 wrote it, at noon, then stopped.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hub.manifests import Agent
from hub.packages.scripts import Scripts
from hub.ports import Tool
from hub.records import HOME, OWNER, Again, Ask
from hub.store.sql import SqlStore
from hub.testing import NOON, AskingTool, FakeClock, ScriptedLLM
from tests.stories.day import Day
from tests.unit.packages.outfit import a_program, supplies, tool_of

OLD = Path(__file__).parent.parent / "data" / "hub-0005.sql"
AGENT = Agent(name="default", version="1.0.0", description="-", prompt="Help.", tools=("probe", "send"))
PROGRAM = 'kind = await ask("Which tea would you like?")\nreturn f"A cup of {kind}, coming up"'
YES = (0.9, 0.05, 0.05)


@pytest.fixture
async def scripts() -> AsyncIterator[Scripts]:
    made = Scripts()
    yield made
    await made.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """The old hub's store, upgraded when it's opened."""
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    store = SqlStore.in_folder(tmp_path)
    yield store
    await store.close()


def a_day(llm: ScriptedLLM, store: SqlStore, *tools: Tool) -> Day:
    return Day(llm, store=store, clock=FakeClock(NOON), agents={"default": AGENT}, tools=tools)


async def later(day: Day, seconds: float) -> None:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()


async def test_leave_that_an_older_version_asked_for_is_given_and_used(store: SqlStore) -> None:
    send = AskingTool("send")
    async with a_day(ScriptedLLM("Sent."), store, send) as day:
        [pause] = await day.hub.leave.asked(HOME, OWNER)
        await day.hub.leave.decide(HOME, pause.id, OWNER, approve=True)
        await day.quiet()

        assert [call.arguments for call in send.calls] == [{"to": "bob", "text": "Hello Bob"}]
        assert (await day.task(2)).state == "completed"


async def test_a_program_that_asked_in_an_older_version_goes_on_with_the_answer(
    store: SqlStore, scripts: Scripts, tmp_path: Path
) -> None:
    probe = tool_of(a_program(tmp_path, 'messages = ["ask:task"]', PROGRAM, "once"), scripts, supplies())
    llm = ScriptedLLM("Your tea is on its way.")
    async with a_day(llm, store, probe) as day:
        said = await day.says("Earl Grey", wish=(await day.task(1)).id)

        assert "Your tea is on its way." in (await day.replies(said))[0]
    assert "A cup of Earl Grey, coming up" in llm.prompts[0]


async def test_a_question_a_wait_a_plan_and_a_schedule_of_an_older_version_come_due(store: SqlStore) -> None:
    llm = ScriptedLLM(*(f"Done, number {number}." for number in range(6)), decisions=[YES])
    async with a_day(llm, store) as day:
        question, goes_on, daily, once = [await day.task(number) for number in (3, 4, 5, 6)]
        assert isinstance(question.verdict, Ask)
        assert question.verdict.question == "Spring rain or autumn rain?"
        assert isinstance(goes_on.verdict, Again)
        assert daily.schedule is not None
        assert once.due_at == NOON + timedelta(minutes=30)

        await later(day, 120)
        assert len(await day.store.turns(goes_on.id)) == 2
        await later(day, 240)
        assert len(await day.store.turns(daily.id)) == 1
        assert (await day.task(5)).due_at == daily.due_at + timedelta(days=1) if daily.due_at else False
        assert await day.store.turns(once.id) == ()
        await later(day, 1500)
        assert len(await day.store.turns(once.id)) == 1
        assert (await day.task(3)).state == "input-required"
