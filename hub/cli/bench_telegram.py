"""Measures how fast a served hub keeps what Telegram tells it; a small Bot API server stands on the other side."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.cli.bench_figures import Figure, p50_and
from hub.cli.bench_served import CONFIG, served

TOKEN = "1:bench-token-of-nobody-0123456789abcdef"  # noqa: S105
ACCOUNT = """
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{url}"
access = "open"
receipts = false
"""
BURST, CHATS = 200, 20
BOT = {"id": 1, "is_bot": True, "first_name": "Bench", "username": "BenchBot"}
PATIENCE = 60.0


class Counterpart:
    """Hands over updates, and notes when the offset was raised over them."""

    def __init__(self) -> None:
        self._updates: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        self._number = 0
        self.told: list[str] = []
        """What senders were told: there's no model, so only refusals."""
        self.polled = asyncio.Event()

    async def tell(self, count: int) -> None:
        """Hand over so many messages at once, and return when all are acknowledged."""
        self._settled.clear()
        self._updates = [self._message() for _ in range(count)]
        self._news.set()
        async with asyncio.timeout(PATIENCE):
            await self._settled.wait()

    async def called(self, request: web.Request) -> web.Response:
        """Answer any method."""
        fields = await request.post()
        match request.match_info["method"]:
            case "getUpdates":
                result: Any = await self._poll(int(str(fields.get("offset", 0))))
            case "getMe":
                result = BOT
            case "getWebhookInfo":
                result = {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
            case method if method.startswith("send") and "Draft" not in method and method != "sendChatAction":
                self.told.append(str(fields.get("text")))
                result = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "x"}
            case _:
                result = True
        return web.json_response({"ok": True, "result": result}, dumps=json.dumps)

    async def _poll(self, offset: int) -> list[dict[str, Any]]:
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        if not self._updates:
            self._settled.set()
            self._news.clear()
            self.polled.set()
            await self._news.wait()
        return self._updates[:100]

    def _message(self) -> dict[str, Any]:
        self._number += 1
        chat = 1000 + self._number % CHATS
        who = {"id": chat, "is_bot": False, "first_name": "Somebody"}
        where = {"id": chat, "type": "private", "first_name": "Somebody"}
        text = f"Message {self._number}"
        message = {"message_id": self._number, "date": int(time.time()), "chat": where, "from": who, "text": text}
        return {"update_id": self._number, "message": message}


async def keeping(folder: Path, *, messages: int) -> list[Figure]:
    """Have 200 messages come at once, and some one after another."""
    async with _listening() as (counterpart, url):
        config = CONFIG.format(url="http://127.0.0.1:1/v1") + ACCOUNT.format(token=TOKEN, url=url)
        async with served(folder, config), asyncio.timeout(5 * PATIENCE):
            await counterpart.polled.wait()
            await counterpart.tell(CHATS)  # people it hasn't met are made persons first
            bursts = [await _timed(counterpart, BURST) for _ in range(3)]
            single = [await _timed(counterpart, 1) for _ in range(messages)]
    if counterpart.told:
        raise RuntimeError(f"not all was kept: {counterpart.told[0]}")
    return [
        Figure(name="burst of 200 updates from Telegram, kept", value=min(bursts), unit="s", aim=1.0, note="best of 3"),
        *p50_and(95, "one update from Telegram, kept and acknowledged", single[5:], (10.0, None)),
    ]


async def _timed(counterpart: Counterpart, count: int) -> float:
    began = time.perf_counter()
    await counterpart.tell(count)
    return time.perf_counter() - began


@asynccontextmanager
async def _listening() -> AsyncGenerator[tuple[Counterpart, str], None]:
    counterpart = Counterpart()
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", counterpart.called)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield counterpart, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
