"""What every Dispatcher promises."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from hub.dispatch.local import LocalDispatcher
from hub.ports import Clock, Dispatcher
from hub.testing import FakeClock
from tests.contracts.company import a_member, hub_running, until

Build = Callable[[Clock], AbstractAsyncContextManager[Dispatcher]]


@asynccontextmanager
async def local(clock: Clock) -> AsyncIterator[Dispatcher]:
    yield LocalDispatcher(clock)


@pytest.fixture(params=["local", "postgres"])
def build(request: pytest.FixtureRequest) -> Build:
    if request.param == "local":
        return local
    url: str = request.getfixturevalue("empty_database")

    @asynccontextmanager
    async def postgres(clock: Clock) -> AsyncIterator[Dispatcher]:
        async with a_member(url, "one", clock) as member, hub_running(member):
            yield member.dispatcher

    return postgres


class Desk:
    """Works on lanes only as far as a test lets it."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.faults: list[Exception] = []
        self.gate = asyncio.Event()

    async def work(self, lane: str) -> None:
        self.began.append(lane)
        if self.faults and lane != "good":
            raise self.faults.pop(0)
        await self.gate.wait()
        self.ended.append(lane)


@asynccontextmanager
async def running(dispatcher: Dispatcher, desk: Desk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(dispatcher.run(desk.work))
        yield
        task.cancel()


async def test_a_woken_lane_is_worked_on_by_one_worker_at_a_time(build: Build) -> None:
    desk = Desk()
    async with build(FakeClock()) as dispatcher, running(dispatcher, desk):
        dispatcher.wake("a")
        await until(lambda: desk.began == ["a"])
        dispatcher.wake("a")
        dispatcher.wake("b")
        await until(lambda: "b" in desk.began)
        assert desk.began == ["a", "b"]


async def test_a_lane_woken_while_it_is_worked_on_is_looked_at_once_more(build: Build) -> None:
    desk = Desk()
    async with build(FakeClock()) as dispatcher, running(dispatcher, desk):
        dispatcher.wake("a")
        await until(lambda: desk.began == ["a"])
        dispatcher.wake("a")
        dispatcher.wake("a")
        desk.gate.set()
        await until(lambda: len(desk.ended) == 2)
        dispatcher.wake("b")
        await until(lambda: "b" in desk.ended)
        assert desk.ended == ["a", "a", "b"]


async def test_lanes_go_on_side_by_side(build: Build) -> None:
    desk = Desk()
    async with build(FakeClock()) as dispatcher, running(dispatcher, desk):
        dispatcher.wake("a", "b", "c")
        await until(lambda: sorted(desk.began) == ["a", "b", "c"])


async def test_a_lane_woken_before_anybody_works_is_not_forgotten(build: Build) -> None:
    desk = Desk()
    async with build(FakeClock()) as dispatcher:
        dispatcher.wake("a")
        async with running(dispatcher, desk):
            await until(lambda: desk.began == ["a"])


async def test_work_that_raises_is_tried_again_after_a_growing_pause_and_others_go_on(build: Build) -> None:
    clock, desk = FakeClock(), Desk()
    desk.faults = [RuntimeError("one"), RuntimeError("two")]
    desk.gate.set()
    async with build(clock) as dispatcher, running(dispatcher, desk):
        dispatcher.wake("bad")
        await until(lambda: clock.sleepers == 1)
        dispatcher.wake("good")
        await until(lambda: desk.ended == ["good"])
        await clock.advance(0.25)
        assert desk.began.count("bad") == 2
        await clock.advance(0.25)
        assert desk.began.count("bad") == 2
        await clock.advance(0.25)
        await until(lambda: desk.ended == ["good", "bad"])
