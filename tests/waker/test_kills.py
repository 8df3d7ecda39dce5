"""Waker and hub are killed again and again, while one starts, takes or stops: what was acknowledged arrives, once."""

import asyncio
import os
import random
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx

from hub.accounts import TelegramAccount, webhook_secret
from tests.faults.served import eventually
from tests.telegram.botapi import TOKEN
from tests.waker.sleeping import SHARED, Sleeping
from tests.waker.test_herd import ACCOUNT, WEBHOOK

KILLS = int(os.environ.get("AGENTHOST_WAKER_KILLS", "60"))
"""300 in `make faults WAKER_KILLS=300`."""
CHATS = 8
AWAY = 0.02
"""Seconds until Telegram posts again what wasn't received."""


class Telegram:
    """Posts what people write, each chat's in its order, again until it's received."""

    def __init__(self, waker: Sleeping) -> None:
        self._waker = waker
        self._headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(TelegramAccount(token=TOKEN))}
        self.received: list[tuple[str, int]] = []
        self.over = False

    async def write(self, chat: int, dice: random.Random) -> None:
        """Write in a chat until it's over."""
        number = chat
        while not self.over:
            number += CHATS
            where = {"id": 2000 + chat, "type": "private"}
            message = {"message_id": number, "date": 1, "chat": where, "from": {"id": 2000 + chat}, "text": "Hi"}
            while not await self._post({"update_id": number, "message": message}):
                await asyncio.sleep(AWAY)
            self.received.append((str(2000 + chat), number))
            await asyncio.sleep(dice.uniform(0, 0.2))

    async def _post(self, update: dict[str, object]) -> bool:
        try:
            answer = await self._waker.http.post("/telegram/telegram", json=update, headers=self._headers, timeout=10)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200


def kept(file: Path) -> list[tuple[str, int]]:
    """Return what the stand-in has kept, in its order; nothing if it was never up long enough to make its file."""
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute("SELECT chat, number FROM kept ORDER BY id").fetchall()


async def test_kills_of_waker_and_hub_lose_nothing_and_upset_no_order(tmp_path: Path) -> None:
    dice, file = random.Random(29), tmp_path / "kept.db"
    account = ACCOUNT.format(token=TOKEN, url="http://127.0.0.1:1")
    command = [sys.executable, "-m", "tests.waker.standin", "{port}", str(file), SHARED]
    async with Sleeping(tmp_path, "", account, of_waker=WEBHOOK, command=command) as waker:
        telegram = Telegram(waker)
        writing = [asyncio.create_task(telegram.write(chat, random.Random(chat))) for chat in range(CHATS)]
        killed = Counter[str]()
        while killed.total() < KILLS:
            await asyncio.sleep(dice.uniform(0, 0.6))
            if dice.random() < 2 / 3:
                killed["hub"] += waker.kill_hub()
            else:
                killed["waker"] += 1
                await waker.kill()
                await waker.start()
        telegram.over = True
        await asyncio.gather(*writing)

        async def all_over() -> bool:
            return set(kept(file)) >= set(telegram.received)

        await eventually(all_over, "something that was acknowledged isn't there", within=120)
        await waker.be("stopped")
        assert (await waker.status())["waiting"] == 0
    found = kept(file)
    print(f"waker: {len(telegram.received)} updates under {dict(killed)} kills: 0 lost")
    assert sorted(found) == sorted(telegram.received), "each once, and nothing else"
    for chat in {chat for chat, _ in found}:
        numbers = [number for where, number in found if where == chat]
        assert numbers == sorted(numbers), "in the order in which it was said"
