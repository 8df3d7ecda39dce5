"""From a <message/> to the inbox: in order within a chat, once, kept before anybody is told so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from xml.etree.ElementTree import Element

from msgspec import Struct
from msgspec.structs import replace

from bridges.xmpp import convert, saying
from bridges.xmpp.backlog import Backlog, Lanes, Recent, Ticket
from bridges.xmpp.chats import Chats
from bridges.xmpp.convert import Place
from bridges.xmpp.files import Exchange
from bridges.xmpp.hearing import Archived, Heard, archived, heard, is_result, to_us
from bridges.xmpp.post import Post
from bridges.xmpp.saying import Words
from bridges.xmpp.sealing import Sealing, Unfit
from hub.accounts import XmppAccount, name_of
from hub.errors import DeliveryError, PersonError, StoreError, StoreUnavailable, Stranger
from hub.ports import Accept, Clock, Desk
from hub.records import Address, Incoming, Part, Text, new_id

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until the inbox is asked again that couldn't keep a message."""
STUMBLES = 5
"""So many times a message is handed over that the hub stumbles over; then its sender is told."""
STUMBLED = "I couldn't take that in; please tell whoever runs me."
TOLD_AGAIN = 30.0
"""Seconds in which nobody is told the same twice: two programs that refuse each other would never end."""
UNREADABLE = (
    "That came encrypted, and I can't read it here. Please switch encryption off for this chat, and send it again."
)
RECEIVED = "👀"
STRANGERS = 200
"""So many people whom nobody knows may make us keep keys of theirs, in one run."""


class Kept(Struct, frozen=True, kw_only=True):
    """How the last message was taken in."""

    lag: float
    at: datetime


class Intake:
    """Takes in what people write."""

    def __init__(
        self,
        account: XmppAccount,
        accept: Accept,
        desk: Desk,
        clock: Clock,
        *,
        chats: Chats,
        post: Post,
        exchange: Exchange,
        backlog: Backlog,
        lanes: Lanes,
        sealing: Sealing,
        moved: Callable[[], None],
        met: Callable[[str], None],
    ) -> None:
        self._account = account
        self._accept = accept
        self._desk = desk
        self._clock = clock
        self._chats = chats
        self._post = post
        self._exchange = exchange
        self._backlog = backlog
        self._lanes = lanes
        self._sealing = sealing
        self._moved = moved
        self._met = met
        self._held: list[tuple[Heard, Ticket]] | None = None
        self._done: Recent[tuple[str, str], bool] = Recent(5_000)
        self._strangers: set[str] = set()
        self._told: Recent[tuple[str, str], float] = Recent(500)
        self._stumbles: Recent[tuple[str, str], int] = Recent(100)
        self.behind: set[str] = set()
        """Archives out of which older messages are still to come."""
        self.last: Kept | None = None

    @property
    def held(self) -> int:
        """How many messages wait for what came before them."""
        return len(self._held or ())

    def hear(self, message: Element, counted: int | None) -> None:
        """Take in a <message/> as it comes on the stream, which has counted so many stanzas."""
        if is_result(message):
            return
        inner = to_us(message, self._chats.own)
        if inner is None:
            return
        said = heard(inner)
        if self._concerns(said, late=False):
            archive = self._chats.archive_of(said)
            # While older ones are still to come out of the archive, this one says nothing about how far it's read.
            archived_as = "" if archive in self.behind else said.stanza_ids.get(archive, "")
            self._enter(said, self._backlog.enter(counted, archive, archived_as))

    def hold(self, archive: str) -> None:
        """Let what comes on the stream wait until what came before it is in."""
        self._held = self._held or []
        self.behind.add(archive)

    def let_go(self) -> None:
        """Go on with what comes on the stream."""
        held, self._held = self._held or [], None
        for said, ticket in held:
            self._enter(said, ticket)

    def hear_archived(self, archive: str, item: Archived) -> None:
        """Take in a message out of an archive."""
        ticket = self._backlog.enter(None, archive, item.id)
        if self._concerns(item.heard, late=True):
            self._put(item.heard, ticket, item.id)
        else:
            self._keep(ticket)

    def overhear(self, message: Element) -> None:
        """Take in only what a <message/> says of our own ones: all else comes from the waker."""
        if not is_result(message):
            self._concerns(heard(message), late=False)

    async def take(self, message: Element) -> None:
        """Take in a <message/> as the waker heard it, live or out of an archive; return once it's kept or refused.

        Raises StoreUnavailable.
        """
        item = archived(message) if is_result(message) else None
        inner = to_us(message, self._chats.own) if item is None else None
        said = item.heard if item else heard(inner) if inner is not None else None
        if said is None or not self._concerns(said, late=item is not None):
            return
        place = self._chats.place(said)
        id = convert.external_id(said, place.archive, item.id if item else "") or new_id()
        taken = asyncio.get_running_loop().create_future()
        self._lanes.put(place.chat, partial(self._take_once, said, place, id, taken))
        await taken

    def _concerns(self, said: Heard, *, late: bool) -> bool:
        if said.kind == "error":
            self._post.came_back(said)
        room = self._chats.rooms.get(said.bare) if said.kind == "groupchat" else None
        if room is not None and said.resource == room.nick:
            self._post.seen(said)
        return self._chats.concerns(said, late=late)

    def _enter(self, said: Heard, ticket: Ticket) -> None:
        if self._held is not None:
            self._held.append((said, ticket))
        else:
            self._put(said, ticket, "")

    def _put(self, said: Heard, ticket: Ticket, archived_as: str) -> None:
        place = self._chats.place(said)
        id = convert.external_id(said, place.archive, archived_as) or new_id()
        self._lanes.put(place.chat, partial(self._take, said, place, id, ticket))

    async def _take(self, said: Heard, place: Place, id: str, ticket: Ticket) -> None:
        await self._kept(said, place, id, self._handed_over)
        self._keep(ticket)

    async def _take_once(self, said: Heard, place: Place, id: str, taken: "asyncio.Future[None]") -> None:
        try:
            await self._kept(said, place, id, self._offered)
        except StoreError as error:
            _fail(taken, StoreUnavailable(str(error)))
        except Exception:
            log.exception("message %s: the hub stumbled over it", id)
            stumbles = (self._stumbles.get((place.chat, id)) or 0) + 1
            self._stumbles.put((place.chat, id), stumbles)
            if stumbles < STUMBLES:
                _fail(taken, StoreUnavailable("the hub stumbled over it"))
            else:
                await self._tell(place, STUMBLED)
        if not taken.done():
            taken.set_result(None)

    async def _kept(
        self, said: Heard, place: Place, id: str, over: Callable[[Incoming, Heard], Awaitable[bool]]
    ) -> None:
        self._chats.name(place.chat, said, id)
        incoming = await self._incoming(said, place, id)
        before = self._done.get((place.chat, id))
        if incoming is not None and await over(incoming, said) and not before:
            self._acknowledge(said, place, id)
            self._met(place.sender)
        await self._sealing.forget(place.chat, id)
        self._done.put((place.chat, id), value=True)

    def _keep(self, ticket: Ticket) -> None:
        if self._backlog.keep(ticket):
            self._moved()

    async def _incoming(self, said: Heard, place: Place, id: str) -> Incoming | None:
        """Return what the inbox takes; None for what isn't said to us, or can't be read."""
        if said.encrypted and place.room is None and self._sealing.able:
            opened = await self._opened(said, place, id)
            if opened is None:
                return None
            said = opened
        text = convert.words(said)
        reply_to = self._chats.known_as(place.chat, said.reply_to) if said.reply_to else None
        said = replace(said, reply_to=reply_to)
        if place.room is not None:
            spoken = convert.addressed(text, place.nick)
            if spoken is None and not await self._is_for_us(said, place):
                return None
            text = text if spoken is None else spoken
        known = place.room is not None or await self.is_known(place.sender)
        if said.encrypted:
            if known:
                await self._tell(place, UNREADABLE)
            return None
        parts: list[Part] = [Text(text=text)] if text.strip() else []
        # A stranger's files aren't fetched: their address is all that the hub gets to see.
        parts += [await self._exchange.fetch(url) if known else Text(text=url) for url in said.urls]
        corrects = self._chats.known_as(place.chat, said.replaces) if said.replaces else None
        return convert.incoming(
            said,
            place,
            parts=parts or [Text(text="")],
            id=id,
            now=self._clock.now(),
            corrects=corrects,
            threads=self._account.threads,
        )

    async def _opened(self, said: Heard, place: Place, id: str) -> Heard | None:
        """Return what an encrypted message says; None if there's nothing in it for us."""
        known = await self.is_known(place.sender)
        if not known:
            if self._account.access == "list" or len(self._strangers) >= STRANGERS:
                return None
            self._strangers.add(place.sender)
        # It opens once only, and comes again out of the archive.
        if await self._is_kept(place, id):
            return None
        try:
            opened = await self._sealing.open(said, place.chat, id)
        except Unfit as error:
            log.warning("message %s is encrypted and can't be opened", id)
            await self._tell(place, str(error), plain=True)
            return None
        return opened if opened is not None and opened.body.strip() else None

    async def _is_kept(self, place: Place, id: str) -> bool:
        address = Address(bridge=place.bridge, chat=place.chat)
        while not self._done.get((place.chat, id)):
            try:
                return await self._desk.message(address, id) is not None
            except StoreError as error:
                log.warning("it can't be looked up whether message %s is kept: %s", id, error)
                await self._clock.sleep(LONGEST_PAUSE)
        return True

    async def is_known(self, sender: str) -> bool:
        """Say whether somebody may write without being paired first, or is paired."""
        domain = sender.partition("@")[2]
        listed = {entry.lower() for entry in (*self._account.allow, self._account.owner)}
        if self._account.access == "open" or listed & {sender, f"@{domain}"}:
            return True
        return await self._desk.person(name_of(self._account), sender) is not None

    async def _is_for_us(self, said: Heard, place: Place) -> bool:
        """Say whether a room's message replies to us, or is in a thread in which we've spoken."""
        if said.thread and self._chats.spoke_in(place.chat, said.thread):
            return True
        if said.reply_to is None:
            return False
        if said.reply_author.lower() == f"{said.bare}/{place.nick.lower()}":
            return True
        address = convert.incoming(
            said, place, parts=(), id="", now=self._clock.now(), corrects=None, threads=False
        ).address
        replied = await self._desk.message(address, said.reply_to)
        return replied is not None and replied.role != "user"

    async def _handed_over(self, incoming: Incoming, said: Heard) -> bool:
        """Hand a message over until it's kept; False if it's refused, and the sender has been told if they may be."""
        pause, stumbles = FIRST_PAUSE, 0
        began = self._clock.monotonic()
        while True:
            try:
                return await self._offered(incoming, said, began)
            except StoreUnavailable as error:
                log.warning("message %s can't be kept now: %s", incoming.external_id, error)
            except Exception:
                stumbles += 1
                log.exception("message %s: the hub stumbled over it", incoming.external_id)
                if stumbles >= STUMBLES:
                    await self._tell(self._chats.place(said), STUMBLED)
                    return False
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _offered(self, incoming: Incoming, said: Heard, began: float | None = None) -> bool:
        """Hand a message over, once; False if it's refused. Raises StoreUnavailable."""
        began = self._clock.monotonic() if began is None else began
        try:
            await self._accept(incoming)
        except Stranger:
            return False
        except PersonError as error:
            await self._tell(self._chats.place(said), str(error))
            return False
        late = (self._clock.now() - incoming.sent_at).total_seconds() if said.delayed_at else 0.0
        self.last = Kept(lag=max(late, self._clock.monotonic() - began), at=self._clock.now())
        return True

    def _acknowledge(self, said: Heard, place: Place, id: str) -> None:
        if not self._account.receipts or said.replaces:
            return
        target = self._chats.target(place.chat)
        if said.wants_receipt and said.id and place.room is None:
            # To the very client that asked: the others of its account hear of it by carbons.
            self._post.drop(saying.receipt(self._chats.namespace, replace(target, to=said.sender), new_id(), said.id))
        else:
            self._chats.note_seen(place.chat, id)
            of = self._chats.called(place.chat, id)
            self._post.drop(saying.reaction(self._chats.namespace, target, new_id(), of, [RECEIVED]))

    async def _tell(self, place: Place, text: str, *, plain: bool = False) -> None:
        """Tell the sender something on the bridge's own account; `plain`: it gives nothing away, and can be read."""
        now = self._clock.monotonic()
        before = self._told.get((place.sender, text))
        if before is not None and now - before < TOLD_AGAIN:
            return
        self._told.put((place.sender, text), now)
        target = self._chats.target(place.chat)
        body = f"{place.name}: {text}" if place.room is not None else text
        said = Words(id=new_id(), body=convert.clean(body))
        try:
            message = saying.words(self._chats.namespace, target, said)
            await self._post.send(message if plain else await self._sealing.close(place.chat, message))
        except DeliveryError as error:
            log.warning("a refusal couldn't be told: %s", error)


def _fail(taken: "asyncio.Future[None]", error: StoreUnavailable) -> None:
    if not taken.done():
        taken.set_exception(error)
