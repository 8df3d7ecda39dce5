"""Measures how fast a served hub keeps what comes over XMPP; a small server stands on the other side."""

import asyncio
import time
from pathlib import Path
from xml.sax.saxutils import quoteattr

from hub.cli.bench_figures import Figure, p50_and
from hub.cli.bench_served import CONFIG, served
from hub.testing.xmpp import OWN, Said, XmppServer

ACCOUNT = """
[[bridges]]
kind = "xmpp"
jid = "{jid}"
password = "bench"
host = "127.0.0.1"
port = {port}
plaintext = true
access = "open"
receipts = false
"""
BURST, CHATS = 200, 20
PATIENCE = 60.0


async def keeping(folder: Path, *, messages: int) -> list[Figure]:
    """Have 200 messages come at once, and some one after another."""
    server = XmppServer()
    port = await server.open()
    try:
        config = CONFIG.format(url="http://127.0.0.1:1/v1") + ACCOUNT.format(jid=OWN, port=port)
        async with served(folder, config), asyncio.timeout(5 * PATIENCE):
            await server.moved.wait()
            await _tell(server, CHATS)  # people it hasn't met are made persons first
            bursts = [await _timed(server, BURST) for _ in range(3)]
            single = [await _timed(server, 1) for _ in range(messages)]
    finally:
        server.close()
    return [
        Figure(name="burst of 200 messages over XMPP, kept", value=min(bursts), unit="s", aim=1.0, note="best of 3"),
        *p50_and(95, "one message over XMPP, kept and acknowledged", single[5:], (10.0, None)),
    ]


async def _timed(server: XmppServer, count: int) -> float:
    began = time.perf_counter()
    await _tell(server, count)
    return time.perf_counter() - began


async def _tell(server: XmppServer, count: int) -> None:
    """Send so many messages at once, and return when all are acknowledged."""
    first = len(server.said)
    for number in range(first, first + count):
        id, sender = quoteattr(f"message-{number:06}"), quoteattr(f"somebody{number % CHATS}@localhost/phone")
        xml = f"<message type='chat' from={sender} to='{OWN}' id={id}><body>Message {number}</body></message>"
        server.said.append(Said(id, xml))
    server.flush()
    async with asyncio.timeout(PATIENCE):
        while not all(said.acknowledged for said in server.said[first:]):
            server.moved.clear()
            await server.moved.wait()
