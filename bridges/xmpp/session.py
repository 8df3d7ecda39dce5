"""A bridge while it runs: its parts, and what's done each time a session begins."""

import asyncio
import logging
from asyncio import TaskGroup
from xml.etree.ElementTree import Element

from msgspec import Struct, field
from slixmpp.jid import JID

from bridges.xmpp.backlog import Backlog, Lanes
from bridges.xmpp.catchup import CROWDED, ROUNDS, CatchUp
from bridges.xmpp.chats import Chats
from bridges.xmpp.commands import Commands
from bridges.xmpp.contacts import Contacts
from bridges.xmpp.drafts import Drafts
from bridges.xmpp.files import Exchange
from bridges.xmpp.intake import Intake
from bridges.xmpp.link import Link
from bridges.xmpp.marks import Marks
from bridges.xmpp.post import Post
from bridges.xmpp.rooms import Rooms
from bridges.xmpp.sealing import Sealing, cipher_of
from bridges.xmpp.speaking import Speaking
from bridges.xmpp.stream import FEATURES, Client, Component, hold_acks, listen, stream_of, trusted, where
from hub.accounts import XmppAccount, name_of
from hub.ports import Accept, BridgeInfo, Clock, Desk, Documents, Files

log = logging.getLogger(__name__)


class Parts(Struct, frozen=True, kw_only=True):
    """What the bridge needs of a running session."""

    link: Link
    post: Post
    chats: Chats
    intake: Intake
    speaking: Speaking
    drafts: Drafts
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first session is set up."""


class Session:
    """Runs a stream: what comes goes to the inbox, and each new session is set up."""

    def __init__(
        self,
        account: XmppAccount,
        accept: Accept,
        files: Files,
        desk: Desk,
        clock: Clock,
        *,
        stream: Client | Component,
        marks: Marks,
        backlog: Backlog,
        documents: Documents,
        sealing: Sealing,
        info: BridgeInfo,
    ) -> None:
        self._account = account
        self._accept = accept
        self._desk = desk
        self._clock = clock
        self._stream = stream
        self._marks = marks
        self._backlog = backlog
        self._sealing = sealing
        self._group = TaskGroup()
        self._caught_up = False
        self._by_waker = account.mode == "waker"
        self._introduced: set[str] = set()
        name = name_of(account)
        link = Link(stream, clock, info, where(account))
        post = Post(stream, link)
        rooms = Rooms(account.rooms, JID(account.jid).user or "agent", stream.show)
        chats = Chats(name, JID(account.jid).bare, stream.default_ns, rooms, component=account.component)
        exchange = Exchange(stream, files, account.file_mb, trusted(account))
        drafts = Drafts(account, stream, chats, post, clock, documents, sealing)
        intake = Intake(
            account,
            accept,
            desk,
            clock,
            chats=chats,
            post=post,
            exchange=exchange,
            backlog=backlog,
            lanes=Lanes(self._group),
            sealing=sealing,
            moved=self._kept,
            met=self._met,
        )
        self._catchup = CatchUp(stream, chats, intake, backlog, marks, clock, arrived=sealing.begin)
        archives = self._catchup.archives
        speaking = Speaking(
            account, files, chats=chats, post=post, exchange=exchange, drafts=drafts, archives=archives, sealing=sealing
        )
        self._contacts = Contacts(stream, intake.is_known)
        self._commands = Commands(stream, chats, accept, desk, clock, sealing)
        self.parts = Parts(link=link, post=post, chats=chats, intake=intake, speaking=speaking, drafts=drafts)

    @classmethod
    async def build(
        cls,
        account: XmppAccount,
        accept: Accept,
        files: Files,
        desk: Desk,
        documents: Documents,
        clock: Clock,
        info: BridgeInfo,
    ) -> "Session":
        """Return a session of an account, not yet connected. Raises ConfigError."""
        backlog = Backlog()
        marks = Marks(documents, name_of(account), clock, backlog)
        stream = stream_of(account, await marks.resource())
        sealing = Sealing(account, documents, clock, cipher_of(account, stream, documents))
        await sealing.load()
        session = cls(
            account,
            accept,
            files,
            desk,
            clock,
            stream=stream,
            marks=marks,
            backlog=backlog,
            documents=documents,
            sealing=sealing,
            info=info,
        )
        await session.parts.drafts.load()
        return session

    async def run(self) -> None:
        """Run until cancelled."""
        stream = self._stream
        listen(stream, "message", self._heard)
        listen(stream, "presence", self._seen)
        if isinstance(stream, Client):
            hold_acks(stream, self._backlog.handled)
            stream.add_event_handler("sm_enabled", lambda _: self._backlog.forget_counts())
        try:
            async with self._group:
                self._group.create_task(self._marks.keep())
                self._group.create_task(self._tend())
                self._group.create_task(self.parts.link.keep(self._begun))
        finally:
            await self._sealing.end()
            stream.close()

    def _heard(self, message: Element) -> None:
        counted = self._stream.plugin["xep_0198"].handled if isinstance(self._stream, Client) else None
        if isinstance(self._stream, Component):
            self._introduce(message.get("to", "").partition("/")[0])
        try:
            if self._by_waker:
                self.parts.intake.overhear(message)
            else:
                self.parts.intake.hear(message, counted)
        except Exception:
            log.exception("a message can't be read")
        if self._catchup.crowded and self._stream.transport:
            self._stream.transport.pause_reading()

    def _kept(self) -> None:
        self._marks.moved()
        if isinstance(self._stream, Client) and self._stream.managed and not len(self._backlog):
            # The server asked while some weren't kept yet, and asks no second time.
            self._stream.plugin["xep_0198"].send_ack()
        transport = self._stream.transport
        if transport and len(self._backlog) < CROWDED / 2 and not transport.is_reading():
            transport.resume_reading()

    def _seen(self, presence: Element) -> None:
        kind, who = presence.get("type"), presence.get("from", "")
        jid, ours = who.partition("/")[0].lower(), presence.get("to", "").partition("/")[0]
        if self.parts.chats.rooms.heard(presence) or jid == self.parts.chats.own:
            return
        if kind == "subscribe":
            self._group.create_task(self._contacts.asked(jid, ours))
        elif kind == "probe" and isinstance(self._stream, Component):
            self._contacts.show(who, ours)

    def _met(self, sender: str) -> None:
        self._contacts.met(sender)

    async def _begun(self, fresh: bool) -> None:
        if not fresh and self._caught_up:
            return
        self._caught_up = False
        self._present()
        if self._by_waker:
            await self._catchup.settle_in_to_speak()
        elif isinstance(self._stream, Client):
            await self._catchup.settle_in()
        self._caught_up = True
        self.parts.settled.set()

    async def _tend(self) -> None:
        while True:
            await self._clock.sleep(ROUNDS)
            if self.parts.link.live and self._caught_up:
                await self._catchup.tend(reads=not self._by_waker)

    def _present(self) -> None:
        disco = self._stream.plugin["xep_0030"]
        disco.add_identity(category="client", itype="bot", name="AgentHost")
        for feature in FEATURES:
            disco.add_feature(feature)
        self._commands.offer()

    def _introduce(self, ours: str) -> None:
        """Let one of a component's addresses say what it can do, once somebody writes to it."""
        if ours in self._introduced or not ours.endswith(self.parts.chats.own) or len(self._introduced) > CROWDED:
            return
        self._introduced.add(ours)
        disco = self._stream.plugin["xep_0030"]
        disco.add_identity(category="client", itype="bot", name=ours.partition("@")[0], jid=JID(ours))
        for feature in FEATURES:
            disco.add_feature(feature, jid=JID(ours))
        self._commands.offer(JID(ours))
