"""kill -9 where only bridges' messages come by: changed words, what's taken back, who's let in, platforms' own ids."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hub.failpoints import RARE
from tests.faults.harness import World
from tests.faults.length import some_of

pytestmark = pytest.mark.faults

OWNED = """
[[bridges]]
kind = "telegram"
name = "journal"
token = "1:x"
owner = "4711"
"""
BOSS = "4711"
CODE = re.compile(r"\b[2-9A-HJ-NP-Z]{8}\b")


async def until(true: Callable[[], bool], otherwise: Callable[[], object], within: float = 60.0) -> None:
    for _ in range(int(within / 0.05)):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(otherwise())


async def ended(world: World) -> None:
    """Let the hub end what it does, and check that nothing waits in its database."""
    await asyncio.sleep(0.5)
    await world.hub.end(within=30)
    with closing(sqlite3.connect(world.data / "hub.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        waiting = database.execute("SELECT queue, state, message FROM entries WHERE state != 'done'")
        assert waiting.fetchall() == []


@pytest.mark.parametrize("point", some_of([point for point in RARE if point.startswith(("edit", "outbox"))]))
async def test_a_changed_message_has_one_answer_wherever_the_hub_dies(tmp_path: Path, point: str) -> None:
    async with World(tmp_path, chats=1) as world:
        chat, platform = world.chats[0], world.platform
        await world.start(point)
        said = platform.say(chat, "And m0x1?")
        await until(lambda: "m0x1" in "".join(platform.read(chat)), lambda: world.hub.log[-2000:])
        await asyncio.sleep(0.3)
        platform.say(chat, "And m0x2?", corrects=said.id)
        await world.hub.gone(within=60)
        await world.start()
        await until(lambda: "m0x2" in "".join(platform.read(chat)), lambda: world.hub.log[-2000:])
        await until(lambda: "m0x1" not in "".join(platform.read(chat)), lambda: platform.deliveries)
        await ended(world)

        answers = [text for text in platform.read(chat) if "m0x2" in text]
        assert len(answers) == 1
        assert platform.kept_twice == 0


@pytest.mark.parametrize("point", ["inbox.after-commit", "outbox.after-settle"])
async def test_what_a_platform_calls_an_answer_is_kept_with_its_delivery(tmp_path: Path, point: str) -> None:
    async with World(tmp_path, chats=1) as world:
        chat, platform = world.chats[0], world.platform
        await world.start(f"{point}:2" if point.startswith("inbox") else point)
        platform.say(chat, "And m0x1?", thread="one")
        await until(lambda: "m0x1" in "".join(platform.read(chat)), lambda: world.hub.log[-2000:])
        await asyncio.sleep(0.3)
        platform.say(chat, "And m0x2?", reply_to=platform.deliveries[-1].id)
        await world.hub.gone(within=60)
        await world.start()
        await until(lambda: "m0x2" in "".join(platform.read(chat)), lambda: world.hub.log[-2000:])
        await ended(world)

        with closing(sqlite3.connect(world.data / "hub.db")) as database:
            tasks = database.execute("SELECT DISTINCT task FROM messages WHERE role = 'user'").fetchall()
            rules = database.execute("SELECT route ->> '$.rule' FROM messages WHERE role = 'user' ORDER BY id")
            rule = rules.fetchall()[-1]
        assert len(tasks) == 1
        assert rule == ("reply",)


@pytest.mark.parametrize("point", [point for point in RARE if point.startswith("pairing")])
async def test_who_is_let_in_while_the_hub_dies_is_let_in_once_or_not_yet(tmp_path: Path, point: str) -> None:
    async with World(tmp_path, chats=0, more=OWNED) as world:
        platform = world.platform
        await world.start(point)
        platform.say("eve", "Hello, and m0x1?")
        await until(lambda: bool(platform.refused), lambda: world.hub.log[-2000:])
        found = CODE.search(platform.refused[0].why)
        assert found is not None
        platform.say(BOSS, f"/approve {found[0]}")
        await world.hub.gone(within=60)
        await world.start()
        await until(lambda: "is let in" in "".join(platform.read(BOSS)), lambda: world.hub.log[-2000:])
        platform.say("eve", "Once more: m0x2?")
        await until(lambda: "m0x2" in "".join(platform.read("eve")), lambda: world.hub.log[-2000:])
        await ended(world)

        assert len([text for text in platform.read("eve") if "You're let in" in text]) == 1
        with closing(sqlite3.connect(world.data / "hub.db")) as database:
            names = database.execute("SELECT name FROM persons WHERE role = 'member'").fetchall()
            assert names == [("eve",)]


async def test_an_account_that_is_linked_while_the_hub_dies_is_linked_once(tmp_path: Path) -> None:
    async with World(tmp_path, chats=0, more=OWNED) as world:
        platform = world.platform
        await world.start("inbox.after-commit:2")
        platform.say(BOSS, "/pair")
        await until(lambda: bool(platform.read(BOSS)), lambda: world.hub.log[-2000:])
        found = CODE.search(platform.read(BOSS)[0])
        assert found is not None
        platform.say("other", f"/pair {found[0]}")
        await world.hub.gone(within=60)
        await world.start()
        await until(lambda: "yours from now on" in "".join(platform.read("other")), lambda: world.hub.log[-2000:])
        await ended(world)

        with closing(sqlite3.connect(world.data / "hub.db")) as database:
            links = database.execute("SELECT sender, person FROM links ORDER BY sender").fetchall()
        assert links == [(BOSS, "owner"), ("other", "owner")]
