"""Measures the waker: acknowledging posts to a sleeping hub, waking a hub, and standing before one that's up."""

import asyncio
import json
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from hub.accounts import TelegramAccount, webhook_secret
from hub.cli.bench_figures import Figure, at, cpu_seconds, p50_and, process, resident_mb

TOKEN = "0123456789abcdef" * 2
BOT = "123456:bench"
CONNECTIONS = 40
BESIDE = 8
WAKER = """\
[waker]
port = {port}
data = {data}
log_level = "warning"

[[hubs]]
token = "{token}"
url = "http://127.0.0.1:{hub}"
{provider}

[[bridges]]
kind = "telegram"
token = "{bot}"
api_url = "http://127.0.0.1:1"
mode = "webhook"
webhook_url = "http://127.0.0.1:{port}"
access = "list"
allow = ["1001"]
"""
HUB = """\
[hub]
log_level = "warning"

[waker]
token = "{token}"

[llm]
backend = "remote"
url = "http://127.0.0.1:1/v1"
model = "none"

[llm.decisions]
backend = "remote"
url = "http://127.0.0.1:1/v1"
model = "none"
"""
# Asked how it is, its machine is on its way for ever.
NEVER_UP = 'provider = "command"\nstart = ["true"]\nstop = ["true"]\nstate = ["echo", "starting"]\nstart_seconds = 3600'
REAL = 'provider = "process"\ncommand = {command}\nstart_seconds = 300'


async def acknowledging(folder: Path, *, updates: int) -> list[Figure]:
    """Post updates to a waker whose hub is asleep, over as many connections as Telegram opens."""
    account = TelegramAccount(token=BOT, mode="webhook")
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(account), "Content-Type": "application/json"}
    async with waker(folder, NEVER_UP) as (started, client, _):

        async def post(number: int) -> None:
            answer = await client.post("/telegram/telegram", content=update(number), headers=headers)
            answer.raise_for_status()

        values = await _all(post, updates, CONNECTIONS)
        memory = resident_mb(started.pid)
    return [
        *p50_and(99, f"an update to a sleeping hub, {CONNECTIONS} at once", values, (None, 300.0)),
        Figure(name="memory of the waker", value=memory, unit="MB", aim=60.0),
    ]


async def standing_before(folder: Path, *, requests: int) -> list[Figure]:
    """Have a hub woken, and ask it something directly and by way of the waker, in turns."""
    _lay(folder, "hub.toml", HUB.format(token=TOKEN))
    port = _free_port()
    run = [sys.executable, "-m", "hub", "run", "--config", str(folder / "hub.toml"), "--data", str(folder / "hub")]
    command = json.dumps([*run, "--port", str(port)])
    async with (
        waker(folder, REAL.format(command=command), hub=port) as (started, by_waker, status),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as directly,
    ):
        woke = await _woken(status)
        plain, passed = list[float](), list[float]()
        for _ in range(requests):
            plain.append(await _timed(directly))
            passed.append(await _timed(by_waker))
        cpu = cpu_seconds(started.pid)

        async def ask(_: int) -> None:
            await _timed(by_waker)

        await _all(ask, requests * 2, BESIDE)
        cpu = cpu_seconds(started.pid) - cpu
        await _stop(folder)
    added = [("p50", at(passed, 50) - at(plain, 50), 5.0), ("p99", at(passed, 99) - at(plain, 99), 25.0)]
    return [
        Figure(name="a hub's start, asked for to ready", value=woke, unit="s", aim=2.0),
        *(
            Figure(name=f"a request by way of the waker, added, {name}", value=value * 1000, unit="ms", aim=aim)
            for name, value, aim in added
        ),
        Figure(
            name=f"requests by way of the waker, {BESIDE} at once",
            value=requests * 2 / max(cpu, 0.001),
            unit="/s of a core",
            aim=300.0,
            better="more",
        ),
    ]


Status = Callable[[], Awaitable[Mapping[str, object]]]


@asynccontextmanager
async def waker(
    folder: Path, provider: str, *, hub: int = 1
) -> AsyncGenerator[tuple[Process, httpx.AsyncClient, Status], None]:
    """Run a waker on a folder; yields its process, a client, and how to ask how its hub is."""
    port, data = _free_port(), folder / "waker"
    text = WAKER.format(port=port, data=json.dumps(str(data)), token=TOKEN, hub=hub, provider=provider, bot=BOT)
    _lay(folder, "waker.toml", text)
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    url = f"http://127.0.0.1:{port}"
    run = ("-m", "hub", "waker", "--config", str(folder / "waker.toml"))
    async with (
        process(*run, log=folder / "waker.log") as started,
        httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as client,
    ):
        async with asyncio.timeout(60):
            while not await _serves(client):  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(0.05)

        async def status() -> Mapping[str, object]:
            key = (data / "waker.key").read_text().strip()
            answer = await client.get("/waker/status", headers={"Authorization": f"Bearer {key}"})
            found: Mapping[str, object] = answer.json()["items"][0]
            return found

        yield started, client, status


def update(number: int) -> bytes:
    """Return an update as Telegram posts it."""
    person = {"id": 1001, "is_bot": False, "first_name": "Ann"}
    chat = {"id": 1001, "type": "private", "first_name": "Ann"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": person, "text": f"Message {number}"}
    return json.dumps({"update_id": number, "message": message}).encode()


async def _all(work: Callable[[int], Awaitable[None]], count: int, beside: int) -> list[float]:
    """Do something often, so many at a time; return how long each took."""
    numbers, values = iter(range(count)), list[float]()

    async def some() -> None:
        for number in numbers:
            began = time.perf_counter()
            await work(number)
            values.append(time.perf_counter() - began)

    await asyncio.gather(*(some() for _ in range(beside)))
    return values


async def _timed(client: httpx.AsyncClient) -> float:
    began = time.perf_counter()
    answer = await client.get("/healthz")
    answer.raise_for_status()
    return time.perf_counter() - began


async def _woken(status: Status) -> float:
    """Wait until the hub is up; return how long that took."""
    async with asyncio.timeout(300):
        while (found := await status())["state"] != "ready":  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.1)
    return float(str(found["wake_seconds"]))


async def _stop(folder: Path) -> None:
    """End the hub, which outlives its waker."""
    pid = int((folder / "waker" / "hub.process").read_text().split()[0])
    ended = await asyncio.create_subprocess_exec("kill", str(pid))
    await ended.wait()


def _lay(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


async def _serves(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/waker/healthz")).status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
