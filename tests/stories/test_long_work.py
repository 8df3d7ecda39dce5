"""Assignments: worked on turn after turn, judged, budgeted, scheduled."""

from datetime import timedelta
from typing import Any

import pytest

from hub.errors import BadRequest, LLMTimeout
from hub.records import HOME, OWNER, Again, Ask, Done, Limits, Schedule, Task
from hub.testing import NOON, ScriptedLLM
from tests.stories.day import CHAT, Day

YES = (0.9, 0.05, 0.05)
NO = (0.1, 0.85, 0.05)
PERSON = (0.1, 0.2, 0.7)


async def assign(day: Day, text: str = "Write a poem about rain", **wishes: Any) -> Task:
    task, _ = await day.hub.tasks.assign(
        tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=f"api:{text}", **wishes
    )
    await day.quiet()
    return await day.task(task.number)


async def later(day: Day, seconds: float) -> None:
    await day.clock.advance(seconds)
    await day.hub.scheduler.tick()
    await day.quiet()


async def test_an_assignment_gets_turns_until_the_supervisor_finds_it_complete() -> None:
    llm = ScriptedLLM("Drip.", "Drip drop, the rain.", decisions=[NO, YES])
    async with Day(llm) as day:
        task = await assign(day)
        assert task.state == "working"
        assert isinstance(task.verdict, Again)
        assert task.due_at is not None

        await later(day, 60)
        task = await day.task(1)
        assert task.state == "completed"
        assert isinstance(task.verdict, Done)
        assert "not finished yet" in llm.prompts[1], "the verdict's reason is told to the next turn"
        assert task.used.turns == 2


async def test_the_same_answer_twice_is_a_loop_and_asks_the_person() -> None:
    async with Day(ScriptedLLM("Drip drip drip.", "Drip drip drip.", decisions=[NO])) as day:
        await assign(day)
        await later(day, 60)

        task = await day.task(1)
        assert task.state == "input-required"
        assert isinstance(task.verdict, Ask)
        assert "circles" in task.verdict.question


async def test_a_used_up_budget_ends_in_a_question_and_one_tap_grants_more() -> None:
    async with Day(ScriptedLLM("One.", "Two quite different words.", decisions=[YES])) as day:
        task = await assign(day, limits=Limits(turns=1))
        assert task.state == "input-required"
        question = (await day.store.messages_of_task(task.id, limit=10))[-1]
        assert "1 turn for" in question.text
        assert [choice.text for choice in question.choices] == ["Go on", "Leave it at that"]

        await day.hub.questions.choose(question, question.choices[0].id, OWNER)
        await day.quiet()
        assert (await day.task(1)).state == "completed"


async def test_a_judge_that_fails_never_means_continue_for_ever() -> None:
    llm = ScriptedLLM(*[f"Attempt number {n} with {'x' * n * 7}" for n in range(9)], decisions=[LLMTimeout()] * 9)
    async with Day(llm) as day:
        await assign(day, limits=Limits(turns=3))
        for _ in range(5):
            await later(day, 700)

        task = await day.task(1)
        assert task.state == "input-required"
        assert task.used.turns == 3


async def test_an_assignment_for_later_waits_for_its_time() -> None:
    async with Day(ScriptedLLM("Good morning.", decisions=[YES])) as day:
        task = await assign(day, due_at=NOON + timedelta(hours=1))
        assert task.state == "submitted"
        await later(day, 1800)
        assert (await day.task(1)).state == "submitted"
        await later(day, 1801)
        assert (await day.task(1)).state == "completed"
        assert {message.state for message in await day.store.messages_of_task(task.id, limit=9)} == {"answered", "sent"}


async def test_a_schedule_comes_again_after_it_is_done() -> None:
    async with Day(ScriptedLLM("Monday.", "Tuesday is another day.", decisions=[YES, YES])) as day:
        said = await day.says("/schedule daily 13:00 sing to me")
        assert "next Sun 2026-11-22 13:00 UTC" in (await day.replies(said))[0]
        await later(day, 3601)
        task = await day.task(1)
        assert task.state == "submitted"
        assert task.due_at == NOON + timedelta(days=1, hours=1)
        await later(day, 86_400)
        again = await day.task(1)
        assert len(await day.store.turns(again.id)) == 2
        assert again.used.turns == 1, "each time has the limits for itself"


async def test_assigning_twice_with_one_id_is_one_task() -> None:
    async with Day(ScriptedLLM("Drip.", decisions=[YES])) as day:
        first = await assign(day)
        again = await assign(day)
        assert first.id == again.id
        with pytest.raises(BadRequest, match="no agent"):
            await assign(day, "x", agent="nobody")
        with pytest.raises(BadRequest, match="crontab"):
            await assign(day, "x", schedule=Schedule(cron="whenever"))


async def test_a_promise_is_not_the_end_of_an_assignment_and_the_agent_is_told() -> None:
    llm = ScriptedLLM("I'll book it and let you know.", "What time should it be?", decisions=[YES])
    async with Day(llm) as day:
        task = await assign(day, "Please book a table for two")
        assert isinstance(task.verdict, Again)
        assert await day.store.messages_of_task(task.id, limit=1) != ()

        await later(day, 60)
        assert "it was promised, but nothing was done yet" in llm.prompts[1]
        assert (await day.task(1)).state == "input-required"
