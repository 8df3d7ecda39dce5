"""Several hubs, one of which tells webhooks what happens on all of them: another goes on where it was killed."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.faults.receiver import Receiver
from tests.faults.test_killed_webhooks import WANTED, hooked, is_signed
from tests.hubs.fleet import Fleet, Talk

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("AGENTHOST_HUBS_KILLS", "3"))
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
TAKEN_OVER = 60.0


async def test_whichever_hub_dies_another_goes_on_telling_and_nothing_is_lost(
    empty_database: str, tmp_path: Path
) -> None:
    async with Receiver() as receiver:
        more = f'\n[egress]\nallow = ["{receiver.place}"]\n'
        async with Fleet(tmp_path, empty_database, hubs=2, chats=6, latency=0.0, more=more) as fleet:
            secret = await hooked(tmp_path / "data", empty_database, receiver)
            talk = Talk(fleet, random.Random(SEED))
            await fleet.start()
            waits = []
            for number in range(ROUNDS):
                talk.say(8)
                await asyncio.sleep(0.3)
                name, before = fleet.names[number % 2], len(receiver.got)
                began = time.monotonic()
                await fleet.hubs[name].end()
                talk.say(4)
                await until(fleet, lambda count=before: all_told(fleet, receiver, count + 1))  # type: ignore[misc]
                waits.append(time.monotonic() - began)
                await fleet.start(name)
            await until(fleet, lambda: all_told(fleet, receiver, 1))
            wanted = [seq for seq, _ in await fleet.rows(WANTED)]

    first = [next(got for got in receiver.got if got.id == id) for id in receiver.ids]
    print(
        f"\n{ROUNDS} kills: {len(wanted)} events, {len(receiver.got) - len(first)} came twice with the same id, 0 lost;"
    )
    print(f"all told again after {', '.join(f'{wait:.0f} s' for wait in waits)}")
    assert [got.sequence for got in first] == wanted
    assert all(is_signed(secret, got.headers, got.body) for got in receiver.got)


async def all_told(fleet: Fleet, receiver: Receiver, least: int) -> bool:
    """Say whether nothing waits, and the receiver knows of all that happened."""
    waiting = (await fleet.rows("SELECT count(*) FROM entries WHERE state IN ('ready', 'held')"))[0][0]
    told = {got.sequence for got in receiver.got}
    return not waiting and len(receiver.got) >= least and all(seq in told for seq, _ in await fleet.rows(WANTED))


async def until(fleet: Fleet, true: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + TAKEN_OVER
    while not await true():
        assert time.monotonic() < end, fleet.logs
        await asyncio.sleep(0.2)
