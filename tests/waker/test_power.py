"""One task owns a hub's power: started once, stopped at its own word, and never believed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.waker.telling import FAILURES
from tests.waker.sleeper import Sleeper


@asynccontextmanager
async def at_work(folder: Path, *, met: bool = True, **config: object) -> AsyncIterator[Sleeper]:
    sleeper = Sleeper(folder, **config)
    if met:
        await sleeper.met()
    try:
        async with owned(sleeper):
            await sleeper.quiet()
            yield sleeper
    finally:
        await sleeper.spool.close()


@asynccontextmanager
async def owned(sleeper: Sleeper) -> AsyncIterator[None]:
    """Have the sleeper's power run; another may have run before it, as one of a waker that died."""
    owner = asyncio.create_task(sleeper.power.run())
    try:
        yield
    finally:
        owner.cancel()
        await asyncio.gather(owner, return_exceptions=True)


async def woken(sleeper: Sleeper) -> None:
    sleeper.power.wake()
    await sleeper.passes(3)
    assert sleeper.state == "ready"


async def test_however_many_want_it_a_hub_is_started_once(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        wanting = [asyncio.create_task(sleeper.power.up(60)) for _ in range(1_000)]
        await sleeper.passes(5)
        assert all(await asyncio.gather(*wanting))
        assert sleeper.machine.starts == 1


async def test_nobody_wakes_it_unasked(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await sleeper.passes(600, step=5)
        assert (sleeper.state, sleeper.machine.starts) == ("stopped", 0)


async def test_a_hub_that_was_never_met_is_started_to_be_met(tmp_path: Path) -> None:
    async with at_work(tmp_path, met=False) as sleeper:
        await sleeper.passes(5)
        assert sleeper.state == "ready"
        assert await sleeper.spool.knows("hub", "key", ["hash"])


async def test_it_is_stopped_once_it_says_that_it_idles(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.word.idle = 299
        await sleeper.passes(20)
        assert sleeper.state == "ready"
        sleeper.word.idle = 301
        await sleeper.passes(20)
        assert (sleeper.state, sleeper.machine.state, sleeper.word.drains) == ("stopped", "stopped", 1)


async def test_a_busy_hub_without_any_traffic_is_never_stopped(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.word.idle, sleeper.word.busy = 1200, ("a turn of task 1",)
        await sleeper.passes(1200, step=5)
        assert (sleeper.state, sleeper.machine.stops) == ("ready", 0)
        sleeper.word.busy = ()
        await sleeper.passes(20)
        assert sleeper.state == "stopped", "it's stopped once it has nothing to do any more"


async def test_a_hub_with_a_request_inside_is_not_stopped(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.word.idle = 1000
        with sleeper.power.held():
            await sleeper.passes(30)
            assert sleeper.state == "ready"
        await sleeper.passes(30)
        assert sleeper.state == "stopped"


@pytest.mark.parametrize("boots", [1.0, 25.0, 80.0])
async def test_it_is_up_in_time_for_what_is_due_however_long_it_takes_to_start(tmp_path: Path, boots: float) -> None:
    async with at_work(tmp_path) as sleeper:
        sleeper.machine.boots = boots
        sleeper.power.wake()
        await sleeper.passes(boots + 3)
        due = sleeper.clock.now().timestamp() + 3600
        sleeper.word.idle, sleeper.word.next_due = 1000, due
        await sleeper.passes(20)
        assert sleeper.state == "stopped"
        await sleeper.passes(3600 - 20 - boots - 60, step=30)
        assert sleeper.state == "stopped", "it sleeps as long as it can"
        await sleeper.passes(boots + 55, step=2)
        assert sleeper.state == "ready"
        assert sleeper.clock.now().timestamp() < due
        await sleeper.passes(10, step=1)
        assert sleeper.machine.starts == 2, "not stopped again with its time still to come"


async def test_the_next_waker_knows_what_is_due_and_how_long_the_hub_takes(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        sleeper.machine.boots = 80
        sleeper.power.wake()
        await sleeper.passes(83)
        due = sleeper.clock.now().timestamp() + 3600
        sleeper.word.idle, sleeper.word.next_due = 1000, due
        await sleeper.passes(20)
    sleeper.power = sleeper.new_power()
    sleeper.spool.open()
    async with owned(sleeper):
        await sleeper.passes(due - sleeper.clock.now().timestamp() - 150, step=20)
        await sleeper.passes(145, step=1)
        assert (sleeper.state, sleeper.machine.starts) == ("ready", 2)
    await sleeper.spool.close()


async def test_what_wakes_it_while_it_stops_starts_it_again(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.machine.lies = True
        sleeper.word.idle = 1000
        await sleeper.passes(20)
        assert sleeper.state == "stopping"
        sleeper.power.wake()
        sleeper.machine.lies, sleeper.word.idle = False, 0
        await sleeper.passes(10)
        assert (sleeper.state, sleeper.machine.starts) == ("ready", 2)


@pytest.mark.parametrize("when", ["draining", "stopping"])
async def test_a_message_in_the_race_with_a_stop_starts_it_once_more_and_only_once(tmp_path: Path, when: str) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.word.ponders, sleeper.machine.lies = when == "draining", True
        sleeper.word.idle = 1000
        await sleeper.passes(10)
        assert sleeper.state == when
        await sleeper.hears("1")
        waiting = [asyncio.create_task(sleeper.power.up(60)) for _ in range(50)]
        await sleeper.passes(3)
        sleeper.word.ponders, sleeper.machine.lies, sleeper.word.idle = False, False, 0
        await sleeper.passes(20)
        assert all(await asyncio.gather(*waiting))
        assert (sleeper.state, sleeper.machine.starts) == ("ready", 2)


async def test_a_stop_that_was_answered_with_yes_and_not_done_is_asked_for_again(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.machine.lies, sleeper.word.idle = True, 1000
        await sleeper.passes(30)
        assert sleeper.state == "stopping"
        assert sleeper.machine.stops > 5
        assert await sleeper.power.ledger.running() is not None, "what isn't known to have ended costs money"


async def test_starts_that_fail_are_tried_again_ever_later_and_people_are_told_once(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        sleeper.machine.dies = True
        sleeper.power.wake()
        await sleeper.passes(4)
        assert (sleeper.state, sleeper.power.failures) == ("failed", 1)
        assert sleeper.told == []
        await sleeper.passes(90)
        assert sleeper.power.failures >= FAILURES
        assert len(sleeper.told) == 1
        assert "it ended while it started (it ended with 1)" in sleeper.told[0]
        starts = sleeper.machine.starts
        sleeper.machine.dies = False
        await sleeper.passes(1100, step=5)
        assert (sleeper.state, sleeper.power.failures) == ("ready", 0)
        assert sleeper.machine.starts == starts + 1


async def test_a_hub_that_is_up_and_never_answers_has_failed_and_is_stopped(tmp_path: Path) -> None:
    async with at_work(tmp_path, start_seconds=20.0) as sleeper:
        sleeper.machine.boots = 1e9
        sleeper.power.wake()
        await sleeper.passes(22)
        assert sleeper.state == "failed"
        assert "didn't answer within 20 s" in sleeper.power.detail
        assert sleeper.machine.state == "stopped"


async def test_it_is_started_so_often_within_an_hour_and_not_more(tmp_path: Path) -> None:
    async with at_work(tmp_path, starts_per_hour=2) as sleeper:
        for _ in range(3):
            sleeper.word.idle = 0
            sleeper.power.wake()
            await sleeper.passes(5)
            sleeper.word.idle = 1000
            await sleeper.passes(20)
        assert sleeper.machine.starts == 2
        assert sleeper.state == "failed"
        assert "started 2 times within an hour" in sleeper.told[0]
        sleeper.word.idle = 0
        await sleeper.passes(3700, step=10)
        assert (sleeper.state, sleeper.machine.starts) == ("ready", 3)


async def test_it_is_not_started_once_the_month_is_spent(tmp_path: Path) -> None:
    async with at_work(tmp_path, price_per_hour=2.0, money_per_month=1.0) as sleeper:
        await woken(sleeper)
        await sleeper.passes(1900, step=5)
        sleeper.word.idle = 1000
        await sleeper.passes(30)
        assert sleeper.state == "stopped"
        assert await sleeper.power.ledger.spent_this_month(sleeper.clock.now().timestamp()) == pytest.approx(1.07, 0.02)
        sleeper.power.wake()
        await sleeper.passes(5)
        assert (sleeper.state, sleeper.machine.starts) == ("failed", 1)
        assert "this month's 1 are spent" in sleeper.told[0]


async def test_a_hub_that_died_by_itself_sleeps_until_it_is_wanted(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.machine.state = "stopped"
        await sleeper.passes(10)
        assert (sleeper.state, sleeper.machine.starts) == ("stopped", 1)
        run = (await sleeper.power.ledger.last(1))[0]
        assert (run.ended is not None, run.error) == (True, "it ended by itself")


async def test_a_hub_that_fell_silent_is_started_anew(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.word.silent = True
        await sleeper.passes(60)
        assert sleeper.machine.stops >= 1
        sleeper.word.silent = False
        await sleeper.passes(10)
        assert (sleeper.state, sleeper.machine.starts) == ("ready", 2)


async def test_another_waker_finds_the_hub_as_it_is(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await woken(sleeper)
        sleeper.power.state = "unknown"
        await sleeper.passes(7)
        assert (sleeper.state, sleeper.machine.starts) == ("ready", 1)


async def test_while_its_provider_cannot_be_asked_nothing_is_done(tmp_path: Path) -> None:
    sleeper = Sleeper(tmp_path)
    await sleeper.met()
    sleeper.machine.fault = "the service is down"
    owner = asyncio.create_task(sleeper.power.run())
    sleeper.power.wake()
    await sleeper.passes(30)
    assert (sleeper.state, sleeper.machine.starts) == ("unknown", 0)
    sleeper.machine.fault = ""
    await sleeper.passes(10)
    assert sleeper.state == "ready"
    owner.cancel()
    await asyncio.gather(owner, return_exceptions=True)
    await sleeper.spool.close()


# --- what's true, and what it costs


async def test_a_start_whose_answer_was_lost_is_gone_on_with(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        sleeper.machine.loses = True
        await woken(sleeper)
        assert (sleeper.machine.starts, sleeper.power.failures) == (1, 0)


async def test_what_a_failed_start_left_running_goes_on_costing_until_it_has_ended(tmp_path: Path) -> None:
    async with at_work(tmp_path, start_seconds=20.0, price_per_hour=3600.0) as sleeper:
        sleeper.machine.boots = 1e9
        sleeper.power.wake()
        await sleeper.passes(10)
        sleeper.machine.lies = True
        await sleeper.passes(42)
        assert sleeper.state == "failed"
        assert await sleeper.power.ledger.running() is not None
        assert await sleeper.power.ledger.spent_this_month(sleeper.clock.now().timestamp()) > 50
        sleeper.machine.lies, sleeper.machine.boots = False, 1.0
        await sleeper.passes(60)
        assert sleeper.state == "ready"


async def test_a_machine_that_somebody_else_started_is_found_and_counted_and_put_to_sleep(tmp_path: Path) -> None:
    async with at_work(tmp_path, price_per_hour=3600.0) as sleeper:
        sleeper.machine.state = "running"
        await sleeper.passes(70, step=1)
        assert sleeper.state == "ready"
        assert sleeper.machine.starts == 0
        sleeper.word.idle = 1000
        await sleeper.passes(20)
        assert (sleeper.state, sleeper.machine.state) == ("stopped", "stopped")
        [run] = await sleeper.power.ledger.last(5)
        assert run.ended is not None


async def test_a_machine_that_runs_when_the_waker_comes_up_is_counted_from_then_on(tmp_path: Path) -> None:
    sleeper = Sleeper(tmp_path, price_per_hour=1.0)
    sleeper.machine.state = "running"
    owner = asyncio.create_task(sleeper.power.run())
    await sleeper.passes(5)
    run = await sleeper.power.ledger.running()
    assert run is not None
    assert (sleeper.state, run.price) == ("ready", 1.0)
    owner.cancel()
    await asyncio.gather(owner, return_exceptions=True)
    await sleeper.spool.close()


async def test_a_lifetime_ends_what_somebody_else_started_too(tmp_path: Path) -> None:
    async with at_work(tmp_path, lifetime_hours=0.1) as sleeper:
        sleeper.machine.state = "running"
        sleeper.word.busy = ("a turn",)
        await sleeper.passes(70, step=1)
        assert sleeper.state == "ready"
        await sleeper.passes(380, step=5)
        assert sleeper.machine.stops > 0


async def test_a_price_that_the_provider_says_goes_before_the_configs(tmp_path: Path) -> None:
    async with at_work(tmp_path, price_per_hour=1.0) as sleeper:
        sleeper.machine.costs = 3.29
        await woken(sleeper)
        assert (await sleeper.power.ledger.last(1))[0].price == 3.29


async def test_what_a_provider_takes_nothing_for_is_not_counted(tmp_path: Path) -> None:
    async with at_work(tmp_path, price_per_hour=3600.0) as sleeper:
        sleeper.machine.free = ("starting",)
        sleeper.machine.boots = 30.0
        sleeper.power.wake()
        await sleeper.passes(1, step=0.1)
        sleeper.machine.state = "starting"
        await sleeper.passes(20, step=0.1)
        assert sleeper.state == "starting"
        assert await sleeper.power.ledger.spent_this_month(sleeper.clock.now().timestamp()) < 2.5


async def test_what_was_not_looked_at_is_not_taken_for_free(tmp_path: Path) -> None:
    async with at_work(tmp_path, price_per_hour=3600.0) as sleeper:
        sleeper.machine.free = ("starting", "stopping")
        await woken(sleeper)
        await sleeper.passes(600, step=5)
        sleeper.machine.state = "stopping"
        await sleeper.passes(10)
        spent = await sleeper.power.ledger.spent_this_month(sleeper.clock.now().timestamp())
        assert spent > 590, "somebody stops a machine that nobody has looked at for ten minutes"
