"""A full disk: nothing is damaged, nothing that was accepted is lost, senders are told, and work goes on with space."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.testing.server import MARK
from tests.faults.harness import KEY, World
from tests.faults.test_kills import check_store

pytestmark = pytest.mark.faults

SIZE = 12 << 20
RECOVERED_WITHIN = 10.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of a few megabytes."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        give_up("mounting a small disk takes root and mount(8)")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        give_up(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def give_up(why: str) -> None:
    """Skip on a person's machine; in CI what a test needs must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def fill(ballast: Path, *, but: int = 0) -> None:
    """Take all of the disk's space, but so many bytes."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - but))


@pytest.mark.parametrize("left", [0, 256 << 10], ids=["full", "nearly full"])
async def test_a_full_disk_loses_nothing_and_is_over_when_theres_space(
    small_disk: Path, tmp_path: Path, left: int
) -> None:
    """Promise 1, with R2's bars: 0 corrupt, 0 lost, senders told, back within 10 s."""
    async with World(tmp_path, chats=20, data=small_disk / "data") as world:
        await world.start()
        url = (await world.hub.line()).split(" is at ")[1].split(" ")[0]
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30) as client:
            await said_and_answered(world, 20, within=30)
            for _ in range(3):
                await one_round(world, client, small_disk / "ballast", left)
            response = await client.post("/v1/messages?wait=20", json={"text": "Hello"})
            assert response.status_code == 200
            assert (await client.get("/readyz")).status_code == 200
        await world.hub.end(within=30)
        check_store(world, world.platform.kept)


async def one_round(world: World, client: httpx.AsyncClient, ballast: Path, left: int) -> None:
    """Fill the disk under load, see everybody refused, make room again and see everybody answered."""
    refused = len(world.platform.refused)
    for number in range(10):
        speak(world, number)
    await asyncio.sleep(0.1)
    fill(ballast, but=left)
    for number in range(10, 20):
        speak(world, number)
    await until(lambda: len(world.platform.refused) > refused, "nobody was refused on a full disk")
    assert all(refusal.later for refusal in world.platform.refused)

    response = await client.post("/v1/messages", json={"text": "Hello"})
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "disk" in response.json()["detail"] or "full" in response.json()["detail"]
    assert (await client.get("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "disk" in ready.json()["reason"]
    await asyncio.sleep(2.0)

    kept = len(world.platform.kept)
    space_at = time.monotonic()
    ballast.unlink()
    await until(lambda: len(world.platform.kept) > kept, "nothing was kept when there was space")
    assert time.monotonic() - space_at <= RECOVERED_WITHIN
    await said_and_answered(world, 0, within=RECOVERED_WITHIN + 20)


async def said_and_answered(world: World, messages: int, *, within: float) -> None:
    """Say so many things, and wait until everything that was ever said is answered."""
    for number in range(messages):
        speak(world, number)

    def all_answered() -> bool:
        answered = {mark for delivery in world.platform.deliveries for mark in MARK.findall(delivery.text)}
        wanted = {mark for said in world.platform.kept.values() for mark in MARK.findall(said.text)}
        return world.platform.unsaid == 0 and wanted <= answered

    await until(all_answered, "not everything was answered", within=within)


def speak(world: World, number: int) -> None:
    """Say the next thing in a chat."""
    chat = number % len(world.chats)
    count = sum(said.chat == world.chats[chat] for said in world.platform.kept.values()) + world.platform.unsaid + 1
    world.platform.say(world.chats[chat], f"And m{chat}x{count}?", thread="one")


async def until(true: object, otherwise: str, *, within: float = 20.0) -> None:
    """Wait until something is true."""
    assert callable(true)
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.05)
