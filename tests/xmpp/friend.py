"""Somebody with a common XMPP client: slixmpp, used as its documentation says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element

from slixmpp import ClientXMPP
from slixmpp.stanza import Message

from bridges.xmpp.hearing import Heard, heard
from tests.xmpp.server import PASSWORD

PLUGINS = (
    *("xep_0030", "xep_0045", "xep_0050", "xep_0004", "xep_0085", "xep_0115", "xep_0184", "xep_0198", "xep_0199"),
    *("xep_0280", "xep_0308", "xep_0313", "xep_0359", "xep_0363", "xep_0424", "xep_0444", "xep_0461", "xep_0066"),
)


class Friend(ClientXMPP):
    """Keeps all messages that come, as they come."""

    def __init__(self, jid: str) -> None:
        super().__init__(jid, PASSWORD)
        self.messages: list[Message] = []
        self.came = asyncio.Event()
        self.online: set[str] = set()
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.plugin["xep_0184"].auto_ack = False
        self.add_event_handler("session_start", self._begin)
        self.add_event_handler("message", self._keep)
        for event in ("receipt_received", "reactions", "message_retract", "chatstate", "message_error"):
            self.add_event_handler(event, self._keep)

    async def _begin(self, _: object) -> None:
        await self.plugin["xep_0115"].update_caps(broadcast=False)
        self.send_presence()
        await self.get_roster()
        self.event("ready")

    def _keep(self, message: Message) -> None:
        if not any(message is kept for kept in self.messages):
            self.messages.append(message)
        self.came.set()

    @property
    def heard(self) -> list[Heard]:
        """What came that can be read, in order."""
        return [said for said in (heard(message.xml) for message in self.messages) if said.body and not said.fault]

    @property
    def texts(self) -> list[str]:
        """The words of it."""
        return [said.body for said in self.heard]

    def read(self) -> dict[str, str]:
        """Return what stands in the chat, by id: a correction takes the place of what it corrects."""
        chat: dict[str, str] = {}
        for said in self.heard:
            chat[said.replaces or said.id] = said.body
        return chat

    async def until(self, true: Callable[[], Any], within: float = 10.0) -> None:
        """Wait until something is so; looks again whenever something comes, and now and then."""
        async with asyncio.timeout(within):
            while not true():
                self.came.clear()
                try:
                    await asyncio.wait_for(self.came.wait(), 0.05)
                except TimeoutError:
                    continue

    def say(
        self,
        to: str,
        text: str,
        *,
        id: str = "",
        thread: str = "",
        kind: Literal["chat", "groupchat"] = "chat",
        **more: str,
    ) -> Message:
        """Write a message."""
        message = self.make_message(mto=to, mbody=text, mtype=kind)
        if id:
            message["id"] = id
        if thread:
            message["thread"] = thread
        if replaces := more.get("replaces"):
            message["replace"]["id"] = replaces
        if reply_to := more.get("reply_to"):
            message["reply"]["id"] = reply_to
            message["reply"]["to"] = more.get("reply_author", to)
        if more.get("receipt"):
            message["request_receipt"] = True
        message.send()
        return message

    def child(self, name: str) -> list[Element]:
        """Return the elements of that name, in any namespace, of all messages that came."""
        return [found for message in self.messages for found in message.xml.iter() if found.tag.endswith(f"}}{name}")]


@asynccontextmanager
async def friend(jid: str, port: int, certificate: Path) -> AsyncIterator[Friend]:
    """Have somebody log in, and out at the end."""
    client = Friend(jid)
    client.ssl_context.load_verify_locations(certificate)
    client.enable_direct_tls = False
    ready = asyncio.ensure_future(client.wait_until("ready", 60))
    await asyncio.sleep(0)
    client.connect("127.0.0.1", port)
    await ready
    try:
        yield client
    finally:
        client.disconnect(wait=1.0)
        try:
            await asyncio.wait_for(asyncio.shield(client.disconnected), 2)
        except TimeoutError:
            client.abort()
            await asyncio.sleep(0.05)
        if client._run_out_filters is not None:
            client._run_out_filters.cancel()
