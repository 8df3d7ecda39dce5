"""kill -9 at random points and at every named failpoint, of the hub and of the model's server, under load.

`AGENTHOST_KILLS` and `AGENTHOST_SEED` make it longer or another one: `make faults` runs 60 kills under 2,000 messages.
"""

import asyncio
import os
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles

import pytest
from msgspec import Struct

from hub.failpoints import NAMES
from hub.testing.server import MARK
from tests.faults.harness import World
from tests.faults.load import Load
from tests.faults.platform import Delivery
from tests.faults.wire import Said

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("AGENTHOST_KILLS", "60"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
MESSAGES_PER_KILL = 34
CHATS = 90
RESUMED_WITHIN = 5.0
"""Seconds from the start of the process to the first message kept or delivered, for 95 of 100 restarts."""


class Kill(Struct, frozen=True):
    """What's killed, and when: at a failpoint's nth pass, or so many seconds after the hub was seen at work."""

    what: str
    after: float
    passes: int = 1


def plan(count: int, dice: random.Random) -> list[Kill]:
    """Return kills of every kind: each failpoint in turn, random moments, start-ups, the model's server."""
    kills: list[Kill] = []
    for number in range(count):
        if number % 5 in (0, 2):
            name = NAMES[len(kills) // 2 % len(NAMES)] if number % 5 == 0 else dice.choice(NAMES)
            kills.append(Kill(name, 0.0, dice.randint(1, 6)))
        elif number % 5 == 1:
            kills.append(Kill("model", dice.uniform(0.0, 0.5)))
        elif number % 10 == 3:
            kills.append(Kill("start-up", dice.uniform(0.2, 1.5)))
        else:
            kills.append(Kill("hub", dice.uniform(0.0, 1.0)))
    dice.shuffle(kills)
    return kills


async def test_kills_lose_nothing_and_double_nothing_unmarked(tmp_path: Path) -> None:
    """Promises 1 to 3: what was kept is answered, effects happen once, and work resumes quickly."""
    dice = random.Random(SEED)
    began = time.monotonic()
    async with World(tmp_path, chats=CHATS) as world:
        load = Load(world, dice)
        resumed = []
        dead = 0
        for kill in plan(KILLS, dice):
            load.say(MESSAGES_PER_KILL)
            seconds, died = await survive(world, kill)
            resumed += [seconds] if seconds is not None else []
            dead += died
        await world.hub.end()
        resumed.append(await restarted(world))
        await answered(world, load)
        await world.hub.end(within=30)

        assert dead == sum(kill.what != "model" for kill in plan(KILLS, random.Random(SEED)))
        told = evidence(world, load, dead)
        p95 = quantiles(resumed, n=20, method="inclusive")[-1]
        print(
            f"\n{KILLS} kills ({dead} of the hub) under {len(load.said)} messages in {time.monotonic() - began:.0f} s:"
            f" 0 lost, {told.doubled} answers twice (all marked), resumed after {median(resumed):.1f} s p50,"
            f" {p95:.1f} s p95, {max(resumed):.1f} s at most"
        )
        assert p95 <= RESUMED_WITHIN


async def survive(world: World, kill: Kill) -> tuple[float | None, bool]:
    """Let a kill happen; return the seconds in which the hub resumed work before it, and whether the hub died."""
    if kill.what in NAMES:
        await world.hub.end() if world.hub.alive else None
        await world.start(f"{kill.what}:{kill.passes}")
        await world.hub.gone(within=60)
        return None, True
    seconds = None
    if not world.hub.alive:
        if kill.what == "start-up":
            await world.start()
        else:
            seconds = await restarted(world)
    await asyncio.sleep(kill.after)
    if kill.what == "model":
        await world.restart_model()
        return seconds, False
    await world.hub.end()
    return seconds, True


async def restarted(world: World) -> float:
    """Start the hub; return the seconds until it first kept or delivered something.

    Seconds in which it was ready to run and others had the processors aren't counted: they tell of the machine.
    """
    if not world.platform.unsaid:
        world.platform.say(world.chats[0], "Hello?", thread="one")
    began = time.monotonic()
    await world.start()
    sign = await world.platform.sign_since(began, within=60, alive=lambda: world.hub.alive)
    assert sign is not None, f"nothing was kept or delivered, the hub's log ends with: {world.hub.log[-2000:]}"
    stolen = world.hub.waited()
    print(f"resumed after {sign - began:.2f} s, of which others had the processors for {stolen:.2f} s")
    return sign - began - stolen


async def answered(world: World, load: Load, within: float = 120.0) -> None:
    """Wait until every message is kept and answered."""
    end = time.monotonic() + within
    missing = set(load.said)
    while missing or world.platform.unsaid:
        if time.monotonic() > end:
            raise AssertionError(
                f"{world.platform.unsaid} not kept, {len(missing)} not answered: {sorted(missing)[:5]}; the hub's log"
                f" ends with: {world.hub.log[-3000:]}"
            )
        await asyncio.sleep(0.1)
        for delivery in world.platform.deliveries:
            missing.difference_update(MARK.findall(delivery.text))


class Told(Struct, frozen=True):
    """What the platform's records tell."""

    doubled: int


def evidence(world: World, load: Load, kills: int) -> Told:
    """Check what the platform and the book have on record against the promises."""
    platform = world.platform
    unasked = [delivery for delivery in platform.deliveries if delivery.role != "agent"]
    assert not unasked, f"{len(unasked)} notices, such as {unasked[0]}"
    doubled = _doubled(platform.deliveries)
    assert doubled <= kills
    _check_marks(platform.deliveries, load)
    _check_order(platform.deliveries, world)
    _check_effects(world, load)
    check_store(world, platform.kept)
    return Told(doubled)


def _doubled(deliveries: list[Delivery]) -> int:
    """Return how many messages came twice; each but the first time they must be marked."""
    seen: Counter[str] = Counter()
    for delivery in deliveries:
        seen[delivery.message] += 1
        assert seen[delivery.message] == 1 or delivery.again, f"came twice and isn't marked: {delivery}"
    return sum(count - 1 for count in seen.values())


def _check_marks(deliveries: list[Delivery], load: Load) -> None:
    """Every message is answered, and by one answer only."""
    answers: dict[str, set[str]] = {}
    for delivery in deliveries:
        for mark in MARK.findall(delivery.text):
            answers.setdefault(mark, set()).add(delivery.message)
    assert set(load.said) <= set(answers)
    twice = {mark: ids for mark, ids in answers.items() if len(ids) > 1}
    assert not twice, f"answered by two different answers: {twice}"


def _check_order(deliveries: list[Delivery], world: World) -> None:
    """Within a chat's task the answers come in the order of the messages."""
    with closing(sqlite3.connect(world.data / "hub.db")) as database:
        task_of = dict(database.execute("SELECT id, task FROM messages").fetchall())
    last: dict[tuple[str, str], int] = {}
    seen = set()
    for delivery in deliveries:
        marks = [int(mark.rpartition("x")[2]) for mark in MARK.findall(delivery.text)]
        if delivery.message in seen or not marks:
            continue
        seen.add(delivery.message)
        lane = (delivery.chat, task_of[delivery.message])
        assert last.get(lane, 0) < min(marks), f"out of order: {delivery}"
        last[lane] = max(marks)


def _check_effects(world: World, load: Load) -> None:
    """What was to be noted was noted once."""
    keys = world.effect_keys()
    wanted = {mark for mark, said in load.said.items() if said.text.startswith("note ")}
    assert set(keys) == wanted
    doubled = {mark: found for mark, found in keys.items() if len(found) > 1}
    assert not doubled, f"noted more than once: {doubled}"


def check_store(world: World, kept: dict[str, Said]) -> None:
    """The database is whole, has each message that the platform was told is kept, and all of them are answered."""
    with closing(sqlite3.connect(world.data / "hub.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT external_id, state FROM messages WHERE role = 'user'").fetchall()
        waiting = database.execute("SELECT queue, state, count(*) FROM entries WHERE state != 'done' GROUP BY 1, 2")
        assert waiting.fetchall() == []
    states = dict(rows)
    assert set(kept) <= set(states)
    assert Counter(states.values()) == {"answered": len(states)}
