"""The whole hub, as `agenthost run` starts it, with its bot at a Bot API server that somebody else wrote."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.served import Model, Served
from tests.telegram.botapi import TOKEN as OURS
from tests.telegram.botapi import BotApi
from tests.telegram.emulator import TOKEN, Emulator
from tests.telegram.proxy import Proxy
from tests.telegram.says import until, until_acknowledged

ACCOUNT = """
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{url}"
access = "list"
allow = ["1001"]
owner = "1001"
"""


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[str]:
    async with Model(tmp_path) as config:
        yield config


async def test_a_message_is_answered_a_strangers_is_not_and_a_killed_hub_loses_and_doubles_nothing(
    emulator: Emulator, proxy: Proxy, model: str, tmp_path: Path
) -> None:
    """T1 and T7, with the whole hub."""
    config = model + ACCOUNT.format(token=TOKEN, url=proxy.url)
    async with Served(tmp_path, config) as hub:
        await emulator.says("Let me in", chat=6666)
        await until_acknowledged(emulator)
        await emulator.says("Hello")
        await until(lambda: len(proxy.texts) == 1, within=30)
        assert len((await hub.get("/v1/tasks"))["items"]) == 1
        status = await hub.get("/v1/status")
        [bridge] = [bridge for bridge in status["bridges"] if bridge["name"] == "telegram"]
        assert bridge["state"] == "running"
        await until_acknowledged(emulator)
    await emulator.says("And again")
    async with Served(tmp_path, config) as hub:
        await until(lambda: len(proxy.texts) == 2, within=30)
        await until_acknowledged(emulator)
        await asyncio.sleep(0.5)
        assert TOKEN not in hub.log
    assert len(proxy.texts) == 2
    assert {call.fields.get("chat_id") for call in proxy.calls} <= {None, "1001"}
    assert (await emulator.verdict("getUpdates", "sendMessage", refusals=("getUpdates:409",)))["ok"]


async def test_an_answer_is_drafted_and_each_task_has_its_topic(topical: BotApi, model: str, tmp_path: Path) -> None:
    async with Served(tmp_path, model + ACCOUNT.format(token=OURS, url=topical.url)) as hub:
        number = topical.says("Write to my landlord")
        await until(lambda: len(topical.shown) == 1, within=30)
        topical.says("/new Do my taxes")
        await until(lambda: len(topical.shown) >= 2, within=30)
        await until(lambda: topical.reactions.get((1001, number)) == "👌")
        threads = {shown.thread for shown in topical.shown}
        assert len(topical.topics) == 2
        assert threads <= {thread for _, thread in topical.topics} | {None}
        first = next(shown for shown in topical.shown if shown.thread)
        topical.says("And?", thread=first.thread)
        await until(lambda: topical.shown[-1].thread == first.thread and len(topical.shown) >= 3, within=30)
        assert len((await hub.get("/v1/tasks"))["items"]) == 2
