"""A bridge while it runs: its parts, and what's done each time a session begins."""

import asyncio
import logging
from asyncio import TaskGroup
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import JID

from bridges.xmpp.archive import MARGIN, Archive, Expired, NoArchive, Silent
from bridges.xmpp.backlog import Backlog, Lanes
from bridges.xmpp.chats import Chats
from bridges.xmpp.commands import Commands
from bridges.xmpp.contacts import Contacts
from bridges.xmpp.drafts import Drafts
from bridges.xmpp.files import Exchange
from bridges.xmpp.hearing import CARBONS
from bridges.xmpp.intake import Intake
from bridges.xmpp.link import Link
from bridges.xmpp.marks import EVER, Mark, Marks
from bridges.xmpp.post import Post
from bridges.xmpp.rooms import Room, Rooms
from bridges.xmpp.sealing import Sealing, cipher_of
from bridges.xmpp.speaking import Speaking
from bridges.xmpp.stream import FEATURES, Client, Component, client, component, hold_acks, listen, trusted
from hub.accounts import XmppAccount, name_of
from hub.errors import ConfigError
from hub.ports import Accept, BridgeInfo, Clock, Desk, Documents, Files

log = logging.getLogger(__name__)

CROWDED = 1_000
"""Messages that may wait to be kept; with more of them, no more are read from the server."""
PATIENCE = 15.0
BREATH = 0.05
ROUNDS = 60.0
"""Seconds until it's looked again whether we're still in our rooms, and whether an archive answers."""


class Parts(Struct, frozen=True, kw_only=True):
    """What the bridge needs of a running session."""

    link: Link
    post: Post
    chats: Chats
    intake: Intake
    speaking: Speaking
    drafts: Drafts


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
        self._unread: dict[str, Archive] = {}
        """Archives that couldn't be read when it was time to."""
        self._introduced: set[str] = set()
        name = name_of(account)
        link = Link(stream, clock, info, where(account))
        post = Post(stream, link)
        rooms = Rooms(account.rooms, JID(account.jid).user or "agent", stream.show)
        chats = Chats(name, JID(account.jid).bare, stream.default_ns, rooms, component=account.component)
        exchange = Exchange(stream, files, account.file_mb, trusted(account))
        drafts = Drafts(account, stream, chats, post, clock, documents, sealing)
        archives = self._archives = _archives(stream, rooms)
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
            self.parts.intake.hear(message, counted)
        except Exception:
            log.exception("a message can't be read")
        if self._is_crowded() and self._stream.transport:
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
        if isinstance(self._stream, Client):
            await self._settle_in(self._stream)
        self._caught_up = True

    async def _settle_in(self, stream: Client) -> None:
        """Be there, and catch up; what comes meanwhile waits, for it's newer.

        Not the other way round: what came between the archive's last page and our presence would go nowhere.
        """
        intake, own = self.parts.intake, self.parts.chats.own
        archive = self._archives[""]
        intake.hold(own)
        await self._request(lambda iq: SubElement(iq, f"{{{CARBONS}}}enable"))
        await archive.keep_everything()
        await stream.plugin["xep_0115"].update_caps(broadcast=False)
        stream.send_presence()
        await self._sealing.begin()
        known = await self._catch_up(own, archive)
        # Its answer follows what the server had put aside for us.
        await self._request(lambda iq: SubElement(iq, "{urn:xmpp:ping}ping"), to=own.partition("@")[2], kind="get")
        if not known:
            await self._begin_to_read(own, archive)
            intake.behind.discard(own)
        intake.let_go()
        for room in self.parts.chats.rooms.all:
            self.parts.chats.rooms.join(room)
            archive = self._archives[room.jid]
            if not await self._catch_up(room.jid, archive):
                await self._begin_to_read(room.jid, archive)

    async def _catch_up(self, name: str, archive: Archive) -> bool:
        """Take in what an archive has that's new; False if it was never read before."""
        mark = await self._marks.get(name)
        if mark is None:
            # It isn't asked for anything yet: to those who ask, servers don't hand over what they had put aside.
            await self._marks.begin(name, self._clock.now() - MARGIN)
            return False
        self.parts.intake.behind.add(name)
        try:
            try:
                await self._take_in(name, archive, mark.id, None if mark.id else mark)
            except Expired:
                await self._take_in(name, archive, "", mark)
        except NoArchive as error:
            log.info("%s: no archive to catch up from: %s", name, error)
        except Silent as error:
            # Until it's read, nothing newer may be noted as the place up to which it's read.
            log.warning("%s: the archive can't be read now: %s; tried again later", name, error)
            self._unread[name] = archive
            return True
        self._unread.pop(name, None)
        self.parts.intake.behind.discard(name)
        return True

    async def _begin_to_read(self, name: str, archive: Archive) -> None:
        """Note where an archive begins to be ours: behind what the server had put aside, which isn't kept yet."""
        try:
            last = await archive.last()
        except (NoArchive, Silent) as error:
            log.info("%s: no archive: %s", name, error)
            return
        if last:
            self._backlog.keep(self._backlog.enter(None, name, last))
            self._marks.moved()
        else:
            await self._marks.begin(name, EVER)

    async def _take_in(self, name: str, archive: Archive, after: str, since: Mark | None) -> None:
        async for page in archive.after(after, since.at if since else None):
            for item in page:
                self.parts.intake.hear_archived(name, item)
            while self._is_crowded():  # noqa: ASYNC110 - it's rare, and nobody tells of each one kept
                await asyncio.sleep(BREATH)

    def _is_crowded(self) -> bool:
        return len(self._backlog) - self.parts.intake.held > CROWDED

    async def _tend(self) -> None:
        """Go back into rooms that we fell out of, and read what couldn't be read."""
        rooms = self.parts.chats.rooms
        while True:
            await self._clock.sleep(ROUNDS)
            if not self.parts.link.live or not self._caught_up:
                continue
            for room in rooms.all:
                if not room.joined or not await self._is_in(room):
                    rooms.join(room)
                    await self._catch_up(room.jid, self._archives[room.jid])
            for name, archive in tuple(self._unread.items()):
                await self._catch_up(name, archive)

    async def _is_in(self, room: Room) -> bool:
        iq = self._stream.make_iq_get(ito=f"{room.jid}/{room.nick}")
        SubElement(iq.xml, "{urn:xmpp:ping}ping")
        try:
            await iq.send(timeout=PATIENCE)
        except IqError as error:
            # XEP-0410: any other error comes from our own client, by way of the room.
            return error.condition != "not-acceptable"
        except IqTimeout:
            return True
        return True

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

    async def _request(self, fill: Callable[[Element], object], *, to: str | None = None, kind: str = "set") -> None:
        """Ask the server for something that it may not know."""
        iq = self._stream.make_iq_get(ito=to) if kind == "get" else self._stream.make_iq_set(ito=to)
        fill(iq.xml)
        try:
            await iq.send(timeout=PATIENCE)
        except (IqError, IqTimeout) as error:
            log.debug("the server doesn't do that: %s", error)


def stream_of(account: XmppAccount, resource: str) -> Client | Component:
    """Return an account's stream, not yet connected. Raises ConfigError."""
    password = account.password
    if account.password_file and not password:
        try:
            password = Path(account.password_file).expanduser().read_text().strip()
        except OSError as error:
            raise ConfigError(f"password_file: {account.password_file} can't be read ({error.strerror})") from None
    return component(account, password) if account.component else client(account, password, resource)


def where(account: XmppAccount) -> tuple[str, int] | None:
    """Return where to connect; None if the JID's domain says so."""
    return (account.host, account.port) if account.host else None


def _archives(stream: Client | Component, rooms: Rooms) -> dict[str, Archive]:
    """Return the account's archive under '', and each room's under its JID."""
    if not isinstance(stream, Client):
        return {}
    return {"": Archive(stream)} | {room.jid: Archive(stream, room.jid) for room in rooms.all}
