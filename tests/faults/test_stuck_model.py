"""The real model's process stopped, killed and starved under load: it's back soon, and nobody else is harmed."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import quantiles

import pytest

from hub.cli.bench_figures import children
from tests.faults.served import Served, eventually
from tests.faults.test_killed_model import is_ready
from tests.live.real import model_file

pytestmark = [pytest.mark.faults, pytest.mark.live]

CONFIG = """\
[llm]
context = 1024
answer_tokens = 12
"""
BACK = 5.0
"""Seconds from when it's ready again until a good request is answered, with a machine that has other things to do."""

OTHERS = 0.5
"""Seconds that everybody else's requests over HTTP take at most (p95), the model being stuck."""


def stop(pid: int) -> None:
    """Have it hang."""
    os.kill(pid, signal.SIGSTOP)


def kill(pid: int) -> None:
    """End it as the system does when memory runs out."""
    os.kill(pid, signal.SIGKILL)


def starve(pid: int) -> None:
    """Give it no more memory: what it has is all there is."""
    data = int(Path(f"/proc/{pid}/status").read_text().split("VmData:")[1].split()[0]) * 1024
    resource.prlimit(pid, resource.RLIMIT_DATA, (data, data))


@pytest.mark.parametrize(
    ("harm", "words"),
    [(stop, "no sign of life"), (kill, "SIGKILL from outside"), (starve, "got no more memory")],
    ids=["stopped", "killed", "starved"],
)
async def test_a_harmed_model_is_back_soon_and_others_go_on(
    tmp_path: Path, harm: Callable[[int], None], words: str
) -> None:
    model_file()
    async with Served(tmp_path, CONFIG) as hub:
        await eventually(partial(is_ready, hub), "the model isn't ready", within=120)
        assert (await hub.said("Hello", wait=60)).json()["state"] == "answered"
        async with _timed(hub) as took:
            harm(children(hub.pid)[0])
            said = [await hub.said(LONG, chat=f"chat{n}", task="new") for n in range(3)]
            await eventually(partial(is_ready, hub, 1), f"the model doesn't come back: {hub.log[-2000:]}", within=90)
            began = time.monotonic()
            good = await hub.said("What's the capital of France?", chat="good", task="new", wait=60)
            back = time.monotonic() - began
        print(f"\nanswered {back:.1f} s after it was ready; others p95 {1000 * _p95(took):.0f} ms")

        assert good.json()["state"] == "answered"
        assert back < BACK + len(said) * 2.0, "three were before it"
        assert _p95(took) < OTHERS
        assert words in hub.log
        for message in said:
            path = f"/v1/messages/{message.json()['id']}"
            await eventually(
                partial(_is_answered, hub, path), f"a message under way is lost: {hub.log[-3000:]}", within=30
            )


LONG = "Tell me about the sea and its ships. " * 60


async def _is_answered(hub: Served, path: str) -> bool:
    return str((await hub.get(path))["state"]) == "answered"


@asynccontextmanager
async def _timed(hub: Served) -> AsyncIterator[list[float]]:
    """Ask for something that needs no model, all the while, and take down how long that takes."""
    took: list[float] = []

    async def ask() -> None:
        while True:
            began = time.monotonic()
            await hub.get("/v1/tasks")
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.05)

    asking = asyncio.ensure_future(ask())
    try:
        yield took
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]
