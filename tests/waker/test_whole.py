"""A hub that sleeps, woken by who it knows over Telegram and HTTP: nothing is lost, nothing is done twice."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.testing.server import MARK
from tests.faults.harness import KEY
from tests.faults.served import Model, eventually
from tests.telegram.botapi import BotApi
from tests.telegram.description import described
from tests.telegram.says import until
from tests.waker.sleeping import Sleeping, a_bot

OWNER = {"Authorization": f"Bearer {KEY}"}
KILLS = int(os.environ.get("AGENTHOST_WAKER_KILLS", "2"))
"""300 in `make faults WAKER_KILLS=300`."""
PAUSE = 12
"""Kills after which all is answered first: of one person's messages 200 wait at most, more are refused in words."""


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(described()) as api:
        yield api


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[str]:
    async with Model(tmp_path) as config:
        yield config


def answered(api: BotApi, marks: list[str]) -> bool:
    """Say whether each of these was answered."""
    said = "\n".join(api.texts)
    return all(mark in said for mark in marks)


async def test_a_sleeping_hub_is_woken_once_by_who_it_knows_and_by_nobody_else(
    api: BotApi, model: str, tmp_path: Path
) -> None:
    async with Sleeping(tmp_path, model, a_bot(api.url)) as waker:
        await waker.met()
        starts = (await waker.status())["starts_this_hour"]
        api.says("Let me in, m1x99", chat=6666)
        await until(lambda: bool(api.acknowledged), within=30)
        refused = [await waker.http.get("/v1/status", headers={"Authorization": f"Bearer {key}"}) for key in ("y", "x")]
        assert [answer.status_code for answer in refused] == [401, 401]
        assert (await waker.status())["state"] == "stopped", "strangers cost nothing"
        assert (await waker.status())["waiting"] == 1

        marks = [f"m1x{number}" for number in range(1, 21)]
        for mark in marks:
            api.says(f"Hello {mark}")
        await until(lambda: answered(api, marks), within=120)
        assert (await waker.status())["starts_this_hour"] == starts + 1
        await waker.be("stopped")
        assert (await waker.status())["waiting"] == 0
        assert len([text for text in api.texts if "m1x7" in text]) == 1, "answered once"
        assert "m1x99" not in "\n".join(api.texts)
        assert api.made("sendChatAction"), "who waits sees that something happens"

        asked = await waker.http.post("/v1/messages?wait=60", json={"text": "And now m1x50"}, headers=OWNER)
        assert (asked.status_code, asked.headers["agenthost-wake"][:9]) == (200, "cold;dur=")
        assert "m1x50" in asked.json()["replies"][0]["text"]
    assert api.faults == []


async def test_a_guest_of_a_chat_in_a_page_wakes_a_hub_that_sleeps_and_is_answered(
    api: BotApi, model: str, tmp_path: Path
) -> None:
    page = {"Origin": "https://shop.example"}
    async with Sleeping(tmp_path, model, a_bot(api.url)) as waker:
        await waker.met()
        new = {"name": "Shop", "origins": [page["Origin"]], "visitors": True}
        embed = (await waker.http.post("/v1/embeds", json=new, headers=OWNER)).json()["id"]
        ann = await waker.http.post(f"/v1/embeds/{embed}/passes", json={"external": "ann"}, headers=OWNER)
        guest = {**page, "Authorization": f"Bearer {ann.json()['token']}"}
        await waker.be("stopped")
        starts = (await waker.status())["starts_this_hour"]
        shown = [await waker.http.get(f"/embed/{embed}/{what}", headers=page) for what in ("widget.js", "settings")]
        visit = await waker.http.post(f"/embed/{embed}/visits", headers=page)
        assert [answer.status_code for answer in (*shown, visit)] == [200, 200, 503]
        assert (await waker.status())["state"] == "stopped", "looking costs nothing"

        said = await waker.http.post(f"/embed/{embed}/messages", json={"text": "Hello m3x1"}, headers=guest)
        assert (said.status_code, said.headers["agenthost-wake"][:9]) == (202, "cold;dur=")

        async def is_answered() -> bool:
            listed = await waker.http.get(f"/embed/{embed}/messages", headers=guest)
            return any(each["role"] == "agent" and "m3x1" in each["html"] for each in listed.json()["items"])

        await eventually(is_answered, "not answered", within=60)
        assert (await waker.status())["starts_this_hour"] == starts + 1


async def test_kills_of_waker_and_hub_lose_nothing_that_was_acknowledged(
    api: BotApi, model: str, tmp_path: Path
) -> None:
    """Telegram keeps what wasn't acknowledged; what was, the spool and then the hub answer for."""
    dice, marks = random.Random(7), list[str]()
    async with Sleeping(tmp_path, model, a_bot(api.url)) as waker:
        await waker.met()
        for kill in range(KILLS):
            for _ in range(10):
                marks.append(f"m2x{len(marks) + 1}")
                api.says(f"Hello {marks[-1]}")
                await asyncio.sleep(dice.uniform(0, 0.15))
            if kill % 2:
                waker.kill_hub()
            else:
                await waker.kill()
                await waker.start()
            if kill % PAUSE == PAUSE - 1:
                await until(lambda: answered(api, marks), within=240)
        await until(lambda: answered(api, marks), within=240)
        await waker.be("stopped")
        assert (await waker.status())["waiting"] == 0
    answers = Counter(tuple(MARK.findall(text)) for text in api.texts)
    twice = [words for words, times in answers.items() if words and times > 1]
    assert len(twice) <= KILLS // 2, f"answered twice: {twice}"
    assert api.faults == []
