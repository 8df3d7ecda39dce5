"""The XMPP bridge: an account, or a component of a server, over slixmpp."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from xml.etree.ElementTree import ParseError, fromstring

from msgspec.structs import replace

from bridges.xmpp import convert, saying, sealing
from bridges.xmpp.link import Link
from bridges.xmpp.session import Parts, Session
from bridges.xmpp.stream import stream_of, where
from hub.accounts import XmppAccount, name_of
from hub.errors import ConfigError, DeliveryDelayed, StoreError
from hub.ports import Accept, BridgeInfo, Clock, Delivered, Desk, Documents, Draft, Files, Outgoing
from hub.records import Address, Message, Task, TurnId, new_id

log = logging.getLogger(__name__)

GRACE = 2.0
"""Seconds that a message waits for the bridge to begin."""
NOT_YET = 3.0
"""Seconds until a message is tried again that comes while the bridge isn't running."""
READY, TAKING = 3.0, 30.0
"""Seconds that what the waker hands over waits for us to be connected, and to be kept."""


class XmppBridge:
    """A Bridge to XMPP; it can show drafts and typing, and take messages back."""

    def __init__(self, account: XmppAccount, *, files: Files, desk: Desk, documents: Documents, clock: Clock) -> None:
        self.name = name_of(account)
        self._account = account
        self._files = files
        self._desk = desk
        self._documents = documents
        self._clock = clock
        self._parts: Parts | None = None
        self._there = asyncio.Event()
        self._info = BridgeInfo(name=self.name, kind="xmpp", state="connecting", account=account.jid)

    @property
    def info(self) -> BridgeInfo:
        """See Bridge.info."""
        parts = self._parts
        if parts is None:
            return self._info
        info, last = parts.link.info, parts.intake.last
        absent = parts.chats.rooms.absent if info.state == "running" else ""
        heard_at = parts.link.heard_at
        return replace(info, detail=info.detail or absent, lag=last.lag if last else 0.0, heard_at=heard_at)

    async def run(self, accept: Accept) -> None:
        """See Bridge.run."""
        try:
            session = await Session.build(
                self._account, accept, self._files, self._desk, self._documents, self._clock, self._info
            )
        except ConfigError as error:
            self._info = replace(self._info, state="refused", detail=str(error), since=self._clock.now())
            log.error("%s: %s", self.name, error)
            await asyncio.Event().wait()
            return
        self._parts = session.parts
        self._there.set()
        try:
            await session.run()
        finally:
            self._info = replace(self.info, state="stopped", detail="", since=self._clock.now())
            self._parts = None
            self._there.clear()

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        """See Bridge.deliver."""
        return await (await self._running()).speaking.deliver(outgoing)

    async def take(self, said: str) -> bool:
        """See Relayed.take."""
        parts = self._parts if await _set(self._there, READY) else None
        if parts is None or not await _set(parts.settled, READY):
            return False
        try:
            message = fromstring(said)  # noqa: S314 - signed by our waker, and written by it from what it parsed
        except ParseError:
            log.error("%s: the waker handed over what isn't XML; it's left out", self.name)
            return True
        try:
            async with asyncio.timeout(TAKING):
                await parts.intake.take(message)
        except (TimeoutError, StoreError) as error:
            log.warning("%s: what the waker heard can't be kept now (%s)", self.name, error or "it takes too long")
            return False
        return True

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        """See Retracting.retract."""
        moved = f"moved to {convert.tag_line(to)}" if to else "taken back"
        address = message.address
        await (await self._running()).speaking.take_back(address.chat, iter(ids), f"_{moved}_", address.thread)

    async def edit(self, outgoing: Outgoing, ids: Sequence[str]) -> None:
        """See Editing.edit."""
        del ids  # a correction names the message by the id that we gave it
        await (await self._running()).speaking.edit(outgoing)

    async def show(self, draft: Draft) -> None:
        """See Drafting.show."""
        if self._parts and self._parts.link.live:
            await self._parts.drafts.show(draft)

    async def drop(self, turn: TurnId) -> None:
        """See Drafting.drop."""
        if self._parts:
            await self._parts.drafts.drop(turn)

    async def typing(self, address: Address) -> None:
        """See Typing.typing."""
        if self._parts:
            chats = self._parts.chats
            self._parts.post.drop(saying.typing(chats.namespace, chats.target(address.chat), new_id()))

    async def probe(self) -> BridgeInfo:
        """Connect, hear whether we're welcome, and hang up; the running bridge, if there's one, isn't disturbed."""
        try:
            stream = stream_of(self._account, f"agenthost-probe.{secrets.token_hex(4)}")
            if self._account.omemo:
                sealing.installed()
        except ConfigError as error:
            return replace(self._info, state="refused", detail=str(error))
        link = Link(stream, self._clock, self._info, where(self._account))
        await link.once(_nothing)
        return link.info

    async def _running(self) -> Parts:
        await _set(self._there, GRACE)
        if self._parts is None:
            raise DeliveryDelayed("the bridge isn't running", NOT_YET)
        return self._parts


async def _set(event: asyncio.Event, within: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()


async def _nothing(_: bool) -> None:
    """Do nothing with a session."""
