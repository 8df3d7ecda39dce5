"""Every sentence that ports.Clock promises, over every clock."""

import asyncio
from collections.abc import Callable
from datetime import UTC, timedelta

import pytest

from hub.clock import SystemClock
from hub.ports import Clock
from hub.testing import FakeClock

CLOCKS: list[Callable[[], Clock]] = [FakeClock, SystemClock]


@pytest.fixture(params=CLOCKS, ids=lambda kind: kind.__name__)
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


async def test_the_time_is_aware_and_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


async def test_monotonic_time_never_goes_back(clock: Clock) -> None:
    times = [clock.monotonic() for _ in range(1000)]
    assert times == sorted(times)


async def test_who_sleeps_wakes_after_so_many_seconds(clock: Clock) -> None:
    began, monotonic = clock.now(), clock.monotonic()
    sleeping = asyncio.ensure_future(clock.sleep(0.01))
    if isinstance(clock, FakeClock):
        await clock.advance(0.01)
    await asyncio.wait_for(sleeping, 5)
    assert clock.monotonic() - monotonic >= 0.0099
    assert clock.now() - began >= timedelta(seconds=0.0099)


async def test_sleeping_no_time_returns_at_once(clock: Clock) -> None:
    await asyncio.wait_for(clock.sleep(0), 5)
