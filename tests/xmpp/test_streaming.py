"""An answer while it's written, and what's taken back."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import DeliveryRefused
from hub.ports import Draft
from hub.records import Text, TurnId
from hub.testing import a_task
from tests.xmpp.friend import friend
from tests.xmpp.running import Running, an_account, answer, running
from tests.xmpp.server import PASSWORD, Prosody, needed

TURN = TurnId("turn")


def draft(hub: Running, text: str, **more: object) -> Draft:
    """Return a draft in the chat of the message that was kept first."""
    return Draft(address=hub.kept[0].address, task=a_task("Bonn"), turn=TURN, text=text, **more)  # type: ignore[arg-type]


async def test_an_answer_grows_in_one_message_and_ends_as_it_was_delivered(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "tell me")
        await hub.until(lambda: hub.kept)
        for text in ("One", "One, **two**", "One, **two**, three"):
            await hub.bridge.show(draft(hub, text))
            await asyncio.sleep(0.21)
        # Too soon after the last: left out.
        await hub.bridge.show(draft(hub, "One, **two**, three, four"))
        await hub.bridge.show(draft(hub, "One, **two**, three, four, five"))
        delivered = await hub.bridge.deliver(answer("One, two, six.", hub.kept[0].address, turn=TURN))
        await client.until(lambda: "One, two, six." in client.texts)
        assert list(client.read().values()) == ["One, two, six."]
        assert len(client.texts) <= 5
        assert client.texts[:3] == ["One", "One, *two*", "One, *two*, three"]
        assert set(delivered.ids) == {client.heard[0].id, client.heard[-1].id}


async def test_a_draft_that_is_late_is_not_shown_beside_its_answer(prosody: Prosody, name: str, folder: Path) -> None:
    """What the client can do is asked first: meanwhile the whole answer may be sent."""
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "tell me")
        await hub.until(lambda: hub.kept)
        whole = answer("One, two.", hub.kept[0].address, turn=TURN)
        await asyncio.gather(hub.bridge.show(draft(hub, "One")), hub.bridge.deliver(whole))
        await hub.bridge.show(draft(hub, "One, two"))
        await client.until(lambda: "One, two." in client.texts)
        await asyncio.sleep(0.3)
        assert list(client.read().values()) == ["One, two."]


async def test_a_stopped_answer_says_so(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "tell me")
        await hub.until(lambda: hub.kept)
        await hub.bridge.show(draft(hub, "One"))
        await hub.bridge.drop(TURN)
        await client.until(lambda: len(client.texts) == 2)
        assert list(client.read().values()) == ["One\n\n_stopped_"]


async def test_a_message_is_corrected_while_it_is_the_last_and_refused_later(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "find out")
        await hub.until(lambda: hub.kept)
        first = replace(answer("turn 1", hub.kept[0].address), task=a_task("Bonn"), tagged=True, silent=True)
        delivered = await hub.bridge.deliver(first)
        now = replace(first, message=replace(first.message, parts=(Text("turn 2"),)))
        await hub.bridge.edit(now, delivered.ids)
        await client.until(lambda: len(client.texts) == 2)
        assert list(client.read().values()) == ["#1 Bonn\n\nturn 2"]
        with pytest.raises(DeliveryRefused):
            await hub.bridge.edit(replace(now, newest=False), delivered.ids)
        await hub.bridge.show(draft(hub, "Half an answer"))
        with pytest.raises(DeliveryRefused):
            await hub.bridge.edit(now, delivered.ids)


async def test_a_client_that_knows_no_corrections_sees_the_answer_once(
    prosody: Prosody, name: str, folder: Path
) -> None:
    needed("go-sendxmpp")
    agent, bob = prosody.add(f"agent{name}"), prosody.add(f"bob{name}")
    async with running(an_account(prosody, agent), folder) as hub:
        command = ("go-sendxmpp", "-u", bob, "-p", PASSWORD, "-j", f"127.0.0.1:{prosody.port}", "-n", agent)
        sender = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        await sender.communicate(b"hello\n")
        await hub.until(lambda: hub.kept)
        for text in ("One", "One, two"):
            await hub.bridge.show(draft(hub, text))
            await asyncio.sleep(0.21)
        await hub.bridge.deliver(answer("One, two, three", hub.kept[0].address, turn=TURN))
        async with friend(bob, prosody.port, prosody.certificate) as client:
            await client.until(lambda: client.texts)
            await asyncio.sleep(0.2)
            assert client.texts == ["One, two, three"]


async def test_a_message_that_was_moved_is_changed_and_taken_back(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent), folder) as hub,
        friend(ann, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "hello")
        await hub.until(lambda: hub.kept)
        outgoing = answer("about the wrong task", hub.kept[0].address)
        delivered = await hub.bridge.deliver(outgoing)
        await hub.bridge.retract(outgoing.message, delivered.ids, a_task("Rent", number=2))
        await client.until(lambda: client.child("retract"))
        assert list(client.read().values()) == ["_moved to #2 Rent_"]
        assert [found.get("id") for found in client.child("retract")] == list(delivered.ids)


async def test_an_answer_that_a_crash_cut_off_is_ended_in_the_message_that_was_begun(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    account = an_account(prosody, agent)
    async with friend(ann, prosody.port, prosody.certificate) as client:
        async with running(account, folder, durable=True) as hub:
            client.say(agent, "tell me")
            await hub.until(lambda: hub.kept)
            await hub.bridge.show(draft(hub, "One, tw"))
            await client.until(lambda: client.texts)
        address = hub.kept[0].address
        async with running(account, folder, durable=True) as hub:
            await hub.bridge.deliver(answer("One, two.", address, turn=TURN))
            await hub.bridge.deliver(answer("Another", address))
            await client.until(lambda: len(client.texts) == 3)
        assert list(client.read().values()) == ["One, two.", "Another"]
