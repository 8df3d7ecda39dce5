"""kill -9 around leave and around calls that can't be repeated: never lost, never twice unasked, never something else.

`AGENTHOST_KILLS` and `AGENTHOST_SEED` make it longer or another one.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hub.failpoints import NAMES, RARE
from tests.faults.harness import World
from tests.faults.length import some_of
from tests.faults.platform import Delivery

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("AGENTHOST_KILLS", "4"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
CHAT = "chat0"
AROUND_LEAVE = (
    "pause.before-commit",
    "pause.after-commit",
    "leave.before-commit",
    "leave.after-commit",
    "turn.begun",
    "step.before-commit",
    "step.after-commit",
    "turn.before-commit",
    "turn.after-commit",
)
"""Where the hub dies on the way from a question to the call that it was about."""


async def until(true: Callable[[], bool], world: World, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"{world.platform.deliveries[-3:]} {world.hub.log[-2000:]}"
        await asyncio.sleep(0.02)


def question(world: World, mark: str) -> Delivery | None:
    """Return the last question about a mark: a notice that shows it."""
    asked = [told for told in world.platform.deliveries if told.role == "notice" and f'"mark": "{mark}"' in told.text]
    return asked[-1] if asked else None


def answered(world: World, mark: str) -> bool:
    return any(told.role == "agent" and mark in told.text for told in world.platform.deliveries)


def told_of(world: World, mark: str) -> bool:
    return answered(world, mark) or question(world, mark) is not None


async def test_a_call_that_cant_be_repeated_is_cut_off_and_never_made_again_unasked(
    tmp_path: Path,
) -> None:
    dice, asked = random.Random(SEED), 0
    async with World(tmp_path, chats=1, latency=0.0) as world:
        for number in range(KILLS):
            mark = f"m0x{number}"
            await world.start("call.begun" if number % 4 == 0 else "")
            world.platform.say(CHAT, f"burn {mark}", thread=mark)
            if number % 4 == 0:
                await world.hub.gone(within=60)
            else:
                await until(lambda: bool(world.platform.unsaid == 0), world)
                await asyncio.sleep(dice.uniform(0.0, 0.25))
                await world.hub.end()
            await world.start()
            await until(partial(told_of, world, mark), world)
            assert len(world.effect_keys().get(mark, [])) <= 1, "made again unasked"
            if (told := question(world, mark)) is not None:
                asked += 1
                assert "may already have done this" in told.text
                done = len(world.effect_keys().get(mark, []))
                world.platform.say(CHAT, "/approve" if number % 2 else "/deny", reply_to=told.id)
                await until(partial(answered, world, mark), world)
                assert len(world.effect_keys().get(mark, [])) == done + number % 2
            await world.hub.end()
        keys = world.effect_keys()
    print(f"\n{KILLS} kills in the call: {asked} asked about, {sum(map(len, keys.values()))} calls made")
    assert asked >= KILLS // 4


@pytest.mark.parametrize("place", some_of(AROUND_LEAVE))
async def test_what_was_approved_is_done_once_wherever_the_hub_dies(place: str, tmp_path: Path) -> None:
    async with World(tmp_path, chats=1, latency=0.0) as world:
        await world.start(place if place.startswith("pause") else "")
        world.platform.say(CHAT, "post m0x1", thread="one")
        if place.startswith("pause"):
            await world.hub.gone(within=60)
            await world.start()
        await until(lambda: question(world, "m0x1") is not None, world)
        assert world.effect_keys() == {}
        if not place.startswith("pause"):
            await world.hub.end()
            await world.start(place)
        told = question(world, "m0x1")
        assert told is not None
        world.platform.say(CHAT, "/approve", reply_to=told.id)
        if not place.startswith("pause"):
            await world.hub.gone(within=60)
            await world.start()
        await until(lambda: answered(world, "m0x1"), world)
        keys = world.effect_keys()

    assert list(keys) == ["m0x1"]
    assert len(keys["m0x1"]) == 1


def test_all_places_around_leave_are_killed_at() -> None:
    known = {*AROUND_LEAVE, "call.begun"}
    assert known <= {*NAMES, *RARE}
    assert {name for name in RARE if name.startswith(("call.", "pause.", "leave."))} <= known
