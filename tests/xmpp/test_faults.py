"""What becomes of messages when the network, the server or the hub's process fails."""

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from hub.errors import DeliveryDelayed, DeliveryUncertain
from hub.records import Address
from tests.xmpp.friend import friend
from tests.xmpp.running import NAME, Running, an_account, answer, running
from tests.xmpp.server import Prosody
from tests.xmpp.wire import Wire

ROOT = Path(__file__).parent.parent.parent
CUTS, EACH_WAY = 5, 100
FAULTS = int(os.environ.get("AGENTHOST_XMPP_FAULTS", "100"))
HARASSED = 25
"""Accounts that suffer them side by side."""


async def deliver_for_sure(hub: Running, text: str, chat: str) -> None:
    """Deliver as the hub's outbox does: again after what it's told, marked once it may have arrived."""
    outgoing = answer(text, Address(bridge=NAME, chat=chat))
    while True:
        try:
            await hub.bridge.deliver(outgoing)
        except DeliveryDelayed as delay:
            await asyncio.sleep(min(delay.after, 0.2))
        except DeliveryUncertain:
            outgoing = replace(outgoing, again=True)
        else:
            return


async def test_five_cuts_in_a_hundred_messages_each_way_lose_and_double_none(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        Wire(prosody.port) as wire,
        running(an_account(prosody, agent, port=wire.port), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):

        async def ask() -> None:
            for number in range(EACH_WAY):
                client.say(agent, f"ask {number}")
                await asyncio.sleep(0.04)

        async def tell() -> None:
            for number in range(EACH_WAY):
                await deliver_for_sure(hub, f"tell {number}", ann)
                await asyncio.sleep(0.01)

        async def cut() -> None:
            for _ in range(CUTS):
                await asyncio.sleep(0.1)
                await hub.connected()
                wire.cut()
                await hub.until(lambda: hub.bridge.info.state != "running")

        await asyncio.gather(ask(), tell(), cut())
        await hub.until(lambda: len(hub.kept) >= EACH_WAY, 30)
        await client.until(lambda: len(client.texts) >= EACH_WAY, 30)
        assert wire.connections > CUTS
    assert hub.texts == [f"ask {number}" for number in range(EACH_WAY)]
    assert client.texts == [f"tell {number}" for number in range(EACH_WAY)]


async def test_a_server_that_loses_the_session_gets_each_message_once(
    prosody: Prosody, name: str, folder: Path
) -> None:
    """A link is cut and the session can't be resumed: what was under way is looked up in the archive."""
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        Wire(prosody.port) as wire,
        running(an_account(prosody, agent, port=wire.port), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        # The server's word that it has the message is lost, and so is the session.
        wire.deaf = True
        telling = asyncio.create_task(deliver_for_sure(hub, "once", ann))
        await client.until(lambda: client.texts)
        client.say(agent, "meanwhile")
        stream = hub.bridge._parts.link._stream  # type: ignore[union-attr]
        vars(stream.plugin["xep_0198"])["sm_id"] = "unknown"
        wire.cut()
        await telling
        await hub.until(lambda: hub.kept)
        assert hub.texts == ["meanwhile"]
        assert client.texts == ["once"]


async def test_a_message_that_a_killed_process_had_received_comes_back_once(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    book = folder / "kept"
    command = (
        sys.executable,
        "-m",
        "tests.xmpp.killed",
        str(prosody.port),
        str(prosody.certificate),
        agent,
        str(folder),
    )
    async with friend(ann, prosody.port, prosody.certificate) as client:
        first = await asyncio.create_subprocess_exec(*command, "die at two", cwd=ROOT)
        await client.until(book.exists, 20)
        for text in ("one", "die at two", "three"):
            client.say(agent, text, receipt="yes")
        assert await asyncio.wait_for(first.wait(), 20) == -signal.SIGKILL
        assert book.read_text().splitlines() == ["up", "one"]
        await asyncio.sleep(0.2)
        assert len(client.child("received")) <= 1
        second = await asyncio.create_subprocess_exec(*command, "", cwd=ROOT)
        await client.until(lambda: "three" in book.read_text(), 20)
        await client.until(lambda: len(client.child("received")) >= 3)
        second.kill()
        await second.wait()
    assert [line for line in book.read_text().splitlines() if line != "up"] == ["one", "die at two", "three"]


async def harass(server: Prosody, number: int, folder: Path, faults: int) -> tuple[list[str], list[str], int, float]:
    """Have two people write to each other over a link that fails; return what arrived, how much, the longest gap."""
    rng = random.Random(number)
    agent, ann = server.add(f"harassed{number}"), server.add(f"harasser{number}")
    longest, said = 0.0, 0
    async with (
        Wire(server.port) as wire,
        running(an_account(server, agent, port=wire.port), folder / str(number)) as hub,
        friend(ann, server.port, server.certificate) as client,
    ):
        for fault in range(faults):
            client.say(agent, f"ask {fault}")
            telling = asyncio.create_task(deliver_for_sure(hub, f"tell {fault}", ann))
            await asyncio.sleep(rng.uniform(0, 0.05))
            kind = rng.choice(("cut", "refuse", "swallow", "deaf"))
            wire.open, wire.swallowing, wire.deaf = kind != "refuse", kind == "swallow", kind == "deaf"
            await asyncio.sleep(rng.uniform(0, 0.2) if kind != "cut" else 0)
            wire.cut()
            began = time.monotonic()
            if kind == "refuse":
                await asyncio.sleep(rng.uniform(0, 0.5))
            wire.open = True
            await hub.until(lambda: hub.bridge.info.state != "running", 40)
            await hub.connected(40)
            longest = max(longest, time.monotonic() - began)
            await telling
            said += 1
        await hub.until(lambda: len(hub.kept) >= said, 40)
        await client.until(lambda: len(client.texts) >= said, 40)
        return hub.texts, client.texts, said, longest


async def test_hundreds_of_faults_lose_no_message_and_double_none(prosody: Prosody, folder: Path) -> None:
    async with asyncio.TaskGroup() as group:
        work = [group.create_task(harass(prosody, number, folder, FAULTS // HARASSED)) for number in range(HARASSED)]
    longest = 0.0
    for done in work:
        asked, told, said, gap = done.result()
        assert asked == [f"ask {number}" for number in range(said)]
        assert told == [f"tell {number}" for number in range(said)]
        longest = max(longest, gap)
    print(f"xmpp: {FAULTS // HARASSED * HARASSED} faults, longest until it was connected again {longest:.1f} s")
    assert longest <= 30


async def test_a_link_that_is_cut_costs_next_to_nothing_while_it_waits(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent = prosody.add(f"agent{name}")
    async with Wire(prosody.port) as wire, running(an_account(prosody, agent, port=wire.port), folder) as hub:
        wire.open = False
        wire.cut()
        await hub.until(lambda: hub.bridge.info.state != "running")
        cpu, began = time.process_time(), time.monotonic()
        await asyncio.sleep(4)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        print(f"xmpp: {share:.1%} of a core while cut off, {wire.connections - 1} attempts")
        assert hub.bridge.info.state == "waiting"
        assert "again" not in hub.bridge.info.detail
        assert share < 0.05
        wire.open = True
        await hub.connected(30)
