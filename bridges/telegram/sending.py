"""Deliver what the hub says: piece by piece, in the right topic, at the platform's pace."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NoReturn

from aiogram.methods import DeleteMessage, GetMe
from aiogram.types import User
from msgspec import Struct
from msgspec.structs import replace

from bridges.telegram import wording
from bridges.telegram.api import Api, Fault, as_delivery_error
from bridges.telegram.convert import number_of
from bridges.telegram.drafts import Drafts
from bridges.telegram.pace import Pace
from bridges.telegram.posting import Place, Poster, is_about_the_text
from bridges.telegram.replies import Replies
from bridges.telegram.topics import Topics
from hub.errors import (
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUncertain,
    NotFound,
    StoreError,
    StoreUnavailable,
)
from hub.ports import Clock, Delivered, Outgoing
from hub.records import Address, Message, MessageId, Task

log = logging.getLogger(__name__)

SHORT = 1.5
"""Seconds that are waited for the platform's pace on the spot."""
BEGUN = 200
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 20.0
ASKING = 5
GONE = ("thread not found", "topic_deleted", "topic deleted", "topic_id_invalid", "message thread")


class Begun(Struct, kw_only=True):
    """A message of which some pieces are sent: what's left, and what the sent ones are called."""

    left: list[wording.Piece]
    ids: list[str]
    thread: int | None
    own: int | None
    moved: int | None = None
    """Where its group lives now."""


class Gate:
    """At first, and after an outage, it's asked who we are: an answer sent into an outage might come twice."""

    def __init__(self, api: Api, clock: Clock, *, met: Callable[[User], None]) -> None:
        self._api = api
        self._clock = clock
        self._met = met
        self._closed = True
        self._pause = 0.0
        self._next = 0.0
        self._asking = asyncio.Lock()

    def close(self) -> None:
        """Note that a call wasn't answered."""
        self._closed = True

    def open(self) -> None:
        """Note that the platform answers."""
        self._closed, self._pause = False, 0.0

    async def check(self) -> None:
        """Return if the way is free; raises DeliveryDelayed."""
        if not self._closed:
            return
        async with self._asking:
            wait = self._next - self._clock.monotonic()
            if self._closed and self._pause and wait > 0:
                raise DeliveryDelayed("the platform can't be reached", wait)
            if self._closed:
                await self._ask()

    async def _ask(self) -> None:
        try:
            self._met(await self._api.call(GetMe(), patience=ASKING))
        except Fault as fault:
            self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            self._next = self._clock.monotonic() + self._pause
            raise DeliveryDelayed(str(fault), max(self._pause, fault.after)) from None
        self.open()


class Sender:
    """Delivers. A message that was delayed in its middle goes on where it was."""

    def __init__(
        self,
        *,
        api: Api,
        gate: Gate,
        pace: Pace,
        poster: Poster,
        topics: Topics,
        drafts: Drafts,
        replies: Replies,
        clock: Clock,
    ) -> None:
        self._api = api
        self._gate = gate
        self._pace = pace
        self._poster = poster
        self._topics = topics
        self._drafts = drafts
        self._replies = replies
        self._clock = clock
        self._begun: OrderedDict[MessageId, Begun] = OrderedDict()

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        """Deliver a message; raises DeliveryDelayed, DeliveryUncertain or DeliveryRefused."""
        await self._gate.check()
        message = outgoing.message
        begun = self._begun.get(message.id) or await self._begin(outgoing)
        if outgoing.again:
            begun.left[:1] = wording.again(begun.left[0])
        try:
            while begun.left:
                await self._deliver_piece(outgoing, begun)
        except DeliveryError as error:
            if not isinstance(error, DeliveryUncertain) and not (begun.ids and isinstance(error, DeliveryDelayed)):
                # Of what nobody has read, nothing is kept: its task may be another by the next time.
                self._begun.pop(message.id, None)
            raise
        del self._begun[message.id]
        await self._finish(message)
        if message.role == "agent":
            self._replies.done(message.address.chat, outgoing.reply_to)
        return Delivered(ids=tuple(begun.ids), thread=str(begun.own) if begun.own else None)

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        """Delete messages; where that's no longer allowed they're changed to say where they went."""
        await self._gate.check()
        chat = int(message.address.chat)
        for number in filter(None, map(number_of, ids)):
            try:
                await self._api.call(DeleteMessage(chat_id=chat, message_id=number))
            except Fault as fault:
                if fault.kind not in ("refused", "lacking"):
                    self._raise(fault, chat)
                if not fault.says("not found", "message_id_invalid"):
                    where = wording.tag(to) if to else "another task"
                    await self._say_moved(chat, number, f"(Moved to {where}.)")

    async def edit(self, outgoing: Outgoing, ids: Sequence[str]) -> None:
        """Put a message's words into the first of those it became; raises what `deliver` raises."""
        await self._gate.check()
        chat, number = int(outgoing.message.address.chat), number_of(ids[0])
        piece = wording.pieces(outgoing, own_thread=outgoing.thread is not None)[0]
        if number is None or not isinstance(piece, wording.Words):
            raise DeliveryRefused("it can't be changed into that")
        await self._room(chat)
        try:
            await self._poster.edit(piece, Place(chat=chat), number)
        except Fault as fault:
            # The same edit twice is one edit: of one whose answer was lost nothing is in doubt.
            self._raise(Fault("unsent", str(fault)) if fault.kind == "unsure" else fault, chat)

    async def tell(self, address: Address, task: Task) -> None:
        """Show a task's title and state on its topic; raises what `deliver` raises."""
        await self._gate.check()
        try:
            await self._topics.tell(address, task)
        except Fault as fault:
            self._raise(fault, int(address.chat))

    async def _finish(self, message: Message) -> None:
        if message.role != "agent":
            return
        try:
            await self._drafts.finish(message.turn)
        except StoreError as error:
            log.warning("message %s: delivered, its draft is still known: %s", message.id, error)

    async def _say_moved(self, chat: int, number: int, text: str) -> None:
        try:
            await self._poster.edit(wording.Words(text=text), Place(chat=chat), number)
        except Fault as fault:
            if fault.kind not in ("refused", "lacking"):
                self._raise(fault, chat)
            log.info("a message can't be taken back: %s", fault)

    async def _begin(self, outgoing: Outgoing) -> Begun:
        message = outgoing.message
        own = await self._own_topic(outgoing)
        here = int(message.address.thread) if message.address.thread else None
        begun = Begun(left=wording.pieces(outgoing, own_thread=own is not None), ids=[], thread=own or here, own=own)
        self._begun[message.id] = begun
        if len(self._begun) > BEGUN:
            self._begun.popitem(last=False)
        return begun

    async def _own_topic(self, outgoing: Outgoing) -> int | None:
        """Return the topic of the message's task. What answers a command stays where the command was given."""
        message, task = outgoing.message, outgoing.task
        if task is None or (message.role == "notice" and message.answers is not None):
            return None
        try:
            return await self._topics.of(task, message.address, outgoing.thread, tagged=outgoing.tagged)
        except Fault as fault:
            if fault.is_outage:
                self._gate.close()
                raise DeliveryDelayed(str(fault), FIRST_PAUSE) from None
            self._raise(fault, int(message.address.chat))
        except StoreError as error:
            raise DeliveryDelayed(str(error), LONGEST_PAUSE) from None

    async def _deliver_piece(self, outgoing: Outgoing, begun: Begun) -> None:
        chat = begun.moved or int(outgoing.message.address.chat)
        if instead := self._poster.degraded(begun.left[0]):
            begun.left[:1] = instead
        await self._room(chat)
        piece = begun.left[0]
        place = self._place(outgoing, begun, chat)
        try:
            ids = await self._post(outgoing, piece, place, first=not begun.ids)
        except Fault as fault:
            await self._mend(outgoing, begun, fault)
            return
        except NotFound as error:
            raise DeliveryRefused(str(error)) from None
        except StoreUnavailable as error:
            raise DeliveryDelayed(str(error), LONGEST_PAUSE) from None
        begun.ids += [str(id) for id in ids]
        begun.left.pop(0)

    async def _post(self, outgoing: Outgoing, piece: wording.Piece, place: Place, *, first: bool) -> Sequence[int]:
        turn = outgoing.message.turn if outgoing.message.role == "agent" else None
        shown = await self._drafts.claim(turn) if turn and first else None
        if shown is None:
            return await self._poster.post(piece, place)
        if isinstance(piece, wording.Words):
            try:
                await self._poster.edit(piece, place, shown)
            except Fault as fault:
                if fault.kind == "unsure":
                    # The same edit twice is one edit: nothing comes of it that would have to be marked.
                    raise Fault("unsent", str(fault)) from None
                if fault.kind not in ("refused", "lacking"):
                    raise
            else:
                return [shown]
        ids = await self._poster.post(piece, place)
        self._replies.put(place.chat, DeleteMessage(chat_id=place.chat, message_id=shown))
        return ids

    async def _mend(self, outgoing: Outgoing, begun: Begun, fault: Fault) -> None:
        """Do what makes another try worth while, or raise what the fault means."""
        piece, task = begun.left[0], outgoing.task
        chat = begun.moved or int(outgoing.message.address.chat)
        if fault.chat is not None and begun.moved is None:
            begun.moved = fault.chat
        elif isinstance(piece, wording.Words) and piece.rich and is_about_the_text(fault):
            begun.left[:1] = piece.instead
        elif begun.thread is not None and fault.kind == "refused" and fault.says("topic_closed", "topic closed"):
            await self._reopen(chat, begun)
        elif begun.thread is not None and fault.kind == "refused" and fault.says(*GONE):
            await self._another_topic(outgoing, begun, task, chat)
        else:
            self._raise(fault, chat)

    async def _reopen(self, chat: int, begun: Begun) -> None:
        try:
            await self._topics.reopen(chat, begun.thread or 0)
        except Fault as fault:
            if fault.kind != "refused":
                self._raise(fault, chat)
            begun.thread = begun.own = None

    async def _another_topic(self, outgoing: Outgoing, begun: Begun, task: Task | None, chat: int) -> None:
        log.info("chat %d: topic %s is gone", chat, begun.thread)
        gone, begun.thread, begun.own = begun.thread, None, None
        if task is None or outgoing.message.address.chat != str(chat):
            return
        await self._topics.lost(task, chat)
        plain = _without_thread(outgoing)
        begun.own = begun.thread = await self._own_topic(plain)
        if begun.thread == gone:
            begun.thread = begun.own = None

    def _place(self, outgoing: Outgoing, begun: Begun, chat: int) -> Place:
        message = outgoing.message
        here = int(message.address.thread) if message.address.thread else None
        # A reply can't reach into another topic.
        reply_to = number_of(outgoing.reply_to) if begun.thread == here and not begun.ids else None
        last = len(begun.left) == 1
        buttons = wording.keyboard(message, tagged=outgoing.tagged) if last else None
        return Place(chat=chat, thread=begun.thread, reply_to=reply_to, buttons=buttons, silent=outgoing.silent)

    async def _room(self, chat: int) -> None:
        """Wait a little for the platform's pace; raises DeliveryDelayed for longer."""
        while wait := self._pace.wait(chat):
            if wait > SHORT:
                raise DeliveryDelayed(f"chat {chat}: not so fast", wait)
            await self._clock.sleep(wait)

    def _raise(self, fault: Fault, chat: int) -> NoReturn:
        if fault.kind == "slow":
            self._pace.slow_down(chat, fault.after)
        if fault.is_outage:
            self._gate.close()
        raise as_delivery_error(fault) from None


def _without_thread(outgoing: Outgoing) -> Outgoing:
    message = outgoing.message
    return replace(outgoing, thread=None, message=replace(message, address=replace(message.address, thread=None)))
