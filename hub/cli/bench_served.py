"""Measures a hub as it's served, over HTTP, with a model's server beside it that answers in no time."""

import asyncio
import socket
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from hub.cli.bench_figures import Figure, children, cpu_seconds, line_of, p50_and, process, resident_mb

CONFIG = """\
[hub]
log_level = "warning"

[limits]
waiting_per_person = 1000000

[llm]
backend = "remote"
url = "{url}"
model = "loopback"

[llm.decisions]
backend = "remote"
url = "{url}"
model = "loopback"
"""
RATE = 100
SETTLING = 5.0
BURST, CHATS = 100, 20


@asynccontextmanager
async def served(folder: Path, config: str) -> AsyncGenerator[tuple[Process, httpx.AsyncClient], None]:
    """Start a hub on a folder, and yield it with a client of its owner once it serves."""
    path = _moved_in(folder, config)
    run = ("-m", "hub", "run", "--config", str(path), "--data", str(folder), "--port", "0")
    async with process(*run, log=folder / "hub.log") as started:
        url = (await line_of(started)).split(" is at ")[1].split(" ")[0]
        headers = {"Authorization": f"Bearer {(folder / 'owner.key').read_text().strip()}"}
        limits = httpx.Limits(max_connections=BURST, max_keepalive_connections=BURST)
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120, limits=limits) as client:
            yield started, client


async def starting(folder: Path) -> list[Figure]:
    """Start a hub twice, and see how long it takes until the page is served."""
    found = []
    for which, aim in (("first", None), ("second", 2.0)):
        began = time.perf_counter()
        async with served(folder, CONFIG.format(url="http://127.0.0.1:1/v1")) as (_, client):
            response = await client.get("/", follow_redirects=True)
            response.raise_for_status()
            found.append(
                Figure(
                    name=f"cold start to a served page, {which}", value=time.perf_counter() - began, unit="s", aim=aim
                )
            )
    return found


async def accepting(folder: Path, *, seconds: float) -> list[Figure]:
    """Send 100 messages a second while no model is there: what's measured is keeping them."""
    async with served(folder, CONFIG.format(url=f"http://127.0.0.1:{_free_port()}/v1")) as (_, client):
        found: list[float] = []
        began = asyncio.get_running_loop().time() + 0.1

        async def send(number: int) -> None:
            due = began + number / RATE
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            response = await client.post("/v1/messages", json={"text": f"Message {number}", "chat": f"c{number % 50}"})
            response.raise_for_status()
            # From when it was due: a hub that's late with one is late with those behind it.
            found.append(asyncio.get_running_loop().time() - due)

        await asyncio.gather(*(send(number) for number in range(int(RATE * seconds))))
    return p50_and(99, "durable accept over HTTP at 100/s", found[RATE // 2 :], (None, 20.0))


async def answering(folder: Path, *, messages: int) -> list[Figure]:
    """Say things one after another, and in a burst; what the model's server took is taken off."""
    async with process("-m", "hub.testing.server") as model:
        url = await line_of(model)
        async with served(folder, CONFIG.format(url=url)) as (_, client):
            await _ready(client)
            overheads = [await _overhead(client, url, number) for number in range(messages)]
            began = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for chat in range(CHATS):
                    group.create_task(_talk(client, chat))
            burst = time.perf_counter() - began
    return [
        *p50_and(95, "hub beside the model, sent to answered", overheads[5:], (60.0, 150.0)),
        Figure(name="burst of 100 messages from 20 chats, last answer", value=burst, unit="s", aim=5.0),
    ]


async def idling(folder: Path, config: str, *, seconds: float) -> list[Figure]:
    """Watch a hub and its model's process do nothing."""
    async with served(folder, config) as (started, client):
        note = await _ready(client)
        await asyncio.sleep(SETTLING)
        family = [started.pid, *children(started.pid)]
        before = sum(map(cpu_seconds, family))
        await asyncio.sleep(seconds)
        busy = (sum(map(cpu_seconds, family)) - before) / seconds * 100
        figures = [
            Figure(name="idle, of one core", value=busy, unit="%", aim=1.0),
            Figure(name="memory of the hub", value=resident_mb(started.pid), unit="MB", aim=150.0),
        ]
        if family[1:]:
            memory = sum(map(resident_mb, family[1:]))
            figures.append(Figure(name="memory of the model's process", value=memory, unit="MB", note=note))
        return figures


async def _ready(client: httpx.AsyncClient) -> str:
    """Wait until there's a model, and return its name."""
    async with asyncio.timeout(120):
        while True:
            llm = (await client.get("/v1/status")).json()["llm"]
            if llm["state"] == "ready":
                return str(llm["model"])
            await asyncio.sleep(0.1)


async def _overhead(client: httpx.AsyncClient, url: str, number: int) -> float:
    before = await _served_seconds(client, url)
    began = time.perf_counter()
    response = await client.post("/v1/messages?wait=60", json={"text": f"Hello, this is number {number}"})
    took = time.perf_counter() - began
    if response.status_code != 200:
        raise RuntimeError(f"no answer: {response.text}")
    return took - (await _served_seconds(client, url) - before)


async def _served_seconds(client: httpx.AsyncClient, url: str) -> float:
    return float((await client.get(f"{url}/served", headers={"Authorization": ""})).json()["seconds"])


async def _talk(client: httpx.AsyncClient, chat: int) -> None:
    for number in range(BURST // CHATS):
        body = {"text": f"Hello {number}", "chat": f"burst{chat}"}
        last = number == BURST // CHATS - 1
        (await client.post("/v1/messages", params={"wait": 60} if last else {}, json=body)).raise_for_status()


def _moved_in(folder: Path, config: str) -> Path:
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / "config.toml"
    path.write_text(config)
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
