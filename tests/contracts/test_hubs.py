"""What Hubs promise, alone and on one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest

from hub.dispatch import hubs as module
from hub.dispatch.alone import Alone
from hub.errors import HubEnded
from hub.ports import Hubs
from hub.testing import FakeClock
from tests.contracts.company import Member, a_member, hub_running, nothing, until


@pytest.fixture(params=["alone", "postgres"])
async def hubs(request: pytest.FixtureRequest) -> AsyncIterator[Hubs]:
    if request.param == "alone":
        yield Alone("one", "here", FakeClock())
        return
    async with a_member(request.getfixturevalue("empty_database"), "one", FakeClock(), name="here") as member:
        yield member.hubs


@asynccontextmanager
async def going(hubs: Hubs) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hubs.run(nothing))
        yield
        task.cancel()


async def test_a_hub_lives_from_the_start_and_may_act(hubs: Hubs) -> None:
    hubs.check()
    assert await hubs.living() == {"one"}


async def test_a_lease_that_nobody_has_is_its_own_at_once(hubs: Hubs) -> None:
    async with going(hubs), asyncio.timeout(10):
        await hubs.hold("bridge:telegram")
        assert hubs.holds("bridge:telegram")


async def test_it_is_listed_with_its_leases(hubs: Hubs) -> None:
    async with going(hubs), asyncio.timeout(10):
        await hubs.hold("duties")
        [info] = await hubs.listed()
    assert (info.boot, info.name, info.state, info.leases) == ("one", "here", "alive", ("duties",))
    assert info.started_at <= info.seen_at <= info.until


async def test_work_that_is_nobody_elses_is_done(hubs: Hubs) -> None:
    async with hubs.alone("packages"):
        hubs.check()


async def test_telling_nobody_does_no_harm(hubs: Hubs) -> None:
    hubs.hear("stop", lambda text: pytest.fail(f"heard itself say {text}"))
    async with going(hubs):
        await hubs.tell("stop", "task")
        await hubs.living()


# --- several


def may_act(hubs: Hubs) -> bool:
    try:
        hubs.check()
    except HubEnded:
        return False
    return True


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let silence be noticed soon."""
    for name, seconds in {"BEAT": 0.05, "RENEWAL": 0.2, "LEASE": 1.5, "GONE": 0.4, "UNSEEN": 0.6}.items():
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setattr(module, "CAUTION", 0.3)


class Two:
    """Two hubs on one database."""

    def __init__(self, one: Member, other: Member) -> None:
        self.one = one
        self.other = other
        self.worked: list[tuple[str, str]] = []

    async def of_one(self, lane: str) -> None:
        self.worked.append(("one", lane))

    async def of_other(self, lane: str) -> None:
        self.worked.append(("other", lane))


@pytest.fixture
async def two(empty_database: str) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(a_member(empty_database, "one", FakeClock()))
        other = await stack.enter_async_context(a_member(empty_database, "other", FakeClock()))
        yield Two(one, other)


async def test_a_hub_that_gives_no_sign_is_ended_and_its_lease_taken(quick: None, two: Two) -> None:
    async with hub_running(two.one):
        await two.one.hubs.hold("duties")
    # From here on the one is as if it was stopped: its connections stand, and it renews nothing.
    async with hub_running(two.other), asyncio.timeout(15):
        await two.other.hubs.hold("duties")
        assert await two.other.hubs.living() == {"other"}


async def test_an_ended_hub_finds_out_and_may_do_nothing_more(quick: None, two: Two) -> None:
    async with hub_running(two.other), asyncio.timeout(15):
        while "one" in await two.other.hubs.living():
            await asyncio.sleep(0.05)
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(15):
            await two.one.hubs.run(nothing)
    assert raised.group_contains(HubEnded)
    with pytest.raises(HubEnded):
        two.one.hubs.check()


async def test_a_hub_that_cannot_renew_its_lease_begins_nothing_before_others_may_end_it(quick: None, two: Two) -> None:
    two.one.hubs.check()
    await until(lambda: not may_act(two.one.hubs), within=10)
    assert "one" in await two.one.hubs.living()


async def test_a_hub_whose_process_died_is_ended_long_before_its_lease_is_over(
    quick: None, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 3600.0)
    await two.one.ear.close()
    async with hub_running(two.other), asyncio.timeout(15):
        while "one" in await two.other.hubs.living():
            await asyncio.sleep(0.05)


async def test_a_hub_that_starts_under_a_dead_ones_name_ends_it_at_once(empty_database: str) -> None:
    async with a_member(empty_database, "before", FakeClock(), name="here") as before:
        await before.ear.close()
        async with a_member(empty_database, "after", FakeClock(), name="here") as after:
            assert await after.hubs.living() == {"after"}


async def test_a_hub_that_starts_under_a_living_ones_name_leaves_it_alone(empty_database: str) -> None:
    async with (
        a_member(empty_database, "before", FakeClock(), name="here"),
        a_member(empty_database, "after", FakeClock(), name="here") as after,
    ):
        assert await after.hubs.living() == {"before", "after"}


async def test_what_a_dead_hub_was_at_is_looked_at_by_another_once_it_is_taken_over(quick: None, two: Two) -> None:
    taken: list[str] = []

    async def take_over() -> None:
        taken.append("over")
        assert two.worked == []

    never = asyncio.Event()

    async def stuck(lane: str) -> None:
        await never.wait()

    async with asyncio.TaskGroup() as group:
        at_work = group.create_task(two.one.dispatcher.run(stuck))
        two.one.dispatcher.wake("chat:a")
        await until(lambda: two.one.dispatcher.busy == {"chat:a"})
        at_work.cancel()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(two.other.dispatcher.run(two.of_other)),
            group.create_task(two.other.hubs.run(take_over)),
        ]
        await until(lambda: two.worked == [("other", "chat:a")])
        for task in tasks:
            task.cancel()
    assert taken == ["over"]


async def test_a_hub_that_leaves_is_followed_at_once(empty_database: str) -> None:
    async with a_member(empty_database, "other", FakeClock()) as other, hub_running(other):
        async with a_member(empty_database, "one", FakeClock()) as one, hub_running(one):
            await one.hubs.hold("duties")
        async with asyncio.timeout(3):
            await other.hubs.hold("duties")


async def test_two_hubs_never_work_on_one_lane_at_once(two: Two) -> None:
    at_work: set[str] = set()
    done: list[str] = []

    async def work(lane: str) -> None:
        assert lane not in at_work
        at_work.add(lane)
        await asyncio.sleep(0.001)
        at_work.discard(lane)
        done.append(lane)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.hubs.run(nothing)) for each in (two.one, two.other)]
        tasks += [group.create_task(each.dispatcher.run(work)) for each in (two.one, two.other)]
        for _ in range(50):
            two.one.dispatcher.wake("a", "b", "c")
            two.other.dispatcher.wake("a", "b", "c")
            await asyncio.sleep(0.002)
        await until(lambda: len(done) > 10)
        before = len(done)
        two.one.dispatcher.wake("a")
        await until(lambda: len(done) > before)
        for task in tasks:
            task.cancel()


async def test_a_lane_woken_by_one_hub_while_another_works_on_it_is_looked_at_once_more(two: Two) -> None:
    began, gate = [0], asyncio.Event()

    async def slow(lane: str) -> None:
        began[0] += 1
        await gate.wait()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.hubs.run(nothing)) for each in (two.one, two.other)]
        tasks.append(group.create_task(two.one.dispatcher.run(slow)))
        two.one.dispatcher.wake("a")
        await until(lambda: began == [1])
        tasks.append(group.create_task(two.other.dispatcher.run(slow)))
        two.other.dispatcher.wake("a")
        two.other.dispatcher.wake("a")
        gate.set()
        await until(lambda: began == [2])
        for task in tasks:
            task.cancel()


async def test_what_is_to_be_delivered_waits_for_the_hub_that_has_the_bridge(empty_database: str) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(a_member(empty_database, "one", FakeClock(), bridges=("telegram",)))
        other = await stack.enter_async_context(a_member(empty_database, "other", FakeClock(), bridges=("telegram",)))
        two = Two(one, other)
        await stack.enter_async_context(hub_running(one))
        await stack.enter_async_context(hub_running(other))
        async with asyncio.TaskGroup() as group, asyncio.timeout(15):
            await two.one.hubs.hold("bridge:telegram")
            tasks = [
                group.create_task(two.one.dispatcher.run(two.of_one)),
                group.create_task(two.other.dispatcher.run(two.of_other)),
            ]
            two.other.dispatcher.wake("out:home:telegram:7")
            await until(lambda: two.worked == [("one", "out:home:telegram:7")])
            for task in tasks:
                task.cancel()


async def test_a_lane_whose_wake_was_lost_is_found_and_one_that_is_worked_on_is_not(two: Two) -> None:
    gate, began = asyncio.Event(), list[str]()

    async def slow(lane: str) -> None:
        began.append(lane)
        await gate.wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(two.one.dispatcher.run(slow))
        two.one.dispatcher.wake("a")
        await until(lambda: began == ["a"])
        await two.other.dispatcher.find("a", "b")
        await until(lambda: began == ["a", "b"])
        gate.set()
        await until(lambda: not two.one.dispatcher.busy)
        assert began == ["a", "b"]
        task.cancel()


async def test_hubs_hear_each_other_and_not_themselves(two: Two) -> None:
    heard: list[tuple[str, str]] = []
    two.one.hubs.hear("stop", lambda text: heard.append(("one", text)))
    two.other.hubs.hear("stop", lambda text: heard.append(("other", text)))
    async with hub_running(two.one), hub_running(two.other):
        await two.one.hubs.tell("stop", "task 7")
        await until(lambda: bool(heard))
        await two.other.hubs.tell("stop", "task 8")
        await until(lambda: len(heard) == 2)
    assert heard == [("other", "task 7"), ("one", "task 8")]


async def test_work_alone_keeps_the_others_out_until_it_is_done_or_its_process_dies(two: Two) -> None:
    order: list[str] = []

    async def second() -> None:
        async with two.other.hubs.alone("packages"):
            order.append("other")

    async with asyncio.TaskGroup() as group, two.one.hubs.alone("packages"):
        group.create_task(second())
        await asyncio.sleep(0.2)
        order.append("one")
    assert order == ["one", "other"]


async def test_a_connection_that_breaks_is_made_anew_and_the_hub_lives_on(
    quick: None, two: Two, empty_database: str
) -> None:
    heard: list[str] = []
    two.one.hubs.hear("word", heard.append)
    # A second or so to come back, as in a hub.
    module.GONE = 5.0
    async with hub_running(two.one), hub_running(two.other):
        await two.other.hubs.living()
        async with await psycopg.AsyncConnection.connect(empty_database, autocommit=True) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agenthost one'"
            )
        async with asyncio.timeout(15):
            while not heard:
                await two.other.hubs.tell("word", "there?")
                await asyncio.sleep(0.1)
        assert await two.other.hubs.living() == {"one", "other"}
