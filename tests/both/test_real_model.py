"""The whole hub with the real small model, on Telegram and on XMPP at once: one person, one task, three places.

What the model says isn't looked at, only where it arrives and what it's said about.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.both.running import Both, both, linked
from tests.both.running import until as within_a_minute
from tests.live.real import model_file
from tests.telegram.botapi import BotApi
from tests.telegram.says import until
from tests.xmpp.server import Prosody

SHORT = "[llm]\nanswer_tokens = 40\n"
PARTY = "I want to plan a birthday party for my son"
CHILDREN = "Ten children will come to the birthday party"


@pytest.fixture
def config() -> str:
    """The embedded model, with answers that are soon over."""
    model_file()
    return SHORT


async def test_a_task_goes_from_telegram_to_xmpp_and_its_end_is_told_once_to_each_follower(
    api: BotApi, prosody: Prosody, config: str, name: str, tmp_path: Path
) -> None:
    async with both(tmp_path, config, api, prosody, name) as running, linked(running, prosody, name) as ann:
        api.says(PARTY)
        await until(lambda: len(running.read()) == 1, within=90)
        before = len(ann.texts)
        ann.say(running.jid, CHILDREN)
        await ann.until(lambda: len(ann.texts) > before, within=90)
        await within_a_minute(lambda: said(running, 1, count=4))
        first = await said_in(running, 1)

        api.says("/schedule in 5s wish me good luck")
        await until(lambda: any("wish me good luck" in text for text in running.read()), within=90)
        ann.say(running.jid, "/follow 2")
        await ann.until(lambda: any("You'll hear of" in text for text in ann.texts), within=90)
        await within_a_minute(lambda: told(running, 2))
        second = await said_in(running, 2)

    assert [message["text"] for message in first if message["role"] == "user"] == [PARTY, CHILDREN]
    assert bridges(first, "user") == bridges(first, "agent") == ["telegram", "xmpp"]
    assert running.hub.log.count("stumbled") == 0
    endings = [text for text in (message["text"] for message in second if message["role"] != "user") if text]
    assert endings
    for text in endings:
        assert sum(text[:40] in shown for shown in running.read()) == 1, text
        assert sum(text[:40] in shown for shown in ann.read().values()) == 1, text


def bridges(messages: list[Any], role: str) -> list[str]:
    return [message["bridge"] for message in messages if message["role"] == role]


async def said_in(running: Both, number: int) -> list[Any]:
    """Return what was said about a task, as the web shows it."""
    [task] = [task for task in await running.tasks() if task["number"] == number]
    items: list[Any] = (await running.hub.get(f"/v1/tasks/{task['id']}/messages"))["items"]
    return items


async def said(running: Both, number: int, *, count: int) -> bool:
    return len(await said_in(running, number)) == count


async def told(running: Both, number: int) -> bool:
    """Say whether a task has come to rest, and what it said has left the hub."""
    [task] = [task for task in await running.tasks() if task["number"] == number]
    waiting = [bridge["waiting"] for bridge in (await running.hub.get("/v1/status"))["bridges"]]
    return task["state"] in {"completed", "input-required", "failed"} and not any(waiting)
