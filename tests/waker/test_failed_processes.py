"""Real processes that don't become a hub, ten times as fast: people are told, and nothing is left over."""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.waker.config import HubConfig
from hub.waker.peer import Peer
from hub.waker.power import Power
from hub.waker.providers.process import ProcessProvider
from hub.waker.spool import Heard, Spool
from tests.faults.harness import free_port
from tests.faults.served import eventually
from tests.waker import sick

PACE = 10.0
TOKEN = "t" * 32


class Hurried:
    """A clock that runs so much faster."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._began = self._clock.now()
        self._zero = self._clock.monotonic()

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (self._clock.monotonic() - self._zero) * PACE

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds / PACE)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.mark.parametrize(
    ("illness", "why"),
    [
        ("exits", "asleep, and it could not be started: it ended while it started (it ended with 3)"),
        ("is killed", "asleep, and it could not be started: it ended while it started (it was killed by SIGKILL)"),
        ("hangs", "asleep, and it "),
        ("says nothing", "asleep, and it "),
        ("answers 500", "asleep, and it "),
    ],
)
async def test_a_process_that_does_not_become_a_hub_is_told_of_in_time_and_not_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, illness: str, why: str
) -> None:
    monkeypatch.setattr("hub.waker.peer.QUICK", 5.0 / PACE)
    (tmp_path / "illness").write_text(illness)
    (tmp_path / "pids").touch()
    port, clock, told = free_port(), Hurried(), list[tuple[float, str]]()
    command = (sys.executable, "-S", sick.__file__, str(port), str(tmp_path / "illness"), str(tmp_path / "pids"))
    provider, spool = ProcessProvider(command, tmp_path / "note"), Spool(tmp_path / "waker.db")
    url = f"http://127.0.0.1:{port}"
    hub = HubConfig(url=url, token=TOKEN, command=command, start_seconds=20.0)
    peer = Peer(lambda: url, TOKEN)

    async def tell(text: str, first: bool) -> None:
        told.append((clock.monotonic(), text))

    async def is_told() -> bool:
        return bool(told)

    spool.open()
    power = Power(hub, provider=provider, peer=peer, spool=spool, clock=clock, failed=tell)
    await spool.put(Heard(hub="hub", account="a", key="1", lane="l", body=b"{}", wakes=True, at=0.0))
    owner = asyncio.create_task(power.run())
    try:
        await eventually(is_told, "nobody was told", within=20)
        at, text = told[0]
        assert at <= 90
        assert text.startswith(why)
        (tmp_path / "illness").write_text("well")
        assert await power.up(30), power.detail
        pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
        assert [pid for pid in pids if lives(pid)] == pids[-1:], "nothing is left of those that failed"
        assert len(pids) <= 12
        assert power.failures == 0
    finally:
        owner.cancel()
        await asyncio.gather(owner, return_exceptions=True)
        await provider.stop()
        await eventually(lambda: is_over(provider), "it doesn't end", within=20)
        await peer.close()
        await spool.close()


async def is_over(provider: ProcessProvider) -> bool:
    return (await provider.describe()).state == "stopped"
