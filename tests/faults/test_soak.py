"""Messages at an even pace for as long as wished: nothing is lost, and nothing grows or gets slower.

`make soak MINUTES=120 RATE=5` runs it at length and holds it to its bars; in `make test` it's short, and only what can
be counted is: messages, open files, threads.
"""

import asyncio
import os
import signal
import time
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import pytest
from msgspec import Struct

from hub.testing.server import MARK
from tests.faults.harness import World
from tests.faults.load import Load
from tests.faults.test_kills import answered, check_store
from tests.faults.usage import Usage

pytestmark = pytest.mark.faults

MINUTES = float(os.environ.get("AGENTHOST_SOAK_MINUTES", "0.3"))
RATE = float(os.environ.get("AGENTHOST_SOAK_RATE", "5"))
EVERY = float(os.environ.get("AGENTHOST_SOAK_KILL_EVERY", "0"))
"""Minutes from kill to kill; 0 is no kills."""
CHATS = 90
LONG = 20.0
"""Minutes from which on times and memory tell something."""
SPAN = 10 * 60.0
WARM = 2 * 60.0
"""Seconds in which everything is met for the first time."""
GROWTH = 0.05
SLOWER = 1.2


class Sample(Struct, frozen=True):
    """What the hub took, so many seconds after its first start."""

    at: float
    usage: Usage


async def test_messages_at_an_even_pace_make_nothing_grow(tmp_path: Path) -> None:
    """R9: nothing lost, memory within 5 % of its first ten minutes, answers within 1.2 times theirs, files flat."""
    async with World(tmp_path, chats=CHATS) as world:
        load, samples = Load(world), list[Sample]()
        await world.start()
        await world.hub.line()
        began = time.monotonic()
        leave = asyncio.create_task(load.give_leave())
        kills = await _soak(world, load, samples, began)
        await answered(world, load)
        leave.cancel()
        lags = _lags(world, load, began)
        print(f"\n{len(load.said)} messages in {MINUTES:g} min, {RATE:g} a second, {kills} kills, 0 lost")
        _report(samples, lags)
        await world.hub.end(signal.SIGTERM, within=60)
        check_store(world, world.platform.kept)
        _check_counts(samples)
        if MINUTES >= LONG and not kills:
            _check_bars(samples, lags)


async def _soak(world: World, load: Load, samples: list[Sample], began: float) -> int:
    """Say a message each 1/RATE s; look at the hub every second and kill it as often as wished; return the kills."""
    end, kills = began + MINUTES * 60, 0
    for number in count():
        moment = began + number / RATE
        if moment >= end:
            return kills
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        load.say(1)
        if number % max(1, int(RATE)) == 0:
            samples.append(Sample(time.monotonic() - began, Usage.of(world.hub.pid)))
        if EVERY and time.monotonic() - began >= (kills + 1) * EVERY * 60:
            kills += 1
            await world.hub.end()
            await world.start()
    raise AssertionError("unreachable")


def _lags(world: World, load: Load, began: float) -> list[tuple[float, float]]:
    """Return when each message was said and how long its answer took."""
    answered_at: dict[str, float] = {}
    for delivery in world.platform.deliveries:
        for mark in MARK.findall(delivery.text):
            answered_at.setdefault(mark, delivery.at)
    said_at = world.platform.said_at
    return [(said_at[said.id] - began, answered_at[mark] - said_at[said.id]) for mark, said in load.said.items()]


def _span() -> float:
    """Return the seconds at the beginning and at the end that are held against each other."""
    return min(SPAN, MINUTES * 60 / 3)


def _p95(lags: list[tuple[float, float]], first: bool) -> float:
    edge = _span() if first else MINUTES * 60 - _span()
    found = [lag for at, lag in lags if (at < edge if first else at >= edge)]
    return quantiles(found, n=20, method="inclusive")[-1]


def _memory(samples: list[Sample], first: bool) -> float:
    warm = min(WARM, _span() / 2)
    edge = _span() if first else MINUTES * 60 - _span()
    return median(each.usage.rss for each in samples if (warm <= each.at < edge if first else each.at >= edge))


def _processor(samples: list[Sample], first: bool) -> float:
    """Return the seconds that a message took of a processor: other than the p95, it isn't others' load, too."""
    edge = _span() if first else MINUTES * 60 - _span()
    found = [each for each in samples if (each.at < edge if first else each.at >= edge)]
    return (found[-1].usage.cpu - found[0].usage.cpu) / ((found[-1].at - found[0].at) * RATE)


def _report(samples: list[Sample], lags: list[tuple[float, float]]) -> None:
    first, last = _memory(samples, True), _memory(samples, False)
    quick, slow = _p95(lags, True), _p95(lags, False)
    span = _span() / 60
    half = len(samples) // 2
    print(f"| of the hub | first {span:.1f} min | last {span:.1f} min | |\n|---|---|---|---|")
    print(f"| memory, MiB | {first / 2**20:.1f} | {last / 2**20:.1f} | {last / first - 1:+.1%} |")
    print(f"| answered within, p95, ms | {quick * 1000:.0f} | {slow * 1000:.0f} | x {slow / quick:.2f} |")
    for name in ("files", "threads", "children"):
        early, late = (max(getattr(each.usage, name) for each in part) for part in (samples[:half], samples[half:]))
        print(f"| {name}, at most | {early} | {late} | |")
    early, late = _processor(samples, True), _processor(samples, False)
    print(f"| processor time a message, ms | {early * 1000:.1f} | {late * 1000:.1f} | x {late / early:.2f} |")
    print("memory, each tenth of the time:")
    tenths = samples[:: max(1, len(samples) // 10)]
    print(" ".join(f"{each.usage.rss / 2**20:.1f}" for each in tenths))


def _check_counts(samples: list[Sample]) -> None:
    """What's open at the end of the second half is what was open in the first, but for what happens to be going on."""
    half = len(samples) // 2
    for name, slack in (("files", 8), ("threads", 4), ("children", 0)):
        early, late = (max(getattr(each.usage, name) for each in part) for part in (samples[:half], samples[half:]))
        assert late <= early + slack, f"{name}: {early}, then {late}"


def _check_bars(samples: list[Sample], lags: list[tuple[float, float]]) -> None:
    first, last = _memory(samples, True), _memory(samples, False)
    assert last <= first * (1 + GROWTH), f"memory grew from {first / 2**20:.1f} to {last / 2**20:.1f} MiB"
    quick, slow = _p95(lags, True), _p95(lags, False)
    assert slow <= quick * SLOWER, f"answers' p95 went from {quick * 1000:.0f} to {slow * 1000:.0f} ms"
