"""A waker as `agenthost waker` runs it, with a real hub that it starts and stops, and the loopback model."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from hub.waker.running import KEY as STATUS_KEY
from tests.faults.harness import KEY, ROOT, free_port
from tests.faults.served import eventually
from tests.telegram.botapi import TOKEN

SHARED = "0123456789abcdef0123456789abcdef"
BOT = """
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{url}"
access = "list"
allow = ["1001"]
owner = "1001"
"""
HUB = """
[waker]
token = "{shared}"
"""
WAKER = """
[waker]
port = {port}
data = "{folder}/waker"

[[hubs]]
url = "http://127.0.0.1:{hub}"
token = "{shared}"
command = {command}
idle_minutes = {idle}
starts_per_hour = 10000
"""


def a_bot(url: str) -> str:
    """Return the section of a bot at a Bot API server."""
    return BOT.format(token=TOKEN, url=url)


OPTIONS = ("--data", "{data}", "--port", "{port}")


class Sleeping:
    """A waker with its hub; used as `async with Sleeping(folder, model, a_bot(api_url)) as waker`."""

    def __init__(
        self,
        folder: Path,
        model: str,
        account: str,
        *,
        of_waker: str = "",
        idle: float = 0.02,
        command: Sequence[str] = (),
    ) -> None:
        """`account` is its section [[bridges]] in both configs, with `of_waker` besides in the waker's.

        `command` runs something in the hub's place, at {port}.
        """
        self.port, hub = free_port(), free_port()
        config = folder / "hub.toml"
        config.write_text(model + HUB.format(shared=SHARED) + account + 'mode = "waker"\n')
        run = command or (sys.executable, "-m", "hub", "run", "--config", str(config), *OPTIONS)
        filled = [word.format(port=hub, data=folder / "data") for word in run]
        settings = folder / "waker.toml"
        settings.write_text(
            WAKER.format(port=self.port, folder=folder, hub=hub, shared=SHARED, command=json.dumps(filled), idle=idle)
            + account
            + of_waker
        )
        self._folder = folder
        self._log = folder / "waker.log"
        self._command = (sys.executable, "-m", "hub", "waker", "--config", str(settings))
        self._process: Process | None = None
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=90)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()
        self.kill_hub()
        await self.http.aclose()

    async def start(self) -> None:
        """Start the waker, and wait until it serves."""
        known = {"AGENTHOST_OWNER_KEY": KEY, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
        # To a file and not into a pipe, which the hub would hold open after the waker's end.
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **known}
            )
        await eventually(self._serves, "the waker doesn't serve", within=60)

    @property
    def pid(self) -> int:
        """The waker's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def database(self) -> Path:
        """The hub's database."""
        return self._folder / "data" / "hub.db"

    async def kill(self) -> None:
        """Kill the waker; its hub lives on."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def kill_hub(self) -> bool:
        """Kill the hub's process, if it lives."""
        try:
            pid = int((self._folder / "waker" / "hub.process").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            return False
        return True

    async def status(self) -> dict[str, Any]:
        """Return what the waker says of its hub."""
        key = (self._folder / "waker" / STATUS_KEY).read_text().strip()
        answer = await self.http.get("/waker/status", headers={"Authorization": f"Bearer {key}"})
        found: dict[str, Any] = answer.json()["items"][0]
        return found

    async def met(self) -> None:
        """Wait until the waker has met its hub, which it starts once for that, and the hub sleeps again."""

        async def is_so() -> bool:
            found = await self.status()
            return found["state"] == "stopped" and found["wake_seconds"] is not None

        await eventually(is_so, f"not met: {self._log.read_text()[-3000:]}", within=180)

    async def be(self, state: str, *, within: float = 90.0) -> None:
        """Wait until the hub is in a state."""

        async def is_so() -> bool:
            return bool((await self.status())["state"] == state)

        await eventually(is_so, f"not {state}: {self._log.read_text()[-3000:]}", within=within)

    async def _serves(self) -> bool:
        try:
            return (await self.http.get("/waker/healthz")).status_code == 200
        except httpx.HTTPError:
            return False
