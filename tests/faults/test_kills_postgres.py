"""kill -9 of the hub, of its model's server and of PostgreSQL itself, under load: the same promises as over SQLite."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.faults import figures
from tests.faults.harness import World
from tests.faults.load import Load
from tests.faults.test_kills import CHATS, SEED, Toll, answered, evidence, plan, restarted, survive
from tests.postgres.server import Cluster, a_cluster

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("AGENTHOST_KILLS", "30")) // 6
MESSAGES = 34 * KILLS
SERVER_EVERY = 3
"""After every third kill of the hub or the model, PostgreSQL is killed under a hub at work."""


async def test_kills_lose_nothing_over_postgresql_either(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    with a_cluster() as cluster, cluster.database() as url:
        async with World(tmp_path, chats=CHATS, database=url) as world:
            load, toll = Load(world, dice), Toll(world)
            leave = asyncio.create_task(load.give_leave())
            for number, kill in enumerate(plan(KILLS, dice)):
                load.say((number + 1) * MESSAGES // KILLS - number * MESSAGES // KILLS)
                await survive(world, kill, toll)
                if number % SERVER_EVERY == 0:
                    await kill_the_server(world, cluster, dice)
            await world.hub.end()
            await toll.count()
            await restarted(world)
            await answered(world, load)
            await world.hub.end(within=30)
            leave.cancel()

            doubled = evidence(world, load, toll)
            under = f"{toll.dead} kills of the hub and {-(-KILLS // SERVER_EVERY)} of PostgreSQL"
            said = f"{len(load.said):,} messages"
            figures.note(1, f"accepted messages lost over PostgreSQL, {under} under {said}", 0, "0")
            figures.note(2, f"effects done twice over PostgreSQL, of {len(load.effects):,}", 0, "0")
            figures.note(2, "seen twice over PostgreSQL, all marked", doubled, "each cut off by a kill")


async def kill_the_server(world: World, cluster: Cluster, dice: random.Random) -> None:
    """Kill PostgreSQL under a hub at work, which has to go on by itself."""
    if not world.hub.alive:
        await restarted(world)
    await asyncio.sleep(dice.uniform(0.0, 0.5))
    await asyncio.to_thread(cluster.stop, signal.SIGQUIT)
    await asyncio.sleep(dice.uniform(0.0, 1.0))
    await asyncio.to_thread(cluster.start)
