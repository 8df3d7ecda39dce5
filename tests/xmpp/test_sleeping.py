"""A hub that sleeps over prosody: the waker hears for its account; nothing is lost, doubled or heard out of turn."""

import asyncio
import os
import random
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from slixmpp.jid import JID

from tests.faults.harness import KEY
from tests.faults.served import Model
from tests.waker.sleeping import Sleeping
from tests.xmpp.friend import Friend, friend
from tests.xmpp.server import PASSWORD, ROOMS, Prosody
from tests.xmpp.test_rooms import config_of

KILLS = int(os.environ.get("AGENTHOST_WAKER_KILLS", "2"))
OWNER = {"Authorization": f"Bearer {KEY}"}
LARGEST_MB = 80
ACCOUNT = """
[[bridges]]
kind = "xmpp"
jid = "{jid}"
password = "{password}"
host = "127.0.0.1"
port = {port}
ca_file = "{ca_file}"
access = "list"
allow = ["{allow}"]
owner = "{allow}"
rooms = ["{room}"]
threads = false
"""
MARK = re.compile(r"m\d+x\d+")


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[str]:
    async with Model(tmp_path) as config:
        yield config


def an_account(prosody: Prosody, jid: str, allow: str, room: str) -> str:
    return ACCOUNT.format(
        jid=jid, password=PASSWORD, port=prosody.port, ca_file=prosody.certificate, allow=allow, room=room
    )


@asynccontextmanager
async def in_a_room(client: Friend, room: str) -> AsyncIterator[None]:
    """Have somebody open a room in which everybody sees who's who."""
    await client.plugin["xep_0045"].join_muc_wait(JID(room), "Ann", timeout=10)
    await client.plugin["xep_0045"].set_room_config(JID(room), await config_of(client, room))
    yield


def kept(waker: Sleeping) -> list[str]:
    """Return the marks of what the hub has kept, in its order."""
    with closing(sqlite3.connect(f"file:{waker.database}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT parts FROM messages WHERE role = 'user' ORDER BY id").fetchall()
    return [mark for (parts,) in rows for mark in MARK.findall(str(parts))]


def answered(client: Friend, marks: list[str]) -> bool:
    said = "\n".join(client.texts)
    return all(mark in said for mark in marks)


def resident_mb(pid: int) -> float:
    """Return how much memory a process has in use."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def test_a_sleeping_hub_is_woken_over_xmpp_by_who_it_knows_and_by_nobody_else(
    prosody: Prosody, name: str, model: str, tmp_path: Path
) -> None:
    agent, ann, eve = (prosody.add(f"{who}{name}") for who in ("agent", "ann", "eve"))
    room = f"{name}@{ROOMS}"
    async with (
        friend(ann, prosody.port, prosody.certificate) as client,
        friend(eve, prosody.port, prosody.certificate) as stranger,
        in_a_room(client, room),
        Sleeping(tmp_path, model, an_account(prosody, agent, ann, room)) as waker,
    ):
        await waker.met()
        starts = (await waker.status())["starts_this_hour"]
        stranger.say(agent, "Let me in, m1x99")
        stranger.say(agent, "")
        client.say(room, "Nothing to the agent, m1x98", kind="groupchat")
        await asyncio.sleep(2)
        found = await waker.status()
        assert (found["state"], found["waiting"], found["starts_this_hour"]) == ("stopped", 2, starts)

        marks = [f"m1x{number}" for number in range(1, 21)]
        for mark in marks:
            client.say(agent, f"Hello {mark}", receipt="yes")
        await client.until(lambda: client.child("composing"), 5)
        assert (await waker.status())["state"] != "ready", "it's shown while the hub still starts"
        await client.until(lambda: answered(client, marks), 120)
        await waker.be("stopped")
        assert (await waker.status())["starts_this_hour"] == starts + 1
        assert [mark for mark in kept(waker) if mark in marks] == marks
        assert len([text for text in client.read().values() if "m1x7" in MARK.findall(text)]) == 1, "answered once"
        assert "m1x99" not in "\n".join(stranger.texts)
        assert len(client.child("received")) == len(marks)

        client.say(room, f"{agent.partition('@')[0]}: how about m1x30?", kind="groupchat")
        await client.until(lambda: answered(client, ["m1x30"]), 60)
        await waker.be("stopped")
        memory = resident_mb(waker.pid)
        print(f"waker: {memory:.0f} MB with an XMPP account")
        assert memory <= LARGEST_MB


async def test_kills_of_waker_and_hub_lose_nothing_that_was_said_over_xmpp(
    prosody: Prosody, name: str, model: str, tmp_path: Path
) -> None:
    """What the waker had not kept its server still has; what it had, the spool and then the hub answer for."""
    dice, marks = random.Random(11), list[str]()
    agent, ann = (prosody.add(f"{who}{name}") for who in ("agent", "ann"))
    async with (
        friend(ann, prosody.port, prosody.certificate) as client,
        Sleeping(tmp_path, model, an_account(prosody, agent, ann, f"{name}@{ROOMS}")) as waker,
    ):
        await waker.met()

        async def write() -> None:
            while len(marks) < KILLS * 10:
                marks.append(f"m2x{len(marks) + 1}")
                client.say(agent, f"Hello {marks[-1]}")
                await asyncio.sleep(dice.uniform(0, 0.3))

        writing = asyncio.create_task(write())
        for kill in range(KILLS):
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            if kill % 2:
                waker.kill_hub()
            else:
                await waker.kill()
                await asyncio.sleep(dice.uniform(0, 0.5))
                await waker.start()
        await writing
        await client.until(lambda: answered(client, marks), 240)
        await waker.be("stopped")
        assert (await waker.status())["waiting"] == 0
        assert kept(waker) == marks, "each once, in the order in which they were said"
    answers = Counter(tuple(MARK.findall(text)) for text in client.read().values())
    twice = [words for words, times in answers.items() if words and times > 1]
    assert len(twice) <= KILLS // 2, f"answered twice: {twice}"


async def test_what_is_said_while_the_hub_stops_starts_it_again(
    prosody: Prosody, name: str, model: str, tmp_path: Path
) -> None:
    agent, ann = (prosody.add(f"{who}{name}") for who in ("agent", "ann"))
    marks = list[str]()
    async with (
        friend(ann, prosody.port, prosody.certificate) as client,
        Sleeping(tmp_path, model, an_account(prosody, agent, ann, f"{name}@{ROOMS}")) as waker,
    ):
        await waker.met()
        for number in range(1, 4):
            marks.append(f"m3x{number}")
            client.say(agent, f"Hello {marks[-1]}")
            await client.until(lambda: answered(client, marks), 60)
            await waker.be("stopping")
        marks.append("m3x4")
        client.say(agent, "Hello m3x4")
        await client.until(lambda: answered(client, marks), 60)
        assert kept(waker) == marks
