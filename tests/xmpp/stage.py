"""A bridge to XMPP with a server on its other side that does what a test tells it to, for the contract tests.

What the bridge does with a real server is tried against Debian's prosody; this one only says yes or no on cue.
"""

import asyncio
import tempfile
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, XMLPullParser
from xml.sax.saxutils import escape, quoteattr

from bridges.xmpp.hearing import heard
from hub.accounts import XmppAccount
from hub.errors import DeliveryDelayed, DeliveryError, DeliveryUncertain
from hub.records import Address
from tests.xmpp.running import Running, a_desk

OWN, ANN = "agent@localhost", "ann@localhost"
HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " from='localhost' id='1' version='1.0'>"
)
LOGIN = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
    "</stream:features>"
)
SESSION = (
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>"
)
ENABLED = "<enabled xmlns='urn:xmpp:sm:3' id='session' resume='true'/>"
FAULTS = {
    DeliveryDelayed: "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    DeliveryError: "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
}


class Said:
    """A message to the bridge."""

    def __init__(self, id: str, xml: str) -> None:
        self.id = id
        self.xml = xml
        self.number = 0
        self.acknowledged = False


class Server:
    """Serves one account; it sends a message until the account's client says that it's handled (XEP-0198)."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.shown: list[Element] = []
        self.fault: type[DeliveryError] | None = None
        self._writer: StreamWriter | None = None
        self._present = False
        self._sent = self._received = 0
        self._counting = False
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()
        if self._writer is not None:
            self._writer.transport.abort()

    def flush(self) -> None:
        """Send what isn't handled, if somebody's there."""
        for said in self.said if self._present else ():
            if not said.number and not said.acknowledged:
                self._send(said.xml)
                said.number = self._sent
        self._write("<r xmlns='urn:xmpp:sm:3'/>")

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writer, self._present, self._counting = writer, False, False
        with suppress(OSError):
            for features in (LOGIN, SESSION):
                if not await self._stream(reader, features):
                    break
        writer.transport.abort()

    async def _stream(self, reader: StreamReader, features: str) -> bool:
        """Serve a stream until it's begun anew (True) or ends."""
        parser: XMLPullParser[Any] = XMLPullParser(("start", "end"))
        depth = 0
        while data := await reader.read(1 << 16):
            parser.feed(data)
            for event, element in cast("list[tuple[str, Element]]", list(parser.read_events())):
                depth += 1 if event == "start" else -1
                if event == "start" and depth == 1:
                    self._write(HEADER + features)
                elif event == "end" and depth == 1:
                    if element.tag.endswith("}auth"):
                        self._write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
                        return True
                    if not self._obey(element):
                        return False
                elif depth == 0:
                    return False
        return False

    def _obey(self, element: Element) -> bool:
        """Do what a stanza asks for; False ends the connection."""
        name = element.tag.rpartition("}")[2]
        if name in ("iq", "message", "presence") and self._counting:
            self._received += 1
        if name == "enable":
            self._counting, self._sent, self._received = True, 0, 0
            for said in self.said:
                said.number = 0
            self._write(ENABLED)
        elif name == "resume":
            self._write("<failed xmlns='urn:xmpp:sm:3'/>")
        elif name == "r":
            self._write(f"<a xmlns='urn:xmpp:sm:3' h='{self._received}'/>")
        elif name == "a":
            self._handled(int(element.get("h", "0")))
        elif name == "presence" and element.get("to") is None:
            self._present = True
            self.flush()
        elif name == "iq":
            self._send(_answer(element))
        elif name == "message":
            return self._take(element)
        return True

    def _handled(self, count: int) -> None:
        for said in self.said:
            said.acknowledged |= 0 < said.number <= count

    def _take(self, message: Element) -> bool:
        fault, self.fault = (self.fault, None) if heard(message).body else (None, self.fault)
        if fault is None or fault is DeliveryUncertain:
            self.shown.append(message)
            return fault is None
        error = FAULTS.get(fault, FAULTS[DeliveryError])
        id, to = quoteattr(message.get("id", "")), quoteattr(message.get("to", ""))
        self._send(f"<message type='error' from={to} to='{OWN}' id={id}>{error}</message>")
        return True

    def _send(self, stanza: str) -> None:
        self._sent += self._counting
        self._write(stanza)

    def _write(self, text: str) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(text.encode())


class XmppStage:
    """The bridge with its account on that server."""

    def __init__(self) -> None:
        self.address = Address(bridge="xmpp", chat=ANN)
        self._folder = tempfile.TemporaryDirectory()
        self._server = Server()

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
        xml = f"<message type='chat' from='{ANN}/phone' to='{OWN}' id={quoteattr(id)}>{body}</message>"
        self._server.said.append(Said(id, xml))
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


def _is(element: Element, names: tuple[str, ...]) -> bool:
    return element.tag.rpartition("}")[2] in names


def _answer(iq: Element) -> str:
    id = quoteattr(iq.get("id", ""))
    if iq.find("{urn:ietf:params:xml:ns:xmpp-bind}bind") is not None:
        bound = f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{OWN}/here</jid></bind>"
        return f"<iq type='result' id={id}>{bound}</iq>"
    unknown = "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    return f"<iq type='error' id={id}><error type='cancel'>{unknown}</error></iq>"
