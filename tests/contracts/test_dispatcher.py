"""What every Dispatcher promises."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hub.dispatch.local import LocalDispatcher
from hub.ports import Dispatcher
from hub.testing import FakeClock, settle

Build = Callable[[FakeClock], Dispatcher]

DISPATCHERS: list[Build] = [LocalDispatcher]


@pytest.fixture(params=DISPATCHERS, ids=["local"])
def build(request: pytest.FixtureRequest) -> Build:
    made: Build = request.param
    return made


class Desk:
    """Works on lanes only as far as a test lets it."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.faults: list[Exception] = []
        self.gate = asyncio.Event()

    async def work(self, lane: str) -> None:
        self.began.append(lane)
        if self.faults:
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
    dispatcher, desk = build(FakeClock()), Desk()
    async with running(dispatcher, desk):
        dispatcher.wake("a")
        await settle()
        dispatcher.wake("a")
        await settle()
        assert desk.began == ["a"]


async def test_a_lane_woken_while_it_is_worked_on_is_looked_at_once_more(build: Build) -> None:
    dispatcher, desk = build(FakeClock()), Desk()
    async with running(dispatcher, desk):
        dispatcher.wake("a")
        await settle()
        dispatcher.wake("a")
        dispatcher.wake("a")
        desk.gate.set()
        await settle()
        assert desk.ended == ["a", "a"]


async def test_lanes_go_on_side_by_side(build: Build) -> None:
    dispatcher, desk = build(FakeClock()), Desk()
    async with running(dispatcher, desk):
        dispatcher.wake("a", "b", "c")
        await settle()
        assert sorted(desk.began) == ["a", "b", "c"]


async def test_a_lane_woken_before_anybody_works_is_not_forgotten(build: Build) -> None:
    dispatcher, desk = build(FakeClock()), Desk()
    dispatcher.wake("a")
    async with running(dispatcher, desk):
        await settle()
        assert desk.began == ["a"]


async def test_work_that_raises_is_tried_again_after_a_growing_pause_and_others_go_on(build: Build) -> None:
    clock, desk = FakeClock(), Desk()
    dispatcher = build(clock)
    desk.faults = [RuntimeError("one"), RuntimeError("two")]
    desk.gate.set()
    async with running(dispatcher, desk):
        dispatcher.wake("bad")
        await settle()
        dispatcher.wake("good")
        await settle()
        assert desk.ended == []
        await clock.advance(0.25)
        await settle()
        assert sorted(desk.ended) == ["bad", "good"]
