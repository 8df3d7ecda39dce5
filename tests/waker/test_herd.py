"""A thousand updates come at once to a hub that sleeps: it's started once, and each of them is kept once."""

import asyncio
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from statistics import quantiles

import pytest

from hub.accounts import TelegramAccount, webhook_secret
from hub.cli.bench_waker import Line
from tests.faults.served import Model, eventually
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.description import described
from tests.waker.sleeping import Sleeping

HOOKS = int(os.environ.get("AGENTHOST_WAKER_HOOKS", "1000"))
CONNECTIONS = 40
ACCOUNT = """
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{url}"
access = "open"
"""
WEBHOOK = 'mode = "webhook"\nwebhook_url = "http://127.0.0.1:9"\n'


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(described()) as api:
        yield api


def kept(waker: Sleeping) -> list[tuple[str, str]]:
    """Return the chats and ids of what people said, as the hub has kept it, in its order."""
    with closing(sqlite3.connect(f"file:{waker.database}?mode=ro", uri=True)) as database:
        sql = "SELECT chat, external_id FROM messages WHERE bridge = 'telegram' AND role = 'user' ORDER BY id"
        return database.execute(sql).fetchall()


def said(number: int) -> dict[str, object]:
    """Return an update: as many people write as there are connections."""
    who = 2000 + number % CONNECTIONS
    person = {"id": who, "is_bot": False, "first_name": "Ann"}
    chat = {"id": who, "type": "private", "first_name": "Ann"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": person, "text": f"/whoami {number}"}
    return {"update_id": number, "message": message}


async def test_a_herd_starts_the_hub_once_and_loses_and_doubles_nothing(api: BotApi, tmp_path: Path) -> None:
    account = ACCOUNT.format(token=TOKEN, url=api.url)
    secret = webhook_secret(TelegramAccount(token=TOKEN))
    async with Model(tmp_path) as model, Sleeping(tmp_path, model, account, of_waker=WEBHOOK) as waker:
        await waker.met()
        starts = (await waker.status())["starts_this_hour"]
        took = list[float]()

        async def post(first: int) -> None:
            # As Telegram does: what somebody says next is posted once what they said before is received.
            line = Line(waker.port, secret)
            for number in range(first, HOOKS + 1, CONNECTIONS):
                body, began = json.dumps(said(number)).encode(), time.perf_counter()
                assert await line.post(body) == 200
                took.append(time.perf_counter() - began)
            line.close()

        await asyncio.gather(*(post(first) for first in range(1, CONNECTIONS + 1)))

        async def all_over() -> bool:
            return bool((await waker.status())["waiting"] == 0)

        await eventually(all_over, "not handed over", within=240)
        found = kept(waker)
        assert (await waker.status())["starts_this_hour"] == starts + 1
    assert max(Counter(found).values()) == 1
    assert len(found) == HOOKS
    for chat in {chat for chat, _ in found}:
        ids = [int(id) for where, id in found if where == chat]
        assert ids == sorted(ids), "in the order in which it was said"
    p50, p99 = (quantiles(took, n=100)[which - 1] * 1000 for which in (50, 99))
    print(f"waker: {HOOKS} updates to a sleeping hub at {CONNECTIONS} connections: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
