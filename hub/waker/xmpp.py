"""An XMPP account's ear: it's there for the account while the hub is not, and hears for it while it is.

The ear alone hears: the hub, once it's up, has a session of its own to speak by, at a priority at which its server
sends it nothing. So what's said has one way to the hub, asleep or awake, and one order. Stanzas are kept as they came,
and only then counted as handled (XEP-0198); what a crash loses is read in the archive (XEP-0313).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from xml.etree.ElementTree import Element, tostring

from msgspec import Struct
from slixmpp.jid import JID

from bridges.xmpp import convert, saying
from bridges.xmpp.backlog import Backlog, Ticket
from bridges.xmpp.catchup import CROWDED, ROUNDS, CatchUp
from bridges.xmpp.chats import Chats
from bridges.xmpp.convert import Place
from bridges.xmpp.hearing import Archived, Heard, heard, is_result, to_us
from bridges.xmpp.link import Link
from bridges.xmpp.marks import Marks
from bridges.xmpp.rooms import Rooms
from bridges.xmpp.saying import Words
from bridges.xmpp.stream import Client, Component, hold_acks, listen, stream_of, where
from hub.accounts import XmppAccount, name_of
from hub.errors import ConfigError, StoreUnavailable
from hub.ports import BridgeInfo
from hub.ports.time import Clock
from hub.records import new_id
from hub.waker.ears import STRANGERS, SpoolDocuments
from hub.waker.power import Power
from hub.waker.spool import Heard as Kept
from hub.waker.spool import Spool

log = logging.getLogger(__name__)

GROUP = 200
"""Stanzas that are kept in one go."""
PAUSE = 1.0
"""Seconds until the spool is tried again that couldn't be written."""
TYPING = 8.0
"""Seconds between two signs that somebody is at work."""
TOLD = 20
"""Chats that are told of a hub that can't be started."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A stanza that isn't kept yet."""

    message: Element
    said: Heard
    ticket: Ticket
    archived_as: str = ""


class XmppEar:
    """Hears for one account."""

    def __init__(self, account: XmppAccount, power: Power, spool: Spool, clock: Clock) -> None:
        self.name = name_of(account)
        self.account = account
        self._power = power
        self._spool = spool
        self._clock = clock
        self._listening: Listening | None = None
        self._refused = ""

    @property
    def trouble(self) -> str:
        """See Ear.trouble."""
        return self._listening.trouble if self._listening else self._refused or "not connected yet"

    async def run(self) -> None:
        """See Ear.run."""
        backlog = Backlog()
        marks = Marks(SpoolDocuments(self._spool), self.name, self._clock, backlog)
        try:
            stream = stream_of(self.account, await marks.resource())
        except ConfigError as error:
            self._refused = str(error)
            log.error("%s: %s", self.name, error)
            await asyncio.Event().wait()
            return
        self._listening = Listening(self.account, stream, backlog, marks, self._power, self._spool, self._clock)
        await self._listening.run()

    async def tell(self, text: str, *, owner: bool) -> None:
        """See Ear.tell."""
        if self._listening:
            self._listening.tell(text, owner=owner)

    async def close(self) -> None:
        """Nothing is held beyond `run`."""


class Listening:
    """An ear's connection, made and made again; it's what takes in messages for a CatchUp."""

    def __init__(
        self,
        account: XmppAccount,
        stream: Client | Component,
        backlog: Backlog,
        marks: Marks,
        power: Power,
        spool: Spool,
        clock: Clock,
    ) -> None:
        self.behind: set[str] = set()
        self._account = account
        self._name = name_of(account)
        self._stream = stream
        self._backlog = backlog
        self._marks = marks
        self._power = power
        self._spool = spool
        self._clock = clock
        own = JID(account.jid)
        rooms = Rooms(account.rooms, own.user or "agent", stream.show)
        self._chats = Chats(self._name, own.bare, stream.default_ns, rooms, component=False)
        self._link = Link(stream, clock, BridgeInfo(name=self._name, kind="xmpp", account=own.bare), where(account))
        self._catchup = CatchUp(stream, self._chats, self, backlog, marks, clock)
        self._waiting: deque[Waiting] = deque()
        self._came = asyncio.Event()
        self._held: list[Waiting] | None = None
        self._settled = False
        self._awaiting: dict[str, None] = {}
        """Chats whose last words the hub is being woken for, in the order in which they were said."""

    @property
    def trouble(self) -> str:
        """See Ear.trouble."""
        info = self._link.info
        if info.state != "running":
            return info.detail or "not connected"
        if self._settled and not self._catchup.copies:
            return "the server has no carbons (XEP-0280): what's said to the hub's own connection alone isn't heard"
        return self._chats.rooms.absent

    async def run(self) -> None:
        """Hear until cancelled."""
        stream = self._stream
        listen(stream, "message", self._hear)
        listen(stream, "presence", self._see)
        if isinstance(stream, Client):
            hold_acks(stream, self._backlog.handled)
            stream.add_event_handler("sm_enabled", lambda _: self._backlog.forget_counts())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._marks.keep())
                group.create_task(self._keep())
                group.create_task(self._show())
                group.create_task(self._tend())
                group.create_task(self._link.keep(self._begun))
        finally:
            stream.close()

    def tell(self, text: str, *, owner: bool) -> None:
        """See Ear.tell."""
        chats = list(self._awaiting)[:TOLD]
        if owner and self._account.owner and self._account.owner.lower() not in chats:
            chats.append(self._account.owner.lower())
        for chat in chats:
            self._awaiting.pop(chat, None)
            said = Words(id=new_id(), body=convert.clean(text))
            self._say(saying.words(self._chats.namespace, self._chats.target(chat), said))

    # --- what a CatchUp asks of who takes in

    @property
    def held(self) -> int:
        return len(self._held or ())

    def hold(self, archive: str) -> None:
        self._held = self._held or []
        self.behind.add(archive)

    def let_go(self) -> None:
        held, self._held = self._held or [], None
        for waiting in held:
            self._put(waiting)

    def hear_archived(self, archive: str, item: Archived) -> None:
        ticket = self._backlog.enter(None, archive, item.id)
        self._put(Waiting(message=item.message, said=item.heard, ticket=ticket, archived_as=item.id))

    # --- what comes on the stream

    def _hear(self, message: Element) -> None:
        try:
            self._heard(message)
        except Exception:
            log.exception("%s: a message can't be read", self._name)
        if self._catchup.crowded and self._stream.transport:
            self._stream.transport.pause_reading()

    def _heard(self, message: Element) -> None:
        inner = None if is_result(message) else to_us(message, self._chats.own)
        if inner is None:
            return
        said = heard(inner)
        room = self._chats.rooms.get(said.bare) if said.kind == "groupchat" else None
        if room is not None and said.resource == room.nick and said.thread:
            self._chats.speak_in(room.jid, said.thread)
        archive = self._chats.archive_of(said)
        if not (said.id or said.origin_id or said.stanza_ids.get(archive) or said.delayed_at):
            # What has no name is given one, so that it's known when it's handed over twice.
            inner.set("id", new_id())
            said = heard(inner)
        archived_as = "" if archive in self.behind else said.stanza_ids.get(archive, "")
        if self._chats.concerns(said, late=False):
            counted = self._stream.plugin["xep_0198"].handled
            ticket = self._backlog.enter(counted, archive, archived_as)
            waiting = Waiting(message=message, said=said, ticket=ticket)
            if self._held is None:
                self._put(waiting)
            else:
                self._held.append(waiting)

    def _see(self, presence: Element) -> None:
        # Who asks to see that we're there is answered by the hub: until then its server remembers them.
        self._chats.rooms.heard(presence)

    async def _begun(self, fresh: bool) -> None:
        if fresh or not self._settled:
            self._settled = False
            disco = self._stream.plugin["xep_0030"]
            disco.add_identity(category="client", itype="bot", name="AgentHost")
            await self._catchup.settle_in()
            self._settled = True

    async def _tend(self) -> None:
        while True:
            await self._clock.sleep(ROUNDS)
            if self._link.live and self._settled:
                await self._catchup.tend()

    # --- keeping

    def _put(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        self._came.set()

    async def _keep(self) -> None:
        """Keep what came, in its order, and say so to the server only then."""
        while True:
            await self._came.wait()
            group = list(islice(self._waiting, GROUP))
            try:
                rows = await asyncio.gather(*map(self._row, group))
                # They get to the spool one after the other, and from there to the disk in one go.
                await asyncio.gather(*[self._spool.put(row) for row in rows if row])
            except StoreUnavailable as error:
                log.error("%s: %s", self._name, error)
                await self._clock.sleep(PAUSE)
                continue
            await self._wake([row for row in rows if row])
            for _ in group:
                self._backlog.keep(self._waiting.popleft().ticket)
            if not self._waiting:
                self._came.clear()
            self._acknowledge()

    async def _row(self, waiting: Waiting) -> Kept | None:
        said = waiting.said
        if not self._chats.concerns(said, late=bool(waiting.archived_as)):
            return None
        place = self._chats.place(said)
        id = convert.external_id(said, place.archive, waiting.archived_as)
        return Kept(
            hub=self._power.hub.name,
            account=self._name,
            key=f"{place.chat} {id or new_id()}",
            lane=place.chat,
            body=tostring(waiting.message, encoding="unicode").encode(),
            wakes=await self._wakes(said, place),
            at=time.time(),
        )

    async def _wake(self, rows: Sequence[Kept]) -> None:
        """Wake the hub for what somebody known said, and show them that; keep strangers in their corner."""
        if not all(row.wakes for row in rows):
            with suppress(StoreUnavailable):
                await self._spool.crowd(self._name, STRANGERS)
        waking = [row.lane for row in rows if row.wakes]
        if not waking or self._power.state == "ready":
            return
        self._power.wake()
        for chat in dict.fromkeys(waking):
            if chat not in self._awaiting:
                self._awaiting[chat] = None
                self._type(chat)

    async def _wakes(self, said: Heard, place: Place) -> bool:
        """Say whether it's for this that the hub is woken: somebody known says something to it."""
        if place.room is not None and not self._is_for_us(said, place):
            return False
        account, domain = self._account, place.sender.partition("@")[2]
        named = {entry.lower() for entry in (*account.allow, account.owner) if entry}
        if account.access == "open" or named & {place.sender.lower(), f"@{domain}"}:
            return True
        if account.access == "list":
            return False
        return await self._spool.knows(self._power.hub.name, f"sender:{self._name}", [place.sender])

    def _is_for_us(self, said: Heard, place: Place) -> bool:
        if said.thread and self._chats.spoke_in(place.chat, said.thread):
            return True
        if said.reply_author.lower() == f"{said.bare}/{place.nick.lower()}":
            return True
        return convert.addressed(convert.words(said), place.nick) is not None

    def _acknowledge(self) -> None:
        self._marks.moved()
        if isinstance(self._stream, Client) and self._stream.managed and not len(self._backlog):
            # The server asked while some weren't kept yet, and asks no second time.
            self._stream.plugin["xep_0198"].send_ack()
        transport = self._stream.transport
        if transport and len(self._backlog) < CROWDED / 2 and not transport.is_reading():
            transport.resume_reading()

    # --- showing that somebody is at work

    async def _show(self) -> None:
        while True:
            await self._clock.sleep(TYPING)
            if self._power.state == "ready":
                self._awaiting.clear()
            for chat in list(self._awaiting)[:TOLD]:
                self._type(chat)

    def _type(self, chat: str) -> None:
        self._say(saying.typing(self._chats.namespace, self._chats.target(chat), new_id()))

    def _say(self, message: Element) -> None:
        if self._link.live:
            self._stream.say(message)
