"""Schedules over days: clocks that change, a hub asleep, runs that fail or take long: exactly the runs it should be."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from hub.errors import LLMTimeout
from hub.flow.runs import noted
from hub.records import HOME, OWNER, Blocked, Limits, Schedule, Task, Transition
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeClock, Hang, ScriptedLLM
from tests.stories.day import CHAT, Day

YES, NO = (0.9, 0.05, 0.05), (0.1, 0.85, 0.05)
DAILY = Schedule(cron="0 13 * * *")
FIRST = NOON + timedelta(hours=1)
A_DAY = timedelta(days=1)


def answers(count: int) -> list[str]:
    """Return answers that are unlike each other."""
    letters = [chr(97 + number % 16) * 30 for number in range(count)]
    return [f"{'Tidings' if number % 2 else 'News'} number {number}: {letters[number]}." for number in range(count)]


def busy(count: int, *, decisions: list[Any] | None = None) -> ScriptedLLM:
    return ScriptedLLM(*answers(count), decisions=decisions or [YES] * count)


async def assign(day: Day, schedule: Schedule = DAILY, **wishes: Any) -> Task:
    task, _ = await day.hub.tasks.assign(
        tenant=HOME,
        person=OWNER,
        address=CHAT,
        text="Tell me the news",
        external_id="api:1",
        schedule=schedule,
        **wishes,
    )
    await day.quiet()
    return task


async def until(day: Day, moment: datetime) -> None:
    """Let the clock go on to a moment, with a tick there; where the hub was asleep until then, it has had none."""
    await day.clock.advance((moment - day.clock.now()).total_seconds())
    for _ in range(3):
        await day.hub.scheduler.tick()
        await day.quiet()


async def runs(day: Day, task: Task) -> list[datetime]:
    """Return the times of the runs that have begun, in order."""
    changes = await day.store.transitions(task.id, limit=500)
    return [began.run_at for change in reversed(changes) if (began := noted(change.why))]


async def said(day: Day, task: Task) -> str:
    chat = await day.store.messages_of_chat(HOME, CHAT, limit=200)
    return "\n".join(message.text for message in chat if message.role != "user")


@pytest.mark.parametrize(
    ("missed", "made_up", "told"),
    [
        ("once", [FIRST + 2 * A_DAY], "3 runs were missed; one for all of them comes now"),
        ("all", [FIRST, FIRST + A_DAY, FIRST + 2 * A_DAY], ""),
        ("skip", [], "3 runs were missed; none is made up for, the next is on Wed 2026-11-25 13:00 UTC"),
    ],
)
async def test_a_hub_asleep_for_two_days_makes_up_for_what_the_policy_says(
    missed: Literal["once", "all", "skip"], made_up: list[datetime], told: str
) -> None:
    async with Day(busy(5)) as day:
        task = await assign(day, Schedule(cron="0 13 * * *", missed=missed))
        await until(day, FIRST + 2 * A_DAY + timedelta(hours=5))

        assert await runs(day, task) == made_up
        assert told in await said(day, task)
        assert ("missed" in await said(day, task)) == bool(told)
        after = await day.task(1)
        assert (after.state, after.run_at) == ("submitted", FIRST + 3 * A_DAY)
        await until(day, FIRST + 3 * A_DAY)
        assert await runs(day, task) == [*made_up, FIRST + 3 * A_DAY]


async def test_a_hub_that_was_off_tells_once_for_all_schedules_of_a_chat() -> None:
    schedule = Schedule(cron="0 13 * * *", missed="skip")
    async with Day(busy(4)) as day:
        for text in ("The news", "The weather"):
            await day.hub.tasks.assign(
                tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=text, schedule=schedule
            )
        await until(day, FIRST + 2 * A_DAY + timedelta(hours=5))
        chat = await day.store.messages_of_chat(HOME, CHAT, limit=9)
        told = [message.text for message in chat if "missed" in message.text]
        assert len(told) == 1
        assert "#1 The news: 3 runs were missed" in told[0]
        assert "#2 The weather: 3 runs were missed" in told[0]


async def test_seconds_late_is_not_missed() -> None:
    async with Day(busy(1)) as day:
        task = await assign(day, Schedule(cron="0 13 * * *", missed="skip"))
        await until(day, FIRST + timedelta(seconds=50))
        assert await runs(day, task) == [FIRST]
        assert "missed" not in await said(day, task)


async def test_years_of_missed_minutes_are_a_hundred_runs_at_most_and_told() -> None:
    async with Day(busy(130)) as day:
        task = await assign(day, Schedule(cron="* * * * *", missed="all"))
        await day.clock.advance(timedelta(days=300).total_seconds())
        await day.hub.scheduler.tick()
        await day.quiet()
        assert len(await runs(day, task)) == 100
        assert "more than 100 runs were missed; the last 100 come now, one after another" in await said(day, task)


@pytest.mark.parametrize(
    ("missed", "then"),
    [
        ("once", [NOON + timedelta(minutes=10), NOON + timedelta(minutes=30)]),
        ("all", [NOON + timedelta(minutes=minutes) for minutes in (10, 20, 30)]),
        ("skip", [NOON + timedelta(minutes=10), NOON + timedelta(minutes=40)]),
    ],
)
async def test_what_falls_due_while_the_earlier_run_is_at_work_goes_by_the_policy(
    missed: Literal["once", "all", "skip"], then: list[datetime]
) -> None:
    """The first run takes two turns, the second 25 minutes later than the first."""
    llm = busy(6, decisions=[NO, *[YES] * 5])
    async with Day(llm) as day:
        task = await assign(day, Schedule(every=600, missed=missed))
        await until(day, NOON + timedelta(minutes=10))
        assert (await day.task(1)).state == "working"
        await until(day, NOON + timedelta(minutes=35))
        assert await runs(day, task) == then[: len(then) if missed != "skip" else 1]
        assert ("2 runs were missed" in await said(day, task)) == (missed != "all")
        await until(day, NOON + timedelta(minutes=40))
        assert (await runs(day, task))[: len(then)] == then


async def test_a_schedule_over_a_change_of_the_clocks_comes_each_day_once() -> None:
    """Berlin's clocks skip 02:00 to 03:00 on 29 March 2026: the run of 02:30 is then, at 03:00."""
    clock = FakeClock(datetime(2026, 3, 27, 12, tzinfo=UTC))
    async with Day(busy(6), clock=clock) as day:
        task = await assign(day, Schedule(cron="30 2 * * *", zone="Europe/Berlin"))
        for hours in range(1, 5 * 24):
            await until(day, datetime(2026, 3, 27, 12, tzinfo=UTC) + timedelta(minutes=30 * 2 * hours))
        expected = ["03-28 01:30", "03-29 01:00", "03-30 00:30", "03-31 00:30", "04-01 00:30"]
        assert [f"{run:%m-%d %H:%M}" for run in await runs(day, task)] == expected


async def test_an_hour_that_comes_twice_has_its_run_once() -> None:
    clock = FakeClock(datetime(2026, 10, 24, 12, tzinfo=UTC))
    async with Day(busy(4), clock=clock) as day:
        task = await assign(day, Schedule(cron="30 2 * * *", zone="Europe/Berlin"))
        for hours in range(1, 48):
            await until(day, datetime(2026, 10, 24, 12, tzinfo=UTC) + timedelta(hours=hours))
        assert [f"{run:%m-%d %H:%M}" for run in await runs(day, task)] == ["10-25 00:30", "10-26 01:30"]


async def test_a_run_that_ends_with_a_question_does_not_hold_up_the_next() -> None:
    async with Day(ScriptedLLM("Which news would you like?", "Monday's news.", decisions=[YES])) as day:
        task = await assign(day)
        await until(day, FIRST)
        asked = await day.task(1)
        assert (asked.state, asked.run_at) == ("input-required", FIRST + A_DAY)
        assert "The next run comes all the same, on Mon 2026-11-23 13:00 UTC; /stop 1 ends it." in await said(day, task)

        await until(day, FIRST + A_DAY)
        assert await runs(day, task) == [FIRST, FIRST + A_DAY]
        assert (await day.task(1)).state == "submitted"


async def test_a_run_that_spent_its_limits_is_told_and_the_next_has_its_own() -> None:
    async with Day(
        busy(2),
    ) as day:
        task = await assign(day, limits=Limits(turns=1))
        await until(day, FIRST)
        assert (await day.task(1)).state == "input-required"
        await until(day, FIRST + A_DAY)
        assert await runs(day, task) == [FIRST, FIRST + A_DAY]
        assert (await day.task(1)).used.turns == 1


async def test_a_run_that_only_fails_is_told_and_the_next_comes() -> None:
    async with Day(ScriptedLLM(LLMTimeout(), LLMTimeout(), LLMTimeout(), "Monday's news.", decisions=[YES])) as day:
        task = await assign(day)
        for minutes in (0, 10, 20, 30):
            await until(day, FIRST + timedelta(minutes=minutes))
        failed = await day.task(1)
        assert failed.state == "input-required"
        assert isinstance(failed.verdict, Blocked)
        assert "I couldn't do #1 Tell me the news" in await said(day, task)
        await until(day, FIRST + A_DAY)
        assert (await day.task(1)).state == "submitted"
        assert "Monday's news." in await said(day, task)


async def test_words_between_two_runs_move_none_of_them() -> None:
    async with Day(busy(3)) as day:
        task = await assign(day)
        await day.says("Make it short", wish=task.id)
        after = await day.task(1)
        assert (after.state, after.run_at, after.due_at) == ("submitted", FIRST, FIRST)
        await until(day, FIRST)
        assert await runs(day, task) == [FIRST]
        assert (await day.task(1)).run_at == FIRST + A_DAY


async def test_what_is_stopped_rests_until_it_is_resumed_and_misses_nothing() -> None:
    async with Day(busy(3)) as day:
        task = await assign(day)
        await day.says("/stop 1")
        await until(day, FIRST + 3 * A_DAY)
        assert await runs(day, task) == []
        await day.clock.advance(3600)
        await day.says("/resume 1")
        assert (await day.task(1)).run_at == FIRST + 4 * A_DAY
        assert "missed" not in await said(day, task)


async def test_jitter_is_the_same_each_time_it_is_reckoned_and_within_its_bounds() -> None:
    async with Day(busy(2)) as day:
        task = await assign(day, Schedule(cron="0 13 * * *", jitter=600))
        assert task.run_at == FIRST
        assert task.due_at is not None
        assert timedelta() < task.due_at - FIRST <= timedelta(minutes=10)
        await until(day, task.due_at - timedelta(seconds=1))
        assert await runs(day, task) == []
        await until(day, task.due_at)
        assert await runs(day, task) == [FIRST]


async def test_a_schedule_that_has_an_end_is_complete_after_its_last_run() -> None:
    async with Day(busy(3)) as day:
        task = await assign(day, Schedule(cron="0 13 * * *", until=FIRST + A_DAY))
        await until(day, FIRST)
        assert (await day.task(1)).state == "submitted"
        await until(day, FIRST + A_DAY)
        assert (await day.task(1)).state == "completed"
        assert await runs(day, task) == [FIRST, FIRST + A_DAY]


async def test_a_run_that_a_crash_cut_off_goes_on_and_is_not_missed() -> None:
    store, clock = MemoryStore(), FakeClock()
    async with Day(ScriptedLLM(Hang()), store=store, clock=clock) as day:
        task = await assign(day, Schedule(cron="0 13 * * *", missed="skip"))
        await clock.advance((FIRST - clock.now()).total_seconds())
        await day.hub.scheduler.tick()
        await day.working()
    await clock.advance(600)
    async with Day(busy(1), store=store, clock=clock) as day:
        await until(day, clock.now())
        assert await runs(day, task) == [FIRST]
        after = await day.task(1)
        assert (after.state, after.run_at) == ("submitted", FIRST + A_DAY)
        assert "missed" not in await said(day, task)


async def test_a_run_is_noted_with_the_schedule_as_its_cause() -> None:
    async with Day(busy(1)) as day:
        task = await assign(day)
        await until(day, FIRST)
        changes: list[Transition] = list(await day.store.transitions(task.id, limit=9))
        began = next(change for change in changes if noted(change.why))
        assert (began.by, began.after) == ("schedule", "working")
