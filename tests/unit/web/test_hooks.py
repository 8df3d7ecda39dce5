"""/telegram/NAME: open, but only for accounts that Telegram calls; 200 only once it's kept; no body is logged."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from hub.accounts import TelegramAccount
from hub.config import Config
from hub.errors import StoreUnavailable
from hub.records import Address, Incoming
from hub.testing import AbleBridge, FakeBridge
from tests.unit.web.world import World, a_world

CALLED = Config(bridges=(TelegramAccount(name="bot", mode="webhook"), TelegramAccount(name="asks")))


def post(bridge: AbleBridge, text: str) -> tuple[Mapping[str, str], bytes]:
    return bridge.posted(text, id="7", address=Address(bridge="bot", chat="4711"))


@asynccontextmanager
async def running(bridge: AbleBridge, *faults: Exception) -> AsyncGenerator[list[Incoming], None]:
    kept: list[Incoming] = []
    waiting = list(faults)

    async def accept(incoming: Incoming) -> bool:
        if waiting:
            raise waiting.pop(0)
        kept.append(incoming)
        return True

    run = asyncio.ensure_future(bridge.run(accept))
    await asyncio.sleep(0)
    yield kept
    run.cancel()


async def a_called_world(bridge: AbleBridge) -> tuple[World, httpx.AsyncClient]:
    world = await a_world(CALLED, bridges=[bridge, AbleBridge("asks"), AbleBridge("other")])
    return world, world.client("")


async def test_what_telegram_posts_is_kept_without_a_key_and_under_any_host_name() -> None:
    bridge = AbleBridge("bot")
    _, client = await a_called_world(bridge)
    headers, body = post(bridge, "Hi!")
    async with client, running(bridge) as kept:
        answer = await client.post("/telegram/bot", content=body, headers={**headers, "Host": "bots.example.org"})

    assert answer.status_code == 200
    assert [incoming.external_id for incoming in kept] == ["7"]


async def test_without_the_secret_nothing_is_kept() -> None:
    bridge = AbleBridge("bot")
    _, client = await a_called_world(bridge)
    async with client, running(bridge) as kept:
        answer = await client.post("/telegram/bot", content=post(bridge, "Hi!")[1])

    assert (answer.status_code, kept) == (401, [])


@pytest.mark.parametrize("name", ["asks", "other", "http", "nobody"])
async def test_there_is_no_such_page_for_accounts_that_are_not_called(name: str) -> None:
    bridge = AbleBridge("bot")
    _, client = await a_called_world(bridge)
    headers, body = post(bridge, "Hi!")
    async with client:
        assert (await client.post(f"/telegram/{name}", content=body, headers=dict(headers))).status_code == 404


async def test_what_cannot_be_kept_now_is_to_come_again() -> None:
    class Full(AbleBridge):
        async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
            raise StoreUnavailable("the disk is full")

    _, client = await a_called_world(Full("bot"))
    async with client:
        answer = await client.post("/telegram/bot", content=b"{}")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_a_body_too_large_is_refused_unread() -> None:
    _, client = await a_called_world(AbleBridge("bot"))
    async with client:
        assert (await client.post("/telegram/bot", content=b"x" * (1024 * 1024 + 1))).status_code == 413


async def test_a_bridge_that_fails_is_logged_without_a_word_of_what_was_posted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Clumsy(AbleBridge):
        async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
            raise ValueError(body.decode())

    _, client = await a_called_world(Clumsy("bot"))
    with caplog.at_level(logging.DEBUG):
        async with client:
            answer = await client.post("/telegram/bot", content=b"my secret wish")

    assert answer.status_code == 500
    assert "bridge bot: failed" in caplog.text
    assert "secret wish" not in caplog.text + answer.text


async def test_a_bridge_that_cannot_be_called_has_no_page() -> None:
    world = await a_world(CALLED, bridges=[FakeBridge("bot")])
    async with world.client("") as client:
        assert (await client.post("/telegram/bot", content=b"{}")).status_code == 404
