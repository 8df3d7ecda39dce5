"""The model's server goes away for longer than anybody would retry: what was said waits, and is answered afterwards."""

import asyncio
from pathlib import Path

import pytest

from hub.testing.server import MARK
from tests.faults.harness import World
from tests.faults.test_full_disk import said_and_answered, until

pytestmark = pytest.mark.faults

AWAY = 15.0


async def test_a_models_server_thats_away_for_long_costs_nobody_an_answer(tmp_path: Path) -> None:
    async with World(tmp_path, chats=10) as world:
        await world.start()
        await said_and_answered(world, 10, within=30)
        await world.model.end()
        for chat in world.chats:
            world.platform.say(chat, f"And {chat.replace('chat', 'm')}x2?", thread="one")
        await until(lambda: world.platform.unsaid == 0, "nothing is kept without a model")
        await asyncio.sleep(AWAY)
        await world.model.start()
        await said_and_answered(world, 0, within=60)

        apologies = [delivery for delivery in world.platform.deliveries if not MARK.search(delivery.text)]
        assert len(apologies) <= len(world.chats), "nobody is told more than once that there's no model"
        assert all("kept" in apology.text for apology in apologies)
