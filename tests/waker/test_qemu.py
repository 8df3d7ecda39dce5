"""A hub in a virtual machine: really booted, asked over its network, turned off by its button."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hub.clock import SystemClock
from hub.waker.config import HubConfig
from hub.waker.peer import Peer
from hub.waker.power import Power
from hub.waker.providers import Provider, ProviderFault
from hub.waker.providers.qemu import QemuConfig, QemuProvider, faults
from hub.waker.relay import Relay
from hub.waker.spool import Heard, Spool
from tests.faults.harness import free_port
from tests.faults.served import eventually
from tests.waker import machine

TOKEN = "0123456789abcdef0123456789abcdef"
EMPTY = ("-machine", "none", "-nodefaults")
"""A machine without anything in it: QEMU and its monitor are real all the same."""


@asynccontextmanager
async def turned_off(config: QemuConfig, folder: Path) -> AsyncIterator[QemuProvider]:
    """Have a machine's provider, and no machine afterwards."""
    provider = QemuProvider(config, "hub", folder)
    try:
        yield provider
    finally:
        if (await provider.describe()).state != "stopped":
            signal_to(folder, signal.SIGKILL)
        await until(provider, "stopped")


def signal_to(folder: Path, number: int) -> None:
    os.kill(int((folder / "hub.qemu").read_text().split()[0]), number)


async def until(provider: Provider, state: str, detail: str = "") -> None:
    async def is_so() -> bool:
        found = await provider.describe()
        return found.state == state and found.detail.endswith(detail)

    await eventually(is_so, f"not {state}", within=60)


async def test_a_machine_is_woken_asked_and_put_to_sleep(tmp_path: Path) -> None:
    """The stand-in in the machine checks signatures as the hub does, and answers nobody without one."""
    port = free_port()
    config = QemuConfig(program=machine.needed(), arguments=machine.arguments(tmp_path, port=port, token=TOKEN))
    url = f"http://127.0.0.1:{port}"
    spool, clock, told = Spool(tmp_path / "waker.db"), SystemClock(), list[str]()
    spool.open()

    async def tell(text: str, first: bool) -> None:
        told.append(text)

    async with turned_off(config, tmp_path) as provider:
        hub = HubConfig(provider="qemu", url=url, token=TOKEN, qemu=config, idle_minutes=0.05)
        peer = Peer(lambda: url, TOKEN)
        power = Power(hub, provider=provider, peer=peer, spool=spool, clock=clock, failed=tell)
        await spool.mark("met:hub", "before")
        await spool.put(Heard(hub="hub", account="a", key="1", lane="l", body=b'{"id":7}', wakes=True, at=time.time()))
        began = time.monotonic()
        work = [asyncio.create_task(power.run()), asyncio.create_task(Relay(power, peer, spool, clock).run())]
        try:
            assert await power.up(100), power.detail
            took = time.monotonic() - began
            assert await spool.knows("hub", "key", ["hash"]), "it has said whom it knows"
            async with httpx.AsyncClient(base_url=url) as http:
                assert (await http.get("/v1/waker/report")).status_code == 401
                assert (await http.get("/any")).json() == {"said": "by the machine"}
            await until(provider, "running", "running")
            await eventually(lambda: nothing_waits(spool), "not handed over", within=20)
            await until(provider, "stopped")
            assert "the button was pressed" in (tmp_path / "console.log").read_text(errors="replace")
            await eventually(lambda: is_asleep(power), "not seen to sleep", within=20)
            assert told == []
        finally:
            for each in work:
                each.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await peer.close()
            await spool.close()
    assert took < 60, f"it took {took:.1f} s to be up"


async def nothing_waits(spool: Spool) -> bool:
    return await spool.waiting("hub") == (0, 0)


async def is_asleep(power: Power) -> bool:
    return power.state == "stopped"


async def test_a_machine_that_heeds_no_button_is_turned_off_when_the_time_is_up(tmp_path: Path) -> None:
    port = free_port()
    arguments = machine.arguments(tmp_path, port=port, token=TOKEN, deaf=True)
    async with turned_off(QemuConfig(program=machine.needed(), arguments=arguments, stop_seconds=1), tmp_path) as qemu:
        await qemu.start()
        console = tmp_path / "console.log"
        await eventually(lambda: says(console, "machine: up"), "it doesn't boot", within=100)
        await qemu.stop()
        await eventually(lambda: says(console, "nobody heeds it"), "the button wasn't pressed", within=20)
        assert (await qemu.describe()).state == "stopping"
        await stopped_by_asking(qemu)


async def says(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text(errors="replace")


async def stopped_by_asking(provider: Provider) -> None:
    """Ask as the waker does: again and again until it's so."""

    async def is_so() -> bool:
        await provider.stop()
        return (await provider.describe()).state == "stopped"

    await eventually(is_so, "it runs still", within=60)


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[QemuProvider]:
    config = QemuConfig(program=machine.needed(), arguments=EMPTY, stop_seconds=1)
    async with turned_off(config, tmp_path) as qemu:
        yield qemu


async def test_it_is_started_once_however_often_that_is_asked(empty: QemuProvider, tmp_path: Path) -> None:
    assert (await empty.describe()).state == "stopped"
    await empty.start()
    first = (tmp_path / "hub.qemu").read_text()
    await until(empty, "running", "running")
    await empty.start()
    assert (tmp_path / "hub.qemu").read_text() == first


async def test_another_waker_finds_the_machine_and_stops_it(empty: QemuProvider, tmp_path: Path) -> None:
    await empty.start()
    await until(empty, "running", "running")
    other = QemuProvider(QemuConfig(program=machine.needed(), arguments=EMPTY, stop_seconds=1), "hub", tmp_path)
    assert (await other.describe()).state == "running"
    await other.start()
    await stopped_by_asking(other)


async def test_a_machine_that_was_killed_is_stopped(empty: QemuProvider, tmp_path: Path) -> None:
    await empty.start()
    await until(empty, "running", "running")
    signal_to(tmp_path, signal.SIGKILL)
    await until(empty, "stopped", "it was killed by SIGKILL")
    await empty.stop()
    await empty.start()
    await until(empty, "running", "running")


async def test_a_machine_that_hangs_runs_as_far_as_anybody_knows_and_is_killed(
    empty: QemuProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.waker.providers.qemu.QUICK", 0.3)
    monkeypatch.setattr("hub.waker.providers.process.PATIENCE", 0.5)
    await empty.start()
    await until(empty, "running", "running")
    signal_to(tmp_path, signal.SIGSTOP)
    await until(empty, "running", "its monitor doesn't answer")
    await stopped_by_asking(empty)


async def test_arguments_that_qemu_refuses_end_it_at_once(tmp_path: Path) -> None:
    config = QemuConfig(program=machine.needed(), arguments=("-machine", "nosuch"))
    async with turned_off(config, tmp_path) as qemu:
        await qemu.start()
        await until(qemu, "stopped", "it ended with 1")


async def test_a_folder_whose_path_is_too_long_for_a_socket_is_a_fault(tmp_path: Path) -> None:
    qemu = QemuProvider(QemuConfig(arguments=EMPTY), "hub", tmp_path / ("x" * 100))
    with pytest.raises(ProviderFault, match="longer than a socket's path may be"):
        await qemu.start()


@pytest.mark.parametrize("arguments", [(), ("-m", "1G", "-daemonize"), ("-qmp", "stdio")])
def test_what_the_machine_is_must_be_said_and_no_more(arguments: tuple[str, ...]) -> None:
    [fault] = faults(QemuConfig(arguments=arguments))
    assert fault.startswith("qemu.arguments: ")
