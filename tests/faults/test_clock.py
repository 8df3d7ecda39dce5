"""The clock is set while messages flow and tasks wait: an hour, a day, to 1970, over the changes of summer time.

`AGENTHOST_JUMPS` sets how often: 4 in `make test`, 24 in `make nightly`. What a person named a time for stays at that
time; everything else mustn't notice.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Struct

from tests.faults import figures
from tests.faults.faketime import FakeTime
from tests.faults.harness import World
from tests.faults.load import Load
from tests.faults.test_kills import answered, check_doubles, check_effects, check_order, check_store
from tests.faults.usage import Usage

pytestmark = pytest.mark.faults

JUMPS = int(os.environ.get("AGENTHOST_JUMPS", "4"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
HOUR, DAY = 3600.0, 86400.0
SPRING = datetime(2027, 3, 28, 1, 0, tzinfo=UTC).timestamp()
"""Two o'clock becomes three in Berlin."""
AUTUMN = datetime(2027, 10, 31, 1, 0, tzinfo=UTC).timestamp()
"""Three o'clock becomes two."""
EXTRA = 30.0
"""Seconds that anything may wait longer because of a jump."""
QUIET = 3.0
BUSY = 0.2
"""More of a core than this with nothing to do is spinning."""
TIMERS = ("in 30m", "in 20h", "in 3d", "in 200d")
"""Long before the end the clock has said all these times, some of them again and again."""


class Jump(Struct, frozen=True):
    """Where the clock is set to: seconds ahead of the true time, or a moment; and whether the hub is down then."""

    name: str
    ahead: float | None = None
    at: float = 0.0
    down: bool = False


KINDS = (
    Jump("an hour ahead", HOUR),
    Jump("a day ahead", DAY),
    Jump("an hour behind", -HOUR),
    Jump("1970", at=DAY),
    Jump("a second before spring", at=SPRING - 1),
    Jump("a day behind, while the hub was down", -DAY, down=True),
    Jump("a second before autumn", at=AUTUMN - 1),
    Jump("the true time", 0.0),
)


def plan(count: int, dice: random.Random) -> list[Jump]:
    """Return jumps of each kind in turn, then at random."""
    return [*KINDS[:count], *(dice.choice(KINDS) for _ in range(count - len(KINDS)))]


async def test_a_clock_thats_set_loses_nothing_doubles_nothing_and_delays_nothing(tmp_path: Path) -> None:
    """R3: 0 lost, nothing done twice, no timer fired twice, nothing held 30 s longer, no spinning, order intact."""
    clock, dice = FakeTime(tmp_path), random.Random(SEED)
    async with World(tmp_path, chats=30) as world:
        world.more_environment = {**clock.environment, "AGENTHOST__HUB__TIMEZONE": "Europe/Berlin"}
        load, waited, busiest = Load(world, dice, kinds=(0, 1, 2, 3)), 0.0, 0.0
        await world.start()
        await world.hub.line()
        for span in TIMERS:
            load.plan(span)
        for jump in plan(JUMPS, dice):
            await _flow(load, 1.5)
            waited = max(waited, await _jump(world, clock, jump, load))
            await _flow(load, 1.5)
            await _settled(load, within=EXTRA)
            busiest = max(busiest, resting := await _resting(world))
            print(f"{jump.name}: what was said before waited up to {waited:.1f} s; at rest {resting:.0%} of a core")
        clock.set(400 * DAY)
        await answered(world, load)
        await world.hub.end(signal.SIGTERM, within=60)

        check_doubles(world.platform.deliveries, Counter())
        check_order(world.platform.deliveries, world)
        check_effects(world, load)
        check_store(world, world.platform.kept)
        assert waited <= EXTRA
        assert busiest <= BUSY
        under = f"{JUMPS} jumps of the clock under {len(load.said)} messages"
        figures.note(4, f"lost, done twice or fired twice, {under}", 0, "0")
        figures.note(4, "longest wait of what was said before a jump", f"{waited:.1f} s", f"{EXTRA:.0f} s")
        figures.note(4, "busiest with nothing to do after a jump", f"{busiest:.0%} of a core", f"{BUSY:.0%}")


async def _flow(load: Load, seconds: float) -> None:
    """Let people talk for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        load.say(1)
        await asyncio.sleep(0.1)


async def _jump(world: World, clock: FakeTime, jump: Jump, load: Load) -> float:
    """Set the clock with messages on their way; return how long these waited for their answers."""
    load.say(10)
    await asyncio.sleep(0.1)
    if jump.down:
        await world.hub.end(signal.SIGTERM, within=60)
    clock.set(jump.ahead) if jump.ahead is not None else clock.put(jump.at)
    if jump.down:
        await world.start()
        await world.hub.line()
    return await _settled(load, within=EXTRA * 2)


async def _settled(load: Load, within: float) -> float:
    """Wait until everything is answered that needn't wait for a time; return how long that took."""
    began = time.monotonic()
    while missing := {mark for mark in load.unanswered if "/schedule" not in load.said[mark].text}:
        assert time.monotonic() - began < within, f"not answered: {sorted(missing)}"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def _resting(world: World) -> float:
    """Return how much of a core the hub takes with nothing to do."""
    before = Usage.of(world.hub.pid).cpu
    await asyncio.sleep(QUIET)
    return (Usage.of(world.hub.pid).cpu - before) / QUIET
