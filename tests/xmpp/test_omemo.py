"""X9: encrypted both ways (OMEMO) with a common client over Debian's prosody; only where the extra is installed."""

import asyncio
import logging
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("slixmpp_omemo", reason="the extra omemo isn't installed: pip install 'slixmpp-omemo>=2.2,<3'")

from hub.errors import DeliveryRefused
from hub.records import File, Incoming, Text
from hub.store.documents import FileDocuments
from hub.testing import a_message
from tests.xmpp.friend import friend
from tests.xmpp.running import NAME, a_desk, an_account, running
from tests.xmpp.sealed import Memory, sealed_friend
from tests.xmpp.server import Prosody

# slixmpp-omemo's own, of slixmpp's older ways.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning")

SECRET = "the key is under the mat"
ANSWER = "under which mat exactly"


def answering(_: Incoming) -> str:
    """Answer with words that mustn't be read on the way."""
    return ANSWER


def kept_by(server: Prosody, user: str) -> str:
    """Return all that the server's archives have on disk of somebody."""
    return "".join(
        path.read_text(errors="replace")
        for path in (server.folder / "data").rglob("*")
        if path.is_file() and "archive" in str(path.parent) and user in path.name
    )


async def test_an_encrypted_message_is_answered_encrypted_and_the_server_reads_neither(
    prosody: Prosody, name: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    account = an_account(prosody, agent, omemo=True)
    caplog.set_level(logging.DEBUG, "bridges")
    async with (
        running(account, folder, a_desk(ann)) as hub,
        sealed_friend(ann, prosody.port, prosody.certificate, Memory()) as client,
    ):
        hub.answer = answering
        sent = await client.write(agent, SECRET, receipt="yes")
        await client.until(lambda: client.opened)
        assert client.opened == [ANSWER]
        wire = "".join(ElementTree.tostring(message.xml, encoding="unicode") for message in client.messages)
        await asyncio.sleep(0.5)
        archive = kept_by(prosody, f"ann{name}") + kept_by(prosody, f"agent{name}")
    assert hub.texts == [SECRET]
    assert hub.kept[0].external_id == sent
    assert [found.get("id") for found in client.child("received")] == [sent]
    assert "eu.siacs.conversations.axolotl" in wire
    assert ANSWER not in wire
    assert "axolotl" in archive
    assert SECRET not in archive
    assert ANSWER not in archive
    bridge_logs = [record.getMessage() for record in caplog.records if record.name.startswith("bridges")]
    assert [line for line in bridge_logs if SECRET in line or ANSWER in line] == []


async def test_keys_and_encrypted_chats_outlive_the_bridge(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    account, desk = an_account(prosody, agent, omemo=True), a_desk(ann)
    async with sealed_friend(ann, prosody.port, prosody.certificate, Memory()) as client:
        async with running(account, folder, desk, durable=True) as hub:
            await client.write(agent, "one")
            await hub.until(lambda: hub.kept)
            await hub.say("two", hub.kept[0])
            await client.until(lambda: client.opened == ["two"])
            desk.messages.append(a_message("one", address=hub.kept[0].address, external_id=hub.kept[0].external_id))
        # It finds these in the archive.
        for number in range(5):
            await client.write(agent, f"while you were away {number}")
        async with running(account, folder, desk, durable=True) as again:
            # Before anybody writes: the chat is known to be encrypted.
            await again.say("three", hub.kept[0])
            await client.until(lambda: "three" in client.opened)
            await again.until(lambda: len(again.kept) == 5)
            await client.write(agent, "last")
            await again.until(lambda: len(again.kept) == 6)
            await asyncio.sleep(0.5)
    assert again.texts == [*(f"while you were away {number}" for number in range(5)), "last"]
    assert client.opened == ["two", "three"]
    assert [text for text in client.texts if "can't open" in text] == []


async def test_plain_chats_stay_plain_beside_encrypted_ones(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann, bob = prosody.add(f"agent{name}"), prosody.add(f"ann{name}"), prosody.add(f"bob{name}")
    account = an_account(prosody, agent, omemo=True)
    async with (
        running(account, folder, a_desk(ann, bob)) as hub,
        sealed_friend(ann, prosody.port, prosody.certificate, Memory()) as client,
        friend(bob, prosody.port, prosody.certificate) as other,
    ):
        hub.answer = answering
        other.say(agent, "hello")
        await client.write(agent, SECRET)
        await other.until(lambda: other.texts)
        await client.until(lambda: client.opened)
    assert other.texts == [ANSWER]
    assert client.opened == [ANSWER]


async def test_a_chat_that_was_encrypted_once_is_answered_encrypted_for_good(
    prosody: Prosody, name: str, folder: Path
) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent, omemo=True), folder, a_desk(ann)) as hub,
        sealed_friend(ann, prosody.port, prosody.certificate, Memory()) as client,
    ):
        await client.write(agent, SECRET)
        await hub.until(lambda: hub.kept)
        client.say(agent, "and this in plain text")
        await hub.until(lambda: len(hub.kept) == 2)
        await hub.say(ANSWER, hub.kept[1])
        file = File(name="plan.pdf", media_type="application/pdf", size=2_000_000, sha256="0" * 64)
        await hub.say("", hub.kept[1], parts=(Text(text="the plan"), file))
        await client.until(lambda: len(client.opened) == 3)
    assert client.opened[:2] == [ANSWER, "the plan"]
    assert client.opened[2].startswith("[a file: plan.pdf, 2.0 MB; it isn't sent here")
    assert not any(ANSWER in text for text in client.texts)


async def test_what_cant_be_opened_is_told_once_and_nothing_breaks(prosody: Prosody, name: str, folder: Path) -> None:
    agent, ann = prosody.add(f"agent{name}"), prosody.add(f"ann{name}")
    async with (
        running(an_account(prosody, agent, omemo=True), folder, a_desk(ann)) as hub,
        sealed_friend(ann, prosody.port, prosody.certificate, Memory()) as client,
    ):
        broken = client.make_message(mto=agent, mbody="fallback", mtype="chat")
        broken.append(
            ElementTree.fromstring(
                "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='27'><key rid='31'>aGk=</key>"
                "<iv>AAAAAAAAAAAAAAAA</iv></header><payload>aGk=</payload></encrypted>"
            )
        )
        broken.send()
        await client.until(lambda: client.texts, 20)
        await client.write(agent, SECRET)
        await hub.until(lambda: hub.kept)
    assert hub.texts == [SECRET]
    (told,) = client.texts
    assert told.startswith("That came encrypted, and I can't open it: your device's keys can't be had")


async def test_an_answer_that_cant_be_encrypted_isnt_sent_as_plain_text(
    prosody: Prosody, name: str, folder: Path
) -> None:
    """Somebody who wrote encrypted once, and has no client any more that can."""
    agent, bob = prosody.add(f"agent{name}"), prosody.add(f"bob{name}")
    chats = FileDocuments(folder / "documents")
    await chats.put(f"bridges/{NAME}/omemo/chats", bob, {"since": "2026-01-01T00:00:00+00:00"})
    async with (
        running(an_account(prosody, agent, omemo=True), folder, a_desk(bob), durable=True) as hub,
        friend(bob, prosody.port, prosody.certificate) as client,
    ):
        client.say(agent, "hello")
        await hub.until(lambda: hub.kept)
        with pytest.raises(DeliveryRefused, match="isn't sent as plain text: none of their devices"):
            await hub.say(ANSWER, hub.kept[0])
        await asyncio.sleep(0.3)
    assert client.texts == []
