"""Hundreds of faults on the way to Telegram: nothing is lost, nothing is doubled in silence, nobody runs hot."""

import asyncio
import itertools
import time
from collections import Counter
from pathlib import Path

from bridges.telegram.wording import AGAIN
from hub.errors import DeliveryDelayed, DeliveryUncertain
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.proxy import Proxy
from tests.telegram.says import until
from tests.telegram.world import QuickClock, World, an_account, outgoing

FAULTS, CHATS, MESSAGES = 300, 8, 25
TIMES = 20.0
"""So much faster than usual the bridge's pauses pass."""


async def deliver(world: World, chat: str, number: int, marked: set[str]) -> None:
    """Deliver a message as the hub's outbox does: for as long as it takes."""
    text, again = f"out {chat}/{number}", False
    message = outgoing(text, chat=chat).message
    while True:
        try:
            await world.bridge.deliver(outgoing(text, chat=chat, id=message.id, again=again))
        except DeliveryDelayed as delay:
            await world.clock.sleep(delay.after)
        except DeliveryUncertain:
            again = True
            marked.add(text)
            await world.clock.sleep(1.0)
        else:
            return


async def test_of_what_is_said_through_300_faults_nothing_is_lost_or_doubled_in_silence(
    api: BotApi, way: Proxy, tmp_path: Path
) -> None:
    world = World(an_account(way.url, TOKEN, receipts=False), tmp_path, clock=QuickClock(TIMES))
    marked: set[str] = set()
    chats = [str(2000 + number) for number in range(CHATS)]

    async def talk(chat: str) -> None:
        for number in range(MESSAGES):
            api.says(f"in {chat}/{number}", chat=int(chat))
            await deliver(world, chat, number, marked)

    async with world.running():
        way.rage(7, rate=0.4, count=FAULTS)
        async with asyncio.TaskGroup() as group:
            for chat in chats:
                group.create_task(talk(chat))
        await world.kept.count(CHATS * MESSAGES, within=40)

        def all_acknowledged() -> bool:
            return len(set(api.acknowledged)) == CHATS * MESSAGES

        await until(all_acknowledged, within=20)
        more = itertools.count()
        while way.faults < FAULTS:
            await deliver(world, f"{3000 + next(more) % CHATS}", next(more), marked)

    for chat in chats:
        came = [text for text in world.kept.texts if text.startswith(f"in {chat}/")]
        assert came == [f"in {chat}/{number}" for number in range(MESSAGES)]
        went = [text for text in api.texts if f"out {chat}/" in text]
        assert list(dict.fromkeys(text.removeprefix(f"{AGAIN}\n") for text in went)) == [
            f"out {chat}/{number}" for number in range(MESSAGES)
        ]
    unmarked = Counter(text for text in api.texts if not text.startswith(AGAIN))
    assert max(unmarked.values()) == 1
    doubled = {text.removeprefix(f"{AGAIN}\n") for text in api.texts if text.startswith(AGAIN)}
    assert doubled <= marked
    assert way.faults >= 250


async def test_after_each_of_five_outages_the_bridge_is_back_within_30_seconds(
    api: BotApi, way: Proxy, tmp_path: Path
) -> None:
    world = World(an_account(way.url, TOKEN), tmp_path, clock=QuickClock(TIMES))
    async with world.running() as bridge:
        for number in range(5):
            await way.down()
            await until(lambda: bridge.info.state == "waiting")
            await world.clock.sleep(25.0)
            await way.up()
            began = world.clock.monotonic()
            api.says(f"{number}")
            await world.kept.count(number + 1)
            assert world.clock.monotonic() - began <= 30.0
            assert bridge.info.state == "running"
    assert world.kept.texts == [f"{number}" for number in range(5)]


async def test_while_cut_off_a_bridge_takes_less_than_a_twentieth_of_a_core(
    api: BotApi, way: Proxy, tmp_path: Path
) -> None:
    world = World(an_account(way.url, TOKEN), tmp_path)
    async with world.running() as bridge:
        await way.down()
        await until(lambda: bridge.info.state == "waiting")
        began, busy = time.monotonic(), time.process_time()
        await asyncio.sleep(3.0)
        share = (time.process_time() - busy) / (time.monotonic() - began)
    assert share < 0.05
