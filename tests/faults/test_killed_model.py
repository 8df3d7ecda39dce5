"""kill -9 of the real model's process while it answers: nobody gets an apology in place of an answer."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from hub.cli.bench_figures import children
from tests.faults.served import Served, eventually
from tests.live.real import model_file

pytestmark = [pytest.mark.faults, pytest.mark.live]

CONFIG = """\
[llm]
context = 1024
answer_tokens = 12
"""
KILLS = 4
CHATS = 4


async def test_a_killed_models_process_costs_nobody_an_answer(tmp_path: Path) -> None:
    model_file()
    async with Served(tmp_path, CONFIG) as hub:
        await eventually(partial(is_ready, hub), "the model isn't ready", within=120)
        ids: list[str] = []
        for kill in range(KILLS):
            for chat in range(CHATS):
                said = await hub.said(
                    f"Tell me about the number {kill * CHATS + chat}.", chat=f"chat{chat}", task="new"
                )
                ids.append(said.json()["id"])
            await asyncio.sleep(0.3)
            os.kill(children(hub.pid)[0], signal.SIGKILL)
            await eventually(partial(is_ready, hub, kill + 1), "the model doesn't come back", within=60)
            # Before the next one: whom three kills in a row hit is told so, for the message might be what kills.
            await eventually(partial(all_answered, hub, ids), "not everything was answered", within=120)
        assert (await hub.get("/v1/dead"))["items"] == []


async def all_answered(hub: Served, ids: list[str]) -> bool:
    """Say whether every message is answered."""
    states = [(await hub.get(f"/v1/messages/{id}"))["state"] for id in ids]
    assert "failed" not in states
    return set(states) == {"answered"}


async def is_ready(hub: Served, restarts: int = 0) -> bool:
    """Say whether the model serves, after so many restarts."""
    llm = (await hub.get("/v1/status"))["llm"]
    return bool(llm["state"] == "ready" and llm["restarts"] >= restarts)
