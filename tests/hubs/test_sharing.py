"""What several hubs bring, in figures: how fast a lane is taken up, and how much more four hubs do than one."""

import asyncio
import os
import random
import time
from pathlib import Path
from statistics import median, quantiles

import pytest

from hub.testing import FakeClock
from tests.contracts.company import a_member, hub_running, until
from tests.hubs.fleet import Fleet, Talk, check

pytestmark = pytest.mark.faults

LANES = int(os.environ.get("AGENTHOST_HUBS_LANES", "300"))
MESSAGES = int(os.environ.get("AGENTHOST_HUBS_MESSAGES", "16"))
LATENCY = float(os.environ.get("AGENTHOST_HUBS_LATENCY", "2"))
"""Seconds that the model's server takes for each answer."""
SLOTS = "\n[limits]\ntasks_at_once = 2\n"


async def test_a_woken_lane_is_taken_up_within_tens_of_milliseconds(empty_database: str) -> None:
    """It's notified of, not polled for: also by the other of two hubs."""
    woken: dict[str, float] = {}
    waits: list[float] = []

    async def work(lane: str) -> None:
        waits.append(time.perf_counter() - woken[lane])

    async with (
        a_member(empty_database, "one", FakeClock()) as one,
        a_member(empty_database, "other", FakeClock()) as other,
        hub_running(one),
        hub_running(other),
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(each.dispatcher.run(work)) for each in (one, other)]
        one.dispatcher.wake("chat:first")
        woken["chat:first"] = time.perf_counter()
        await until(lambda: len(waits) == 1)
        waits.clear()
        for number in range(100):
            woken[f"chat:{number}"] = time.perf_counter()
            one.dispatcher.wake(f"chat:{number}")
            await until(lambda many=number + 1: len(waits) == many)  # type: ignore[misc]
        alone = sorted(waits)
        waits.clear()
        began = time.perf_counter()
        lanes = [f"chat:many{number}" for number in range(LANES)]
        woken.update(dict.fromkeys(lanes, began))
        one.dispatcher.wake(*lanes)
        await until(lambda: len(waits) == LANES, within=60)
        seconds = time.perf_counter() - began
        for task in tasks:
            task.cancel()
    p95 = quantiles(alone, n=20)[-1]
    print(
        f"\na woken lane is taken up after {median(alone) * 1000:.1f} ms p50, {p95 * 1000:.1f} ms p95;"
        f" {LANES / seconds:.0f} lanes a second by two hubs of one process"
    )
    assert median(alone) < 0.5


async def answers_per_second(folder: Path, database: str, hubs: int) -> float:
    folder.mkdir()
    async with Fleet(folder, database, hubs=hubs, chats=2 * MESSAGES, latency=LATENCY, more=SLOTS) as fleet:
        await fleet.start()
        talk = Talk(fleet, random.Random(1))
        # The first answers are those of hubs that are just warming up.
        talk.say_each(range(0, 8 * hubs, 2))
        await until(lambda: not talk.missing(), within=120)
        began = time.monotonic()
        talk.say_each(range(0, 2 * MESSAGES, 2))
        await until(lambda: not talk.missing(), within=300)
        seconds = time.monotonic() - began
        await check(fleet, talk, 0)
    return MESSAGES / seconds


async def test_four_hubs_answer_more_than_one(tmp_path: Path, postgres_urls: list[str]) -> None:
    """Where the model's time is what counts, hubs add up: each takes so many turns at once."""
    one = await answers_per_second(tmp_path / "one", postgres_urls[0], 1)
    four = await answers_per_second(tmp_path / "four", postgres_urls[1], 4)
    print(
        f"\n1 hub: {one:.2f} answers/s, 4 hubs: {four:.2f} answers/s, {four / one:.1f} times as many"
        f" ({os.cpu_count()} cores for hubs, database and model's server; an answer takes the latter {LATENCY:.1f} s,"
        " each hub takes 2 turns at once)"
    )
    assert four > 1.5 * one
