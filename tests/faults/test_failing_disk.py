"""A disk that fails (writes end in an I/O error): nothing is damaged or lost, senders are told, and it passes."""

import asyncio
import resource
import signal
import time
from pathlib import Path

import pytest

from tests.faults import figures
from tests.faults.harness import World
from tests.faults.load import Load
from tests.faults.test_full_disk import RECOVERED_WITHIN, until
from tests.faults.test_kills import answered, check_order, check_store

pytestmark = pytest.mark.faults

ROUNDS = 3


async def test_writes_that_fail_lose_nothing_and_are_over_with_the_fault(tmp_path: Path) -> None:
    """R2: the kernel lets no file of the hub's grow beyond its first bytes, so that SQLite sees each write fail."""
    async with World(tmp_path, chats=20) as world:
        load, platform, longest = Load(world, kinds=(0, 2)), world.platform, 0.0
        await world.start()
        await world.hub.line()
        whole = resource.prlimit(world.hub.pid, resource.RLIMIT_FSIZE)
        for _ in range(ROUNDS):
            load.say(10)
            await asyncio.sleep(0.2)
            refused = len(platform.refused)
            resource.prlimit(world.hub.pid, resource.RLIMIT_FSIZE, (64, whole[1]))
            load.say(10)
            await until(lambda before=refused: len(platform.refused) > before, "nobody was told that it can't be kept")
            assert all(refusal.later for refusal in platform.refused)
            assert world.hub.alive
            await asyncio.sleep(1.0)
            kept, mended_at = len(platform.kept), time.monotonic()
            resource.prlimit(world.hub.pid, resource.RLIMIT_FSIZE, whole)
            await until(lambda before=kept: len(platform.kept) > before, "nothing was kept once writes went well again")
            longest = max(longest, time.monotonic() - mended_at)
            await answered(world, load)
        await world.hub.end(signal.SIGTERM, within=60)

        check_order(platform.deliveries, world)
        check_store(world, platform.kept)
        figures.note(4, f"lost in {ROUNDS} rounds of I/O errors under {len(load.said)} messages", 0, "0")
        figures.note(4, "messages kept again after them", f"{longest:.1f} s", f"{RECOVERED_WITHIN:.0f} s")
        assert longest <= RECOVERED_WITHIN
