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
"""
NO_MODEL = """
[llm]
backend = "remote"
url = "http://127.0.0.1:1/v1"
model = "none"

[llm.decisions]
backend = "remote"
url = "http://127.0.0.1:1/v1"
model = "none"
"""
POST = (
    "POST /telegram/telegram HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Telegram-Bot-Api-Secret-Token: {secret}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)
# Asked how it is, its machine is on its way for ever.
NEVER_UP = 'provider = "command"\nstart = ["true"]\nstop = ["true"]\nstate = ["echo", "starting"]\nstart_seconds = 3600'
REAL = 'provider = "process"\ncommand = {command}\nstart_seconds = 300'
SLEEPY = "\nidle_minutes = 0.02\nstarts_per_hour = 1000"


async def acknowledging(folder: Path, *, updates: int) -> list[Figure]:
    """Post updates to a waker whose hub is asleep, over as many connections as Telegram opens."""
    secret = webhook_secret(TelegramAccount(token=BOT, mode="webhook"))
    async with waker(folder, NEVER_UP) as (started, client, _):
        lines = [Line(client.base_url.port or 80, secret) for _ in range(CONNECTIONS)]

        async def post(number: int) -> None:
            line = lines.pop()
            if await line.post(update(number)) != 200:
                raise RuntimeError("the waker didn't take an update")
            lines.append(line)

        values = await _all(post, updates, CONNECTIONS)
        memory = resident_mb(started.pid)
        for line in lines:
            line.close()
    return [
        *p50_and(99, f"an update to a sleeping hub, {CONNECTIONS} at once", values, (None, 300.0)),
        Figure(name="memory of the waker", value=memory, unit="MB", aim=60.0),
    ]


async def waking(folder: Path, *, starts: int, embedded: bool) -> list[Figure]:
    """Say something to a sleeping hub by way of its waker, again and again, each time once it sleeps anew.

    `embedded` has it answered by the embedded model; else there's none, and nothing is answered.
    """
    port = _free_port()
    provider = _real(folder, HUB if embedded else HUB + NO_MODEL, port) + SLEEPY
    async with waker(folder, provider, hub=port) as (_, client, status):
        woke, answered = [await _woken(status)], list[float]()
        headers = {"Authorization": f"Bearer {(folder / 'hub' / 'owner.key').read_text().strip()}"}
        for _ in range(starts):
            await _be(status, "stopped")
            path, began = "/v1/messages?wait=60" if embedded else "/v1/messages", time.perf_counter()
            said = {"text": "Hello", "task": "new"}
            (await client.post(path, json=said, headers=headers)).raise_for_status()
            answered.append(time.perf_counter() - began)
            woke.append(await _woken(status))
        await _be(status, "stopped")
    figures = [
        Figure(name="a hub's start, asked for to ready, p50", value=at(woke, 50), unit="s"),
        Figure(name="a hub's start, asked for to ready, p95", value=at(woke, 95), unit="s", aim=2.0),
    ]
    if embedded:
        name = "a message to a sleeping hub, sent to answered by the embedded model"
        figures.append(Figure(name=f"{name}, p50", value=at(answered, 50), unit="s"))
        figures.append(Figure(name=f"{name}, p95", value=at(answered, 95), unit="s", aim=10.0))
    return figures


async def standing_before(folder: Path, *, requests: int) -> list[Figure]:
    """Have a hub woken, and ask it something directly and by way of the waker, in turns."""
    port = _free_port()
    async with (
        waker(folder, _real(folder, HUB + NO_MODEL, port), hub=port) as (started, by_waker, status),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as directly,
    ):
        await _woken(status)
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


class Line:
    """A connection over which Telegram posts. An HTTP library takes longer to ask than the waker to answer."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> int:
        """Post an update; return the status that it's answered with."""
        self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(POST.format(port=self._port, secret=self._secret, length=len(body)).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        return int(head.split()[1])

    def close(self) -> None:
        """Close it."""
        if self._streams:
            self._streams[1].close()


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


def _real(folder: Path, config: str, port: int) -> str:
    """Lay out a hub that listens at a port; return how the waker starts it."""
    _lay(folder, "hub.toml", config.format(token=TOKEN))
    run = [sys.executable, "-m", "hub", "run", "--config", str(folder / "hub.toml"), "--data", str(folder / "hub")]
    return REAL.format(command=json.dumps([*run, "--port", str(port)]))


async def _woken(status: Status) -> float:
    """Wait until the hub is up; return how long its start took."""
    return float(str((await _be(status, "ready"))["wake_seconds"]))


async def _be(status: Status, state: str) -> Mapping[str, object]:
    async with asyncio.timeout(300):
        while (found := await status())["state"] != state:  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.1)
    return found


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
