"""An XMPP server for one account that does what a test tells it to; real ones are tried elsewhere."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from typing import Any, cast
from xml.etree.ElementTree import Element, XMLPullParser
from xml.sax.saxutils import quoteattr

from hub.errors import DeliveryDelayed, DeliveryError, DeliveryUncertain

OWN = "agent@localhost"
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


class XmppServer:
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
        self.moved = asyncio.Event()
        """Set when somebody came, or said that messages are handled."""

    async def open(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
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
            self.moved.set()
            self.flush()
        elif name == "iq":
            self._send(_answer(element))
        elif name == "message":
            return self._take(element)
        return True

    def _handled(self, count: int) -> None:
        for said in self.said:
            said.acknowledged |= 0 < said.number <= count
        self.moved.set()

    def _take(self, message: Element) -> bool:
        spoken = message.find("{jabber:client}body") is not None
        fault, self.fault = (self.fault, None) if spoken else (None, self.fault)
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


def _answer(iq: Element) -> str:
    id = quoteattr(iq.get("id", ""))
    if iq.find("{urn:ietf:params:xml:ns:xmpp-bind}bind") is not None:
        bound = f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{OWN}/here</jid></bind>"
        return f"<iq type='result' id={id}>{bound}</iq>"
    unknown = "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    return f"<iq type='error' id={id}><error type='cancel'>{unknown}</error></iq>"
