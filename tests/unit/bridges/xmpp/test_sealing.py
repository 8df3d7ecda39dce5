"""Encrypted chats, with a cipher that anybody can read: what's opened, what's sealed, and what's never sent."""

import asyncio
import sys
from xml.etree.ElementTree import Element, SubElement, tostring

import pytest

from bridges.xmpp import saying
from bridges.xmpp.hearing import Heard, heard
from bridges.xmpp.saying import OLDMEMO, Target, Words
from bridges.xmpp.sealing import Keep, Passing, Sealing, Unfit, installed
from hub.accounts import XmppAccount
from hub.errors import ConfigError, DeliveryDelayed, DeliveryRefused
from hub.ports import Documents
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock

ANN = "ann@example.org"
ACCOUNT = XmppAccount(jid="hub@example.org", password="x", omemo=True)


class Mirror:
    """A Cipher that writes backwards, and opens each message once."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)
        self._spent: set[str] = set()
        self.asked = 0

    async def begin(self) -> None: ...

    async def end(self) -> None: ...

    async def open(self, message: Element, keep: Keep) -> Element | None:
        self._fail()
        (envelope,) = message.iterfind(f"{{{OLDMEMO}}}encrypted")
        text = (envelope.text or "")[::-1]
        if text in self._spent:
            raise Unfit("it's spent")
        plain = saying.opened(message, text)
        await keep(plain)
        self._spent.add(text)
        return plain

    async def seal(self, to: str, id: str, text: str) -> list[Element]:
        self._fail()
        envelope = Element(f"{{{OLDMEMO}}}encrypted")
        envelope.text = text[::-1]
        return [envelope]

    def _fail(self) -> None:
        self.asked += 1
        if self._faults:
            raise self._faults.pop(0)


def sealing(
    cipher: Mirror | None = None, documents: Documents | None = None, clock: FakeClock | None = None
) -> Sealing:
    return Sealing(ACCOUNT, documents or MemoryDocuments(), clock or FakeClock(), cipher or Mirror())


def said(text: str) -> Heard:
    message = Element("{jabber:client}message", {"from": f"{ANN}/phone", "type": "chat", "id": "0123456789abcdef"})
    SubElement(message, "{jabber:client}body").text = "This is encrypted."
    SubElement(message, f"{{{OLDMEMO}}}encrypted").text = text[::-1]
    return heard(message)


def answer(text: str = "dig here") -> Element:
    return saying.words("jabber:client", Target(to=ANN), Words(id="a1", body=text, thread="t1", replaces="a0"))


async def test_what_came_sealed_is_read_and_answered_sealed() -> None:
    chats = sealing()

    opened = await chats.open(said("where is it"), ANN, "1")
    shut = await chats.close(ANN, answer())

    assert opened is not None
    assert (opened.body, opened.encrypted, opened.id) == ("where is it", False, "0123456789abcdef")
    assert "dig here" not in tostring(shut, encoding="unicode")
    again = heard(shut)
    assert (again.body, again.id, again.thread, again.replaces, again.encrypted) == (
        saying.SEALED,
        "a1",
        "t1",
        "a0",
        True,
    )


async def test_a_plain_chat_stays_plain() -> None:
    cipher = Mirror()
    plain = answer()

    assert await sealing(cipher).close(ANN, plain) is plain
    assert cipher.asked == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Passing("their server is away"), DeliveryDelayed), (Unfit("they have no keys"), DeliveryRefused)],
)
async def test_what_cant_be_sealed_isnt_sent(fault: Exception, error: type[Exception]) -> None:
    documents = MemoryDocuments()
    await sealing(documents=documents).open(said("where is it"), ANN, "1")
    chats = sealing(Mirror(fault), documents)
    await chats.load()

    with pytest.raises(error, match=str(fault)):
        await chats.close(ANN, answer())


async def test_an_opened_message_can_be_had_again_until_its_handed_over() -> None:
    """A crash between opening and keeping: it comes again, and opens no second time."""
    documents, cipher = MemoryDocuments(), Mirror()
    await sealing(cipher, documents).open(said("where is it"), ANN, "1")
    after = sealing(cipher, documents)
    await after.load()

    again = await after.open(said("where is it"), ANN, "1")
    await after.forget(ANN, "1")

    assert again is not None
    assert again.body == "where is it"
    assert cipher.asked == 1
    with pytest.raises(Unfit, match="it's spent"):
        await after.open(said("where is it"), ANN, "1")


async def test_what_cant_be_opened_now_is_tried_again_and_not_for_ever() -> None:
    clock = FakeClock()
    once = Mirror(Passing("no answer"))
    never = Mirror(*(Passing("no answer") for _ in range(100)))

    tries = [
        asyncio.create_task(sealing(cipher, clock=clock).open(said("where is it"), ANN, "1"))
        for cipher in (once, never)
    ]
    await clock.advance(60)
    await asyncio.wait(tries, timeout=5)

    assert tries[0].result() is not None
    assert isinstance(error := tries[1].exception(), Unfit)
    assert "I can't open it: no answer" in str(error)
    assert never.asked < 10


async def test_a_message_is_opened_though_nothing_can_be_noted_of_it() -> None:
    chats = sealing(documents=MemoryDocuments(quota=10))

    opened = await chats.open(said("where is it"), ANN, "1")
    again = await chats.open(said("where is it"), ANN, "1")

    assert opened is not None
    assert again is not None
    assert opened.body == again.body == "where is it"
    assert chats.sealed(ANN)


async def test_the_key_of_a_shared_file_isnt_handed_over() -> None:
    opened = await sealing().open(said("aesgcm://files.example.org/a.jpg#00ff"), ANN, "1")

    assert opened is not None
    assert opened.body == "[an encrypted file: I can't open those here]"


async def test_without_the_package_a_bridge_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bridges.xmpp.cipher", None)

    with pytest.raises(ConfigError, match=r"omemo: needs the package slixmpp-omemo.*AGPL.*pip install"):
        installed()
