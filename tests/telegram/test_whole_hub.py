"""The whole hub, as `agenthost run` starts it, with its bot at a Bot API server that somebody else wrote."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import pytest
from aiohttp import web

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


HOOKED = """mode = "webhook"
webhook_url = "{url}"
"""


class Relay:
    """What stands before a hub that Telegram calls: a proxy with the public address."""

    def __init__(self) -> None:
        self.target = ""
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.Response:
        if not self.target:
            return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        async with httpx.AsyncClient() as client:
            body = await request.read()
            answer = await client.post(f"{self.target.rstrip('/')}{request.path}", content=body, headers=headers)
        return web.Response(status=answer.status_code)


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
        await until(lambda: len(proxy.texts) == 1, within=60)
        assert len((await hub.get("/v1/tasks"))["items"]) == 1
        status = await hub.get("/v1/status")
        [bridge] = [bridge for bridge in status["bridges"] if bridge["name"] == "telegram"]
        assert bridge["state"] == "running"
        await until_acknowledged(emulator)
    await emulator.says("And again")
    async with Relay() as relay, Served(tmp_path, config + HOOKED.format(url=relay.url)) as hub:
        relay.target = str(hub.http.base_url)
        await until(lambda: len(proxy.made("setWebhook")) == 1, within=60)
        await emulator.deliver_again()  # unless setWebhook's own try got through
        await until(lambda: len(proxy.texts) == 2, within=60)
        await emulator.says("By the webhook")
        await until(lambda: len(proxy.texts) == 3, within=60)
        assert await emulator.pending() == 0
        assert (await emulator.client.post(f"{relay.url}/telegram/telegram", json={"update_id": 9})).status_code == 401
        assert TOKEN not in hub.log
    assert len(proxy.texts) == 3
    assert {call.fields.get("chat_id") for call in proxy.calls} <= {None, "1001"}
    assert (await emulator.verdict("getUpdates", "sendMessage", "webhook", refusals=("getUpdates:409", "webhook:503")))[
        "ok"
    ]


async def test_the_hub_types_shows_receipts_and_gives_each_task_its_topic(
    topical: BotApi, model: str, tmp_path: Path
) -> None:
    async with Served(tmp_path, model + ACCOUNT.format(token=OURS, url=topical.url)) as hub:
        number = topical.says("Write to my landlord")
        await until(lambda: len(topical.shown) == 1, within=60)
        topical.says("/new Do my taxes")
        await until(lambda: len(topical.shown) >= 2, within=60)
        await until(lambda: topical.reactions.get((1001, number)) == "👌")
        await until(lambda: bool(topical.made("sendChatAction")))
        threads = {shown.thread for shown in topical.shown}
        assert len(topical.topics) == 2
        assert threads <= {thread for _, thread in topical.topics} | {None}
        first = next(shown for shown in topical.shown if shown.thread)
        topical.says("And?", thread=first.thread)
        await until(lambda: topical.shown[-1].thread == first.thread and len(topical.shown) >= 3, within=60)
        assert len((await hub.get("/v1/tasks"))["items"]) == 2
