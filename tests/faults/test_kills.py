"""kill -9 at random points and at every named failpoint, of the hub and of the model's server, under load.

`AGENTHOST_KILLS`, `AGENTHOST_MESSAGES` and `AGENTHOST_SEED` make it longer or another one: `make test` runs 60 kills
under 2,000 messages, `make nightly` 1,000 under 50,000. Among what's killed are errands, assignments that wait for
their time, and calls that wait for leave.
"""

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

import pytest
from msgspec import Struct

from hub.failpoints import NAMES
from hub.testing.server import MARK
from tests.faults import figures
from tests.faults.harness import World
from tests.faults.load import Load
from tests.faults.platform import Delivery
from tests.faults.wire import Said

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("AGENTHOST_KILLS", "60"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
MESSAGES = int(os.environ.get("AGENTHOST_MESSAGES", str(34 * KILLS)))
CHATS = 90
AT_MOST = 400
"""Messages that may wait in all these chats for an answer while the hub is killed."""
WAITING = ("pause.before-commit", "pause.after-commit", "leave.before-commit", "leave.after-commit")
"""Failpoints that only calls come by that wait for leave."""
PLACES = (*NAMES, *WAITING)
SAID = "SELECT parts FROM messages WHERE role = 'user' AND choice IS NULL"
RESUMED_WITHIN = 5.0
"""Seconds from the start of the process to the first message kept or delivered, for 95 of 100 restarts."""
EXPECTED = re.compile(r"May I call `post`|Approved: post is called now|post was approved already|#\d+ .*: due ")
"""What notices say that somebody asked for: questions for leave, what became of them, times that were understood."""


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
            name = PLACES[len([kill for kill in kills if kill.what in PLACES]) % len(PLACES)]
            kills.append(Kill(name, 0.0, dice.randint(1, 2 if name in WAITING else 6)))
        elif number % 5 == 1:
            kills.append(Kill("model", dice.uniform(0.0, 0.5)))
        elif number % 10 == 3:
            kills.append(Kill("start-up", dice.uniform(0.2, 1.5)))
        else:
            kills.append(Kill("hub", dice.uniform(0.0, 1.0)))
    dice.shuffle(kills)
    return kills


class Toll:
    """What the kills cost: how often the hub died, and which deliveries that cut off before they were noted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.dead = 0
        self.between = 0
        """Deaths that fell between the sending of a message and its noting."""
        self.at_once = 0
        """The most that one death cut off."""
        self.cut: Counter[str] = Counter()
        """How often each message was sent, and the hub died before that was noted."""
        self._seen = 0

    async def count(self) -> None:
        """Look at what a death left: what the platform has on record, and the store doesn't have as sent."""
        self.dead += 1
        platform = self._world.platform
        await platform.hung_up()
        shown = {delivery.message for delivery in platform.deliveries[self._seen :]}
        self._seen = len(platform.deliveries)
        cut = shown - self._noted(shown)
        self.cut.update(cut)
        self.between += bool(cut)
        self.at_once = max(self.at_once, len(cut))

    def _noted(self, shown: set[str]) -> set[str]:
        marks = ",".join("?" * len(shown)) or "''"
        found = self._world.rows(f"SELECT id FROM messages WHERE state != 'sending' AND id IN ({marks})", [*shown])
        return {id for (id,) in found}


async def test_kills_lose_nothing_and_double_nothing_unmarked(tmp_path: Path) -> None:
    """Promises 1 to 3: what was kept is answered, effects happen once, and work resumes quickly."""
    dice = random.Random(SEED)
    began = time.monotonic()
    async with World(tmp_path, chats=CHATS) as world:
        load, toll, resumed = Load(world, dice), Toll(world), list[float]()
        leave = asyncio.create_task(load.give_leave())
        for number, kill in enumerate(plan(KILLS, dice)):
            if len(load.unanswered) > AT_MOST:
                resumed += await eased(world, load)
            load.say((number + 1) * MESSAGES // KILLS - number * MESSAGES // KILLS)
            seconds = await survive(world, kill, toll)
            resumed += [seconds] if seconds is not None else []
        await world.hub.end()
        await toll.count()
        resumed.append(await restarted(world))
        await answered(world, load)
        await world.hub.end(within=30)
        leave.cancel()

        assert toll.dead == 1 + sum(kill.what != "model" for kill in plan(KILLS, random.Random(SEED)))
        doubled = evidence(world, load, toll)
        report(load, toll, doubled, resumed, time.monotonic() - began)


def check_counted(world: World) -> None:
    """What was taken is counted to the letter: each message and each turn that ended once, whatever was killed when."""
    said = [json.loads(parts)[0].get("text", "") for (parts,) in world.rows(SAID, [])]
    commands = sum(re.match(r"/[a-z]|(stop|cancel)[.!]*$", text.strip().lower()) is not None for text in said)
    (turns,) = world.rows("SELECT count(*), sum(tokens_in), sum(tokens_out) FROM turns WHERE state != 'working'", [])
    for whose in ("person = ''", "person != ''"):
        sums = "sum(messages), sum(turns), sum(tokens_in), sum(tokens_out)"
        (taken,) = world.rows(f"SELECT {sums} FROM taken WHERE tenant = 'home' AND {whose}", [])
        assert taken == (len(said) - commands, *turns)


def report(load: Load, toll: Toll, doubled: int, resumed: list[float], seconds: float) -> None:
    """Note the figures, and hold the restarts to their bar."""
    p95 = quantiles(resumed, n=20, method="inclusive")[-1]
    under = f"{KILLS} kills ({toll.dead} of the hub) under {len(load.said):,} messages"
    print(f"\n{under} in {seconds:.0f} s")
    figures.note(1, f"accepted messages lost, {under}", 0, "0")
    figures.note(2, f"effects done twice, of {len(load.effects):,}", 0, "0")
    figures.note(
        2,
        f"seen twice, all marked; {toll.between} kills fell between sending and noting, in up to {toll.at_once} chats",
        doubled,
        f"{toll.cut.total()}: what was in between, each once",
    )
    figures.note(2, "seen twice and not marked, or though nothing fell in between", 0, "0")
    spread = f"{median(resumed):.1f} s p50, {p95:.1f} s p95, {max(resumed):.1f} s at most"
    figures.note(3, f"work resumed after {len(resumed)} restarts", spread, f"{RESUMED_WITHIN:.0f} s p95")
    assert p95 <= RESUMED_WITHIN


async def survive(world: World, kill: Kill, toll: Toll) -> float | None:
    """Let a kill happen; return the seconds in which the hub resumed work before it, where that was looked at."""
    if kill.what in PLACES:
        if world.hub.alive:
            await world.hub.end()
            await toll.count()
            toll.dead -= 1  # it isn't in the plan
        await world.start(f"{kill.what}:{kill.passes}")
        await world.hub.gone(within=180)
        await toll.count()
        return None
    seconds = None
    if not world.hub.alive:
        if kill.what == "start-up":
            await world.start()
        else:
            seconds = await restarted(world)
    await asyncio.sleep(kill.after)
    if kill.what == "model":
        await world.restart_model()
        return seconds
    await world.hub.end()
    await toll.count()
    return seconds


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


async def eased(world: World, load: Load, within: float = 120.0) -> list[float]:
    """Let the hub work until fewer wait; return the seconds in which it resumed work, if it was down.

    Killed again and again it answers less than is said: then people's messages are refused, for too many of theirs
    wait, and nothing is shown by that.
    """
    seconds = [] if world.hub.alive else [await restarted(world)]
    await fewer(world, load, AT_MOST // 2, within)
    return seconds


async def answered(world: World, load: Load, within: float = 120.0) -> None:
    """Wait until every message is kept and answered."""
    await fewer(world, load, 0, within)
    await asyncio.sleep(1.0)  # what's delivered is still to be noted


async def fewer(world: World, load: Load, most: int, within: float) -> None:
    """Wait until at most so many messages aren't kept and answered, as long as there are fewer in so many seconds."""
    end, left = time.monotonic() + within, 10**9
    while len(missing := load.unanswered) + world.platform.unsaid > most:
        if len(missing) + world.platform.unsaid < left:
            end, left = time.monotonic() + within, len(missing) + world.platform.unsaid
        if time.monotonic() > end:
            raise AssertionError(
                f"{world.platform.unsaid} not kept, {len(missing)} not answered: {sorted(missing)[:5]}"
                f" ({[world.known_of(mark) for mark in sorted(missing)[:5]]}); the hub's log"
                f" ends with: {world.hub.log[-3000:]}"
            )
        await asyncio.sleep(0.1)


def evidence(world: World, load: Load, toll: Toll) -> int:
    """Check what the platform and the book have on record against the promises; return how many came twice."""
    platform = world.platform
    check_counted(world)
    unasked = {told.text for told in platform.deliveries if told.role != "agent" and not EXPECTED.match(told.text)}
    assert not unasked, f"{len(unasked)} notices: {sorted(unasked)[:5]}"
    doubled = check_doubles(platform.deliveries, toll.cut)
    _check_marks(platform.deliveries, load)
    check_order(platform.deliveries, world)
    check_effects(world, load)
    check_store(world, platform.kept)
    return doubled


def check_doubles(deliveries: list[Delivery], cut: Counter[str]) -> int:
    """Return how many messages came twice: marked, and each no more often than a kill cut it off before its noting."""
    seen: Counter[str] = Counter()
    for delivery in deliveries:
        seen[delivery.message] += 1
        assert seen[delivery.message] == 1 or delivery.again, f"came twice and isn't marked: {delivery}"
    extra = seen - Counter(dict.fromkeys(seen, 1))
    unexplained = {message: count for message, count in extra.items() if count > cut[message]}
    assert not unexplained, f"came twice though nothing fell between: {unexplained}"
    return extra.total()


def _check_marks(deliveries: list[Delivery], load: Load) -> None:
    """Every message is answered, and by one answer only."""
    answers: dict[str, set[str]] = {}
    for delivery in deliveries:
        for mark in MARK.findall(delivery.text) if delivery.role == "agent" else ():
            answers.setdefault(mark, set()).add(delivery.message)
    assert set(load.said) <= set(answers)
    twice = {mark: ids for mark, ids in answers.items() if len(ids) > 1}
    assert not twice, f"answered by two different answers: {twice}"


def check_order(deliveries: list[Delivery], world: World) -> None:
    """Within a chat's task the answers come in the order of the messages."""
    task_of = dict(world.rows("SELECT id, task FROM messages"))
    last: dict[tuple[str, str], int] = {}
    seen = set()
    for delivery in deliveries:
        marks = [int(mark.rpartition("x")[2]) for mark in MARK.findall(delivery.text)]
        if delivery.message in seen or not marks or delivery.role != "agent":
            continue
        seen.add(delivery.message)
        lane = (delivery.chat, task_of[delivery.message])
        assert last.get(lane, 0) < min(marks), f"out of order: {delivery}"
        last[lane] = max(marks)


def check_effects(world: World, load: Load) -> None:
    """What was to be noted was noted once."""
    keys = world.effect_keys()
    assert set(keys) == load.effects
    doubled = {mark: found for mark, found in keys.items() if len(found) > 1}
    assert not doubled, f"noted more than once: {doubled}"


def check_store(world: World, kept: dict[str, Said]) -> None:
    """The database is whole, has each message that the platform was told is kept, and all of them are answered."""
    if not world.database:
        assert world.rows("PRAGMA integrity_check") == [("ok",)]
    assert world.rows("SELECT queue, state, count(*) FROM entries WHERE state != 'done' GROUP BY 1, 2") == []
    states = dict(world.rows("SELECT external_id, state FROM messages WHERE role = 'user'"))
    assert set(kept) <= set(states)
    assert Counter(states.values()) == {"answered": len(states)}
