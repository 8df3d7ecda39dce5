"""kill -9 on the way from an event to a webhook: none lost, in order, and what comes twice has the same id.

`AGENTHOST_KILLS` and `AGENTHOST_SEED` make it longer or another one.
"""

import asyncio
import base64
import hmac
import os
import random
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import make_url

from hub.failpoints import RARE
from hub.flow.webhook_posting import about
from hub.flow.webhook_signing import fresh_secret
from hub.ports import Add, Store
from hub.records import WebhookEvent
from hub.store.postgres import PostgresStore
from hub.store.sql import SqlStore
from hub.testing import a_webhook, a_webhook_cursor
from hub.vault import Vault
from tests.faults import figures
from tests.faults.harness import World
from tests.faults.receiver import Receiver, said

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("AGENTHOST_KILLS", "30")) // 10
SEED = int(os.environ.get("AGENTHOST_SEED", "1"))
PLACES = tuple(name for name in RARE if name.startswith("webhook."))
EVENTS: tuple[WebhookEvent, ...] = ("message.accepted", "message.answered", "task.state")
CHATS = 6
WANTED = """
SELECT seq, kind FROM events WHERE (kind = 'message' AND state = 'accepted') OR (kind = 'reply' AND state != 'moved')
OR (kind = 'task' AND state IS NOT NULL) ORDER BY seq
"""
"""What a webhook wants that's told of EVENTS."""


async def test_kills_lose_no_delivery_and_double_none_by_another_id(tmp_path: Path) -> None:
    await killed(tmp_path, "")


async def test_kills_lose_no_delivery_over_postgresql_either(empty_database: str, tmp_path: Path) -> None:
    await killed(tmp_path, empty_database)


async def killed(tmp_path: Path, database: str) -> None:
    dice, counts = random.Random(SEED), [0] * CHATS
    async with Receiver() as receiver:
        more = f'\n[egress]\nallow = ["{receiver.place}"]\n'
        async with World(tmp_path, chats=CHATS, latency=0.0, more=more, database=database) as world:
            secret = await hooked(world.data, database, receiver)
            for number in range(KILLS):
                place = PLACES[number % len(PLACES)] if number % 3 else ""
                await world.start(f"{place}:{dice.randint(1, 6)}" if place else "")
                for _ in range(8):
                    chat = dice.randrange(CHATS)
                    counts[chat] += 1
                    world.platform.say(f"chat{chat}", f"And m{chat}x{counts[chat]}?")
                if place:
                    await world.hub.gone(within=60)
                else:
                    await until(world, lambda: world.platform.unsaid == 0)
                    await asyncio.sleep(dice.uniform(0.0, 0.5))
                    await world.hub.end()
            await world.start()
            await until(world, lambda: world.platform.unsaid == 0)
            await until(world, lambda: missing(world, receiver) == [], within=120)
            await world.hub.end(within=30)
            wanted = [seq for seq, _ in kept(world)]

    first = [next(got for got in receiver.got if got.id == id) for id in receiver.ids]
    doubles = len(receiver.got) - len(first)
    over = "PostgreSQL" if database else "SQLite"
    print(f"\n{KILLS} kills over {over}: {len(wanted)} events, {doubles} came twice with the same id, 0 lost")
    figures.note(1, f"events that a webhook wasn't told of, {KILLS} kills over {over}", 0, "0")
    assert [got.sequence for got in first] == wanted
    assert all(got.body == other.body for got in first for other in receiver.got if other.id == got.id)
    assert doubles <= KILLS
    assert all(is_signed(secret, got.headers, got.body) for got in receiver.got)


async def test_a_receiver_that_hangs_or_fails_is_waited_for_and_others_go_on(tmp_path: Path) -> None:
    async with Receiver() as slow, Receiver() as broken, Receiver() as fine:
        places = ", ".join(f'"{receiver.place}"' for receiver in (slow, broken, fine))
        more = f"\n[egress]\nallow = [{places}]\n"
        slow.pause = 600.0
        broken.answer = lambda _: said(302, location="http://169.254.169.254/latest/meta-data/")
        fine.answer = lambda _: said(200, b"x" * 5_000_000)
        async with World(tmp_path, chats=1, latency=0.0, more=more) as world:
            for receiver in (slow, broken, fine):
                await hooked(world.data, "", receiver)
            await world.start()
            for number in range(1, 6):
                world.platform.say("chat0", f"And m0x{number}?")
            await until(world, lambda: world.platform.unsaid == 0)
            await until(world, lambda: missing(world, fine) == [] and len(fine.ids) >= 15)
            await until(world, lambda: len(broken.got) >= 2)

            assert len({got.id for got in broken.got}) == 1
            assert len(slow.ids) == 1
            found = world.rows("SELECT answer, error, state FROM webhook_deliveries WHERE status = 200")
            assert {(len(answer), error, state) for answer, error, state in found} == {(500, "", "delivered")}
            errors = world.rows("SELECT error FROM webhook_deliveries WHERE attempts > 0 AND error != ''")
            assert any("redirects" in error for (error,) in errors)


async def hooked(data: Path, database: str, receiver: Receiver) -> str:
    """Have the receiver told of everything from the first event on; return the secret that it knows."""
    secret = fresh_secret()
    hook = a_webhook(url=f"http://{receiver.place}/hook", events=EVENTS)
    hook = replace(hook, secret=Vault.at(data / "webhooks.key").seal(secret.encode(), about=about(hook)))
    store: Store = PostgresStore(make_url(database)) if database else SqlStore.in_folder(data)
    await store.open()
    await store.commit(Add(hook), Add(a_webhook_cursor(hook)))
    await store.close()
    return secret


def kept(world: World) -> list[tuple[int, str]]:
    """Return the events that the webhook wants, as the store has them."""
    return [(seq, kind) for seq, kind in world.rows(WANTED)]


def missing(world: World, receiver: Receiver) -> list[int]:
    """Return the events that the receiver wasn't told of, or that are still to happen."""
    told = {got.sequence for got in receiver.got}
    open_entries = world.rows("SELECT count(*) FROM entries WHERE state = 'ready'")[0][0]
    return [seq for seq, _ in kept(world) if seq not in told] + [0] * open_entries


def is_signed(secret: str, headers: object, body: bytes) -> bool:
    """Check a signature by code that isn't the hub's."""
    assert isinstance(headers, dict)
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), said, sha256).digest()
    return bool(headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}")


async def until(world: World, true: Callable[[], bool], within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, world.hub.log[-3000:]
        await asyncio.sleep(0.05)
