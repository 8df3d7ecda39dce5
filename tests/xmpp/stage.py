"""A bridge to XMPP with a server on its other side that says yes or no on cue, for the contract tests."""

import tempfile
from pathlib import Path
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from bridges.xmpp.hearing import heard
from hub.accounts import XmppAccount
from hub.errors import DeliveryError
from hub.records import Address
from hub.testing.xmpp import OWN, Said, XmppServer
from tests.xmpp.running import Running, a_desk

ANN = "ann@localhost"


class XmppStage:
    """The bridge with its account on that server."""

    def __init__(self) -> None:
        self.address = Address(bridge="xmpp", chat=ANN)
        self._folder = tempfile.TemporaryDirectory()
        self._server = XmppServer()

    async def build(self) -> None:
        """Have the server listen."""
        port = await self._server.open()
        account = XmppAccount(jid=OWN, password="x", host="127.0.0.1", port=port, plaintext=True)
        self.bridge = Running(account, Path(self._folder.name), a_desk()).bridge

    async def take_down(self) -> None:
        """Have it gone."""
        self._server.close()
        self._folder.cleanup()

    async def say(self, text: str, *, id: str) -> None:
        # Nobody can send an empty text; a file that can't be had comes nearest.
        file = "" if text else "<x xmlns='jabber:x:oob'><url>http://127.0.0.1:1/nothing</url></x>"
        body = f"<body>{escape(text)}</body><request xmlns='urn:xmpp:receipts'/>{file}"
        self._server.said.append(Said(id, _message(id, body)))
        self._server.flush()

    async def hand_over_again(self) -> None:
        """It does that by itself at the next session; within one, the bridge tries again."""

    def acknowledged(self) -> list[str]:
        return [said.id for said in self._server.said if said.acknowledged]

    def read(self) -> list[tuple[str, str]]:
        chat: dict[str, str] = {}
        for message in self._server.shown:
            said = heard(message)
            for gone in message.iterfind("{urn:xmpp:message-retract:1}retract"):
                chat.pop(gone.get("id", ""), None)
            if said.body:
                chat[said.replaces or said.id] = said.body
        return list(chat.items())

    def told(self) -> list[str]:
        machines = ("received", "reaction")
        signs = [found.text or "" for message in self._server.shown for found in message.iter() if _is(found, machines)]
        return [text for _, text in self.read()] + signs

    def fail_next(self, error: type[DeliveryError]) -> None:
        self._server.fault = error

    def posted(self, text: str, *, id: str) -> tuple[dict[str, str], bytes]:
        raise NotImplementedError("nobody posts to an XMPP bridge")

    def relayed(self, text: str, *, id: str) -> str:
        return _message(id, f"<body>{escape(text)}</body>", "xmlns='jabber:client' ")


def _message(id: str, inner: str, more: str = "") -> str:
    return f"<message {more}type='chat' from='{ANN}/phone' to='{OWN}' id={quoteattr(id)}>{inner}</message>"


def _is(element: Element, names: tuple[str, ...]) -> bool:
    return element.tag.rpartition("}")[2] in names
