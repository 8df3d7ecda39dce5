"""A webhook, called by a Bot API server that somebody else wrote."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bridges.telegram.bridge import HEADER
from bridges.telegram.late import LateTelegramBridge
from hub.errors import StoreUnavailable
from hub.records import File
from tests.telegram.emulator import TOKEN, Emulator
from tests.telegram.proxy import Proxy
from tests.telegram.says import album, until_made
from tests.telegram.world import Refusing, World, an_account, outgoing


class Site:
    """What the hub's web server does with what's posted to /telegram/NAME."""

    def __init__(self) -> None:
        self.bridge: LateTelegramBridge | None = None
        self.url = ""
        self.answers: list[int] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/telegram/telegram", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        assert self.bridge is not None
        headers = {name.lower(): value for name, value in request.headers.items()}
        status = await self.bridge.hook(headers, await request.read())
        self.answers.append(status)
        return web.Response(status=status)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with site.open():
        yield site


@pytest.fixture
def world(proxy: Proxy, tmp_path: Path, site: Site) -> World:
    world = World(an_account(proxy.url, TOKEN, mode="webhook", webhook_url=site.url), tmp_path / "files")
    site.bridge = world.bridge
    return world


async def test_what_is_posted_is_kept_and_answered(emulator: Emulator, proxy: Proxy, world: World) -> None:
    """T1, over a webhook, with the emulator's own judgement of every request."""
    async with world.running() as bridge:
        number = await emulator.says("Hello")
        [incoming] = await world.kept.count(1)
        await bridge.deliver(outgoing("Hi", reply_to=incoming.external_id))
    assert incoming.external_id == str(number)
    assert proxy.texts == ["Hi"]
    assert await emulator.pending() == 0
    [asked] = proxy.made("setWebhook")
    assert len(asked.fields["secret_token"]) == 64
    assert (await emulator.verdict("setWebhook", "webhook", "sendMessage"))["ok"]


async def test_what_has_no_secret_or_a_forged_one_is_refused(world: World) -> None:
    """T1"""
    body = json.dumps({"update_id": 1, "message": {"message_id": 1, "date": 1, "text": "x"}}).encode()
    async with world.running() as bridge:
        for headers in ({}, {HEADER: ""}, {HEADER: "0" * 64}, {HEADER: "ü"}):
            assert await bridge.hook(headers, body) == 401
    assert world.kept.incoming == []


async def test_what_is_not_kept_is_not_acknowledged_and_comes_again_once(emulator: Emulator, world: World) -> None:
    world.kept.faults = [StoreUnavailable("full")]
    async with world.running():
        await emulator.says("one")
        assert (world.kept.texts, await emulator.pending()) == ([], 1)
        assert await emulator.deliver_again() == 1
    assert world.kept.texts == ["one"]


async def test_a_restart_keeps_nothing_twice(emulator: Emulator, world: World, site: Site) -> None:
    async with world.running() as bridge:
        await emulator.says("one")
        body = json.dumps({"update_id": 1, "message": emulator.message(text="one") | {"message_id": 1}}).encode()
        site.bridge = world.bridge = world.another()
        assert await bridge.hook({HEADER: bridge.secret}, body) == 200
    async with world.running():
        await emulator.says("two")
        await world.kept.count(2)
    assert (world.kept.texts, world.kept.again) == (["one", "two"], 1)


async def test_while_nobody_can_take_it_nothing_is_acknowledged(world: World) -> None:
    body = json.dumps({"update_id": 1}).encode()
    assert await world.bridge.hook({HEADER: world.bridge.secret}, body) == 503


async def test_an_album_is_one_message_though_each_part_must_be_acknowledged_for_the_next(
    emulator: Emulator, world: World, site: Site
) -> None:
    """T6: the emulator posts a part only when the last is acknowledged."""
    async with world.running():
        await album(emulator, "a1")
        assert await emulator.pending() == 0
        site.bridge = None
        [pictures] = await world.kept.count(1)
    assert [part.name for part in pictures.parts if isinstance(part, File)] == [f"photo-a1{n}.jpg" for n in range(3)]


async def test_an_album_whose_parts_are_acknowledged_survives_a_kill(
    emulator: Emulator, world: World, site: Site
) -> None:
    async with world.running():
        await album(emulator, "a1")
    assert (world.kept.incoming, await emulator.pending()) == ([], 0)
    site.bridge = world.bridge = world.another()
    async with world.running():
        [pictures] = await world.kept.count(1)
    assert len(pictures.parts) == 4


async def test_a_stranger_gets_nothing(emulator: Emulator, proxy: Proxy, world: World) -> None:
    """T7"""
    world.kept = Refusing()
    async with world.running():
        await until_made(proxy, "setMyCommands", 2)
        asked = len(proxy.calls)
        await emulator.says("Let me in", chat=6666)
        assert await emulator.pending() == 0
    assert proxy.calls[asked:] == []


async def test_polling_takes_a_webhook_away(emulator: Emulator, proxy: Proxy, world: World, tmp_path: Path) -> None:
    async with world.running():
        pass
    polled = World(an_account(proxy.url, TOKEN), tmp_path)
    async with polled.running():
        await emulator.says("Hello")
        await polled.kept.count(1)
    assert len(proxy.made("deleteWebhook")) == 1
