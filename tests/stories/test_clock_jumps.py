"""Somebody sets the clock, or a machine without a battery finds the time: what waits goes on, once, and in order."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import DeliveryDelayed
from hub.flow.scheduler import Steady
from hub.ports import Add
from hub.records import HOME, OWNER, Address, Again, EntryId, MessageId, Schedule, Task, ids
from hub.store.documents import MemoryDocuments
from hub.store.sql import SqlStore
from hub.testing import (
    NOON,
    FakeBridge,
    FakeClock,
    ScriptedLLM,
    a_message,
    a_pause,
    a_task,
    a_turn,
    an_entry,
    hello,
)
from tests.stories.day import CHAT, Day, at_work

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTES = timedelta(minutes=10)
NO = (0.1, 0.85, 0.05)
YES = (0.9, 0.05, 0.05)


async def later(day: Day, seconds: float) -> None:
    """Let time pass as the hub does: a look at the clock each second, and a tick."""
    for _ in range(int(seconds)):
        await day.clock.advance(1)
        await day.hub.clockwatch.look()
        await day.hub.scheduler.tick()
        await day.quiet()


async def assign(day: Day, text: str) -> Task:
    task, _ = await day.hub.tasks.assign(tenant=HOME, person=OWNER, address=CHAT, text=text, external_id=text)
    await day.quiet()
    return await day.task(task.number)


@pytest.mark.parametrize("back", [HOUR, DAY, NOON - datetime(1970, 1, 1, tzinfo=UTC)], ids=["hour", "day", "1970"])
async def test_a_task_thats_to_go_on_soon_does_though_the_clock_is_set_back(back: timedelta) -> None:
    async with Day(ScriptedLLM("Drip.", "Drip drop, the rain.", decisions=[NO, YES])) as day:
        task = await assign(day, "Write a poem about rain")
        assert isinstance(task.verdict, Again)
        await later(day, 1)
        day.clock.put(day.clock.now() - back)
        await later(day, 60)

        assert (await day.task(1)).state == "completed"


async def test_what_a_person_named_a_time_for_stays_at_that_time() -> None:
    at = NOON + timedelta(minutes=30)
    async with Day(ScriptedLLM("Tea!", decisions=[YES])) as day:
        task, _ = await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text="Remind me", external_id="1", due_at=at
        )
        await later(day, 1)
        day.clock.put(NOON - HOUR)
        await later(day, 5)
        assert (await day.task(task.number)).due_at == at
        day.clock.put(at + timedelta(seconds=1))
        await later(day, 5)
        assert (await day.task(task.number)).state == "completed"


async def test_a_daily_run_isnt_done_again_when_its_time_comes_twice() -> None:
    async with Day(ScriptedLLM(*(f"News {number}" for number in range(5)), decisions=[YES])) as day:
        task, _ = await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text="News", external_id="1", schedule=Schedule(cron="5 12 * * *")
        )
        await later(day, 310)
        assert len(await day.store.turns(task.id)) == 1
        day.clock.put(NOON + timedelta(minutes=4))
        await later(day, 120)
        assert len(await day.store.turns(task.id)) == 1
        day.clock.put(NOON + DAY + timedelta(minutes=4))
        await later(day, 120)
        assert len(await day.store.turns(task.id)) == 2


async def test_a_delivery_thats_to_be_tried_again_soon_is() -> None:
    bridge = FakeBridge("able", faults=[DeliveryDelayed("busy", 5.0)])
    async with Day(ScriptedLLM("Hello Ann."), bridges={"able": bridge}) as day, at_work(day, bridge):
        await bridge.say(hello("Hello", address=Address(bridge="able", chat="ann")))
        await day.quiet()
        assert not bridge.deliveries
        await later(day, 1)
        day.clock.put(day.clock.now() - DAY)
        await later(day, 10)

        assert [delivery.outgoing.message.text for delivery in bridge.deliveries] == ["Hello Ann."]


async def test_leave_isnt_open_for_longer_because_the_clock_was_set_back() -> None:
    async with Day(ScriptedLLM()) as day:
        task = a_task(state="input-required", due_at=NOON + MINUTES)
        turn = a_turn(task)
        asked = a_pause(turn, expires_at=NOON + MINUTES)
        await day.store.commit(Add(task), Add(turn), Add(asked))
        await later(day, 60)
        day.clock.put(day.clock.now() - HOUR)
        await later(day, 1)

        pause, rests = await day.store.pause(asked.id), await day.store.task(task.id)
        assert pause is not None
        assert rests is not None
        assert pause.expires_at == rests.due_at == NOON + MINUTES - HOUR


async def test_what_began_after_the_clock_was_set_back_keeps_its_time() -> None:
    async with Day(ScriptedLLM()) as day:
        task = a_task()
        turn = a_turn(task)
        await day.store.commit(Add(task), Add(turn))
        day.clock.put(NOON - HOUR)
        fresh = a_pause(turn, created_at=day.clock.now(), expires_at=day.clock.now() + MINUTES)
        await day.store.commit(Add(fresh))
        await later(day, 1)

        pause = await day.store.pause(fresh.id)
        assert pause is not None
        assert pause.expires_at == fresh.expires_at


async def test_a_hub_thats_started_with_a_slower_clock_goes_on_like_one_that_ran() -> None:
    documents, clock = MemoryDocuments(), FakeClock()
    llm = ScriptedLLM("Drip.", "Drip drop, the rain.", decisions=[NO, YES])
    async with Day(llm, documents=documents, clock=clock) as day:
        await assign(day, "Write a poem about rain")
        await later(day, 20)
        store = day.store
    clock.put(clock.now() - DAY)
    async with Day(llm, documents=documents, clock=clock, store=store) as day:
        await day.hub.clockwatch.begin()
        await later(day, 60)

        assert (await day.task(1)).state == "completed"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01"])
async def test_a_note_of_the_time_thats_garbled_is_no_reason_not_to_run(text: str) -> None:
    documents = MemoryDocuments()
    await documents.put("hub", "clock", {"now": text})
    async with Day(ScriptedLLM(), documents=documents) as day:
        await day.hub.clockwatch.begin()


async def test_messages_stay_in_order_for_a_hub_thats_started_with_a_slower_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids tell the order of a lane; those of a run that saw a later time must not come after the next run's."""
    ahead = f"{int((datetime.now(UTC) + DAY).timestamp() * 1000) << 64:028x}"
    waits = a_message(id=MessageId(ahead))
    first = an_entry(waits, id=EntryId(ahead))
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    await store.commit(Add(waits), Add(first))
    await store.close()
    monkeypatch.setattr(ids, "_ids", ids._Ids())

    await store.open()
    message = a_message()
    second = an_entry(message)
    await store.commit(Add(message), Add(second))
    waiting = await store.entries(first.lane, NOON, 5)
    await store.close()
    assert [entry.id for entry in waiting] == [first.id, second.id]


@pytest.mark.parametrize("years", [-56, 56])
def test_a_tick_is_a_second_away_whatever_the_clock_said_before(years: int) -> None:
    """Set forward from 1970, APScheduler's own interval counts two thousand million ticks before it goes on."""
    then = NOON.replace(year=NOON.year - years)
    assert Steady(timedelta(seconds=1)).get_next_fire_time(then, NOON) == NOON + timedelta(seconds=1)


async def test_ticks_go_on_when_the_clock_is_set_back() -> None:
    """APScheduler sleeps until the time by the clock that it reckoned with; it's told to reckon anew."""
    ticked = asyncio.Event()
    async with Day(ScriptedLLM()) as day:
        scheduler = day.hub.scheduler
        await scheduler.start()
        assert scheduler._jobs is not None
        try:
            [tick, *_] = scheduler._jobs.get_jobs()
            tick.modify(next_run_time=datetime.now(UTC) + HOUR, func=ticked.set)
            day.clock.put(NOON - HOUR)
            await day.hub.clockwatch.look()
            async with asyncio.timeout(20):
                await ticked.wait()
        finally:
            scheduler.stop()
