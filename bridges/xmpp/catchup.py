"""What's done each time a session begins: be there, and read in the archives what came while nobody was connected."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol
from xml.etree.ElementTree import Element, SubElement

from slixmpp.exceptions import IqError, IqTimeout

from bridges.xmpp.archive import MARGIN, Archive, Expired, NoArchive, Silent
from bridges.xmpp.backlog import Backlog
from bridges.xmpp.chats import Chats
from bridges.xmpp.hearing import CARBONS, Archived
from bridges.xmpp.marks import EVER, Mark, Marks
from bridges.xmpp.rooms import Room
from bridges.xmpp.stream import Client, Component
from hub.ports import Clock

log = logging.getLogger(__name__)

CROWDED = 1_000
"""Messages that may wait to be kept; with more of them, no more are read from the server."""
PATIENCE = 15.0
BREATH = 0.05
ROUNDS = 60.0
"""Seconds until it's looked again whether we're still in our rooms, and whether an archive answers."""
JOINING = 3.0
"""Seconds until a room is taken for one that we don't get into."""


class Taking(Protocol):
    """What takes in messages, as they come and out of archives."""

    behind: set[str]
    """Archives out of which older messages are still to come."""

    @property
    def held(self) -> int:
        """How many messages wait for what came before them."""

    def hold(self, archive: str) -> None:
        """Let what comes on the stream wait until what came before it is in."""

    def let_go(self) -> None:
        """Go on with what comes on the stream."""

    def hear_archived(self, archive: str, item: Archived) -> None:
        """Take in a message out of an archive."""


class CatchUp:
    """Settles an account in: its presence, its carbons, its archives, its rooms."""

    def __init__(
        self,
        stream: Client | Component,
        chats: Chats,
        taking: Taking,
        backlog: Backlog,
        marks: Marks,
        clock: Clock,
        *,
        arrived: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`arrived` is done once we're there, before anything is read."""
        self._stream = stream
        self._chats = chats
        self._taking = taking
        self._backlog = backlog
        self._marks = marks
        self._clock = clock
        self._arrived = arrived
        self.archives = _archives(stream, chats)
        """The account's archive under '', and each room's under its JID."""
        self.copies = True
        """Whether the server copies to us what was sent to another of our resources (XEP-0280)."""
        self._unread: dict[str, Archive] = {}
        """Archives that couldn't be read when it was time to."""

    @property
    def crowded(self) -> bool:
        """Whether so many messages wait to be kept that no more should be read."""
        return len(self._backlog) - self._taking.held > CROWDED

    async def settle_in(self) -> None:
        """Be there, and catch up; what comes meanwhile waits, for it's newer.

        Not the other way round: what came between the archive's last page and our presence would go nowhere.
        """
        taking, own = self._taking, self._chats.own
        archive = self.archives[""]
        taking.hold(own)
        self.copies = await self._request(lambda iq: SubElement(iq, f"{{{CARBONS}}}enable"))
        await archive.keep_everything()
        await self._be_there(None)
        known = await self._read(own, archive)
        # Its answer follows what the server had put aside for us.
        await self._request(lambda iq: SubElement(iq, "{urn:xmpp:ping}ping"), to=own.partition("@")[2], kind="get")
        if not known:
            await self._begin_to_read(own, archive)
            taking.behind.discard(own)
        taking.let_go()
        for room in self._chats.rooms.all:
            self._chats.rooms.join(room)
            archive = self.archives[room.jid]
            if not await self._read(room.jid, archive):
                await self._begin_to_read(room.jid, archive)

    async def settle_in_to_speak(self) -> None:
        """Be there without hearing: at a negative priority the server sends nothing that's meant for the account."""
        await self._be_there(-1)
        rooms = self._chats.rooms
        for room in rooms.all:
            rooms.join(room)
        until = self._clock.monotonic() + JOINING
        # Who's behind a nick is known only from inside.
        while not all(room.joined or room.refused for room in rooms.all) and self._clock.monotonic() < until:
            await self._clock.sleep(BREATH)

    async def tend(self, *, reads: bool = True) -> None:
        """Go back into rooms that we fell out of, and read what couldn't be read."""
        rooms = self._chats.rooms
        for room in rooms.all:
            if not room.joined or not await self._is_in(room):
                rooms.join(room)
                if reads:
                    await self._read(room.jid, self.archives[room.jid])
        for name, archive in tuple(self._unread.items()):
            await self._read(name, archive)

    async def _be_there(self, priority: int | None) -> None:
        await self._stream.plugin["xep_0115"].update_caps(broadcast=False)
        self._stream.send_presence(ppriority=priority)
        if self._arrived:
            await self._arrived()

    async def _read(self, name: str, archive: Archive) -> bool:
        """Take in what an archive has that's new; False if it was never read before."""
        mark = await self._marks.get(name)
        if mark is None:
            # It isn't asked for anything yet: to those who ask, servers don't hand over what they had put aside.
            await self._marks.begin(name, self._clock.now() - MARGIN)
            return False
        self._taking.behind.add(name)
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
        self._taking.behind.discard(name)
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
                self._taking.hear_archived(name, item)
            while self.crowded:  # noqa: ASYNC110 - it's rare, and nobody tells of each one kept
                await asyncio.sleep(BREATH)

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

    async def _request(self, fill: Callable[[Element], object], *, to: str | None = None, kind: str = "set") -> bool:
        """Ask the server for something that it may not know; say whether it does."""
        iq = self._stream.make_iq_get(ito=to) if kind == "get" else self._stream.make_iq_set(ito=to)
        fill(iq.xml)
        try:
            await iq.send(timeout=PATIENCE)
        except (IqError, IqTimeout) as error:
            log.debug("the server doesn't do that: %s", error)
            return False
        return True


def _archives(stream: Client | Component, chats: Chats) -> dict[str, Archive]:
    if not isinstance(stream, Client):
        return {}
    return {"": Archive(stream)} | {room.jid: Archive(stream, room.jid) for room in chats.rooms.all}
