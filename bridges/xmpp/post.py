"""Sending with certainty: what the server has counted is delivered, what it hasn't isn't, and doubt is said."""

import asyncio
import logging
from asyncio import Future
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp.exceptions import IqError
from slixmpp.stanza import Message
from slixmpp.xmlstream.stanzabase import StanzaBase

from bridges.xmpp.backlog import Recent
from bridges.xmpp.hearing import Fault, Heard
from bridges.xmpp.link import Link
from bridges.xmpp.stream import Client, Component, ask_for_ack
from hub.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain

log = logging.getLogger(__name__)

GRACE = 2.0
"""Seconds that a message waits for the link to come back before it's put off."""
SOON = 3.0
"""Seconds until it's tried again then."""
LATER = 60.0
"""Seconds until what came back for now is tried again."""
UNHEARD = 10.0
"""Seconds without an answer to whether it arrived until the link is taken for dead."""
UNKNOWN = 30.0
"""Seconds until nobody waits any longer to hear what became of it."""
PASSING = frozenset({"remote-server-timeout", "resource-constraint", "recipient-unavailable"})
REMEMBERED = 500


class Post:
    """Sends stanzas, and knows what became of them."""

    def __init__(self, stream: Client | Component, link: Link) -> None:
        self._stream = stream
        self._link = link
        self._sent: dict[str, Future[None]] = {}
        self._stanzas: dict[str, Message] = {}
        """The very stanzas that were sent last under these ids: one that's sent again is counted again."""
        self._mirrored: dict[str, Future[str]] = {}
        self._ours: Recent[str, bool] = Recent(REMEMBERED)
        self._unacked: list[tuple[int, str]] = []
        self._last_ack = 0
        for event, react in (
            ("stanza_acked", self._acked),
            ("disconnected", self._remember_unacked),
            ("sm_failed", self._not_resumed),
            ("session_start", self._new_session),
            # What's sent again then is counted only when asked for.
            ("session_resumed", lambda _: ask_for_ack(stream)),
        ):
            stream.add_event_handler(event, react)
        # After the one that counts.
        stream.add_filter("out_sync", self._counted)

    async def send(self, message: Element) -> None:
        """Send a message and return once the server has it.

        Raises DeliveryDelayed if it certainly hasn't, DeliveryUncertain if that can't be known, DeliveryRefused if the
        message came back for good.
        """
        if not await self._link.ready(GRACE):
            raise DeliveryDelayed(self._link.info.detail or "not connected", SOON)
        id = message.get("id", "")
        wait = self._sent[id] = asyncio.get_running_loop().create_future()
        self._ours.put(id, value=True)
        try:
            self._stanzas[id] = self._stream.say(message)
            async with asyncio.timeout(UNKNOWN):
                await self._settled(wait)
        except TimeoutError:
            raise DeliveryUncertain(f"nothing was heard of it within {UNKNOWN:.0f} s") from None
        finally:
            self._sent.pop(id, None)
            self._stanzas.pop(id, None)
            wait.cancel()

    def drop(self, message: Element) -> None:
        """Send what may get lost, if there's a link."""
        if self._link.live:
            self._stream.say(message)

    def mirror(self, id: str) -> Future[str]:
        """Return what will be the id under which a room shows everybody our message."""
        self._mirrored[id] = asyncio.get_running_loop().create_future()
        return self._mirrored[id]

    def forget_mirror(self, id: str) -> None:
        """Wait no longer for the room to show our message."""
        if wait := self._mirrored.pop(id, None):
            wait.cancel()

    def seen(self, said: Heard) -> None:
        """Take in our own message as a room shows it."""
        wait = self._mirrored.pop(said.id, None)
        if wait and not wait.done():
            wait.set_result(said.stanza_ids.get(said.bare, ""))

    def came_back(self, said: Heard) -> None:
        """Take in a message of ours that couldn't be delivered."""
        fault = said.fault or Fault(kind="cancel", condition="undefined-condition")
        wait = self._sent.get(said.id)
        if wait and not wait.done():
            wait.set_exception(_error(said.bare, fault))
        elif self._ours.get(said.id):
            log.warning("message %s came back from %s: %s", said.id, said.bare, fault.condition)

    async def _settled(self, wait: Future[None]) -> None:
        """Wait until the server has said what became of it, and ask for that on each link anew."""
        while not wait.done():
            if not await self._link.ready(UNKNOWN):
                continue
            made = self._link.made
            self._ask(wait)
            await asyncio.wait([wait], timeout=UNHEARD)
            if not wait.done() and self._link.live and self._link.made == made:
                self._link.cut("the server doesn't say what it received")
                await asyncio.sleep(0)
        wait.result()

    def _ask(self, wait: Future[None]) -> None:
        ping = ask_for_ack(self._stream)
        if ping is None:
            return

        def ponged(pong: Future[Any]) -> None:
            # An error will do as well: any answer follows what the server did with the message.
            answered = not pong.cancelled() and (pong.exception() is None or isinstance(pong.exception(), IqError))
            if answered and not wait.done():
                wait.set_result(None)

        ping.send(timeout=UNHEARD).add_done_callback(ponged)

    def _counted(self, stanza: StanzaBase) -> StanzaBase | None:
        """Let nothing out that the server's count won't tell of: the link broke while it was on its way."""
        wait = self._sent.get(stanza["id"]) if isinstance(stanza, Message) else None
        if wait is None or not isinstance(self._stream, Client):
            return stanza
        plugin = self._stream.plugin["xep_0198"]
        if plugin.enabled_out or not plugin.sm_id:
            return stanza
        if not wait.done():
            wait.set_exception(DeliveryDelayed("the connection broke before it was sent", 0.0))
        return None

    def _acked(self, stanza: Any) -> None:
        wait = self._sent.get(stanza["id"]) if isinstance(stanza, Message) else None
        if wait and not wait.done() and self._stanzas.get(stanza["id"]) is stanza:
            wait.set_result(None)

    def _remember_unacked(self, _: object) -> None:
        """Note what the server hasn't counted: slixmpp forgets it once the session can't be resumed."""
        if isinstance(self._stream, Client):
            plugin = self._stream.plugin["xep_0198"]
            if plugin.unacked_queue:
                self._unacked = [(seq, stanza["id"]) for seq, stanza in plugin.unacked_queue]
                self._last_ack = plugin.last_ack
        if not (isinstance(self._stream, Client) and self._stream.plugin["xep_0198"].sm_id):
            self._give_up_all(DeliveryUncertain("the connection broke before the server said that it has it"))

    def _not_resumed(self, failed: Any) -> None:
        """Tell what became of what was under way, if the server still knows how much it had counted."""
        count = failed.xml.get("h")
        if count is None or not count.isdecimal():
            return
        for seq, id in self._unacked:
            wait = self._sent.get(id)
            if wait is None or wait.done():
                continue
            if (int(count) - self._last_ack) % 2**32 >= (seq - self._last_ack) % 2**32:
                wait.set_result(None)
            else:
                wait.set_exception(DeliveryDelayed("the connection broke before the server had it", 0.0))

    def _new_session(self, _: object) -> None:
        self._unacked = []
        self._give_up_all(DeliveryUncertain("the connection broke before the server said that it has it"))

    def _give_up_all(self, error: DeliveryUncertain) -> None:
        for wait in self._sent.values():
            if not wait.done():
                wait.set_exception(error)


def _error(who: str, fault: Fault) -> DeliveryDelayed | DeliveryRefused:
    words = f"{who} can't be reached: {fault.condition}{f' ({fault.text})' if fault.text else ''}"
    if fault.kind == "wait" or fault.condition in PASSING:
        return DeliveryDelayed(words, LATER)
    return DeliveryRefused(words)
