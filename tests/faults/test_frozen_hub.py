"""A hub that's stopped (SIGSTOP) for longer than everybody's patience, and let go on: as if nothing had been."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import figures
from tests.faults.harness import World
from tests.faults.hub_under_test import PATIENCE
from tests.faults.length import AT_LENGTH
from tests.faults.load import Load
from tests.faults.test_kills import answered, check_doubles, check_effects, check_order, check_store

pytestmark = pytest.mark.faults

STOPS = 6 if AT_LENGTH else 1
FROZEN = PATIENCE + 3.0
"""Seconds: longer than the bridge waits for a receipt, and than the model's answers take."""


async def test_a_hub_thats_frozen_for_longer_than_all_time_outs_goes_on(tmp_path: Path) -> None:
    """Nothing lost, no effect twice; an answer twice only if its receipt was waited for meanwhile, and then marked."""
    dice = random.Random(1)
    async with World(tmp_path, chats=30) as world:
        load, unsure, longest = Load(world, dice), Counter[str](), 0.0
        leave = asyncio.create_task(load.give_leave())
        await world.start()
        await world.hub.line()
        for _ in range(STOPS):
            load.say(20)
            await asyncio.sleep(dice.uniform(0.2, 0.6))
            before = len(world.platform.deliveries)
            os.kill(world.hub.pid, signal.SIGSTOP)
            await asyncio.sleep(FROZEN)
            # What came in while it was frozen, and what it had just sent: of these it may not know the receipts.
            unsure.update({delivery.message for delivery in world.platform.deliveries[max(0, before - 30) :]})
            load.say(5)
            os.kill(world.hub.pid, signal.SIGCONT)
            began = time.monotonic()
            await answered(world, load, within=90)
            longest = max(longest, time.monotonic() - began)
        leave.cancel()
        await world.hub.end(signal.SIGTERM, within=60)

        doubled = check_doubles(world.platform.deliveries, unsure)
        check_order(world.platform.deliveries, world)
        check_effects(world, load)
        check_store(world, world.platform.kept)
        frozen = f"{STOPS} times frozen for {FROZEN:.0f} s under {len(load.said)} messages"
        figures.note(4, f"lost or done twice, {frozen}", 0, "0")
        figures.note(
            4, f"seen twice, all marked, {frozen}", doubled, f"{unsure.total()}: whose receipts came meanwhile"
        )
        figures.note(4, "everything answered after that", f"{longest:.1f} s", "90 s")
