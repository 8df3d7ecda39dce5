"""Show what's being written: native drafts in private chats, a message that's edited elsewhere."""

import asyncio
import logging
from hashlib import sha256
from math import inf

from aiogram.methods import DeleteMessage, SendMessageDraft, SendRichMessageDraft, TelegramMethod
from aiogram.types import InputRichMessage
from msgspec import Struct
from msgspec.structs import replace

from bridges.telegram import wording
from bridges.telegram.api import Api, Fault
from bridges.telegram.convert import number_of
from bridges.telegram.pace import Pace
from bridges.telegram.posting import Place, Poster
from bridges.telegram.replies import Replies
from bridges.telegram.topics import Topics
from bridges.telegram.unfinished import Shown, Unfinished
from hub.errors import StoreError
from hub.ports import Clock, Draft
from hub.records import TurnId

log = logging.getLogger(__name__)

ALIVE = 20.0
"""A native draft is gone after 30 seconds unless it's shown again."""
SLOW = 3.5
"""Seconds between two edits in a group."""
FORGOTTEN = 900.0
"""Seconds after which a draft that nothing more was heard of is taken away."""
LEAST = 0.05
WRITING = " …"


class Live(Struct, kw_only=True):
    """A draft that's shown."""

    draft: Draft
    heard_at: float
    due: float
    busy: asyncio.Lock
    shown: str = ""
    ended: bool = False


class Drafts:
    """Shows drafts at a pace; what the hub says is only noted, so that it never waits for Telegram."""

    def __init__(
        self,
        *,
        api: Api,
        pace: Pace,
        poster: Poster,
        topics: Topics,
        unfinished: Unfinished,
        replies: Replies,
        clock: Clock,
        every: float,
    ) -> None:
        self._api = api
        self._pace = pace
        self._poster = poster
        self._topics = topics
        self._unfinished = unfinished
        self._replies = replies
        self._clock = clock
        self._every = every
        self._lives: dict[TurnId, Live] = {}
        self._changed = asyncio.Event()

    def show(self, draft: Draft) -> None:
        """Have a draft shown soon."""
        now, key = self._clock.monotonic(), draft.turn
        live = self._lives.get(key)
        if live is None:
            live = self._lives[key] = Live(draft=draft, heard_at=now, due=now, busy=asyncio.Lock())
        live.draft, live.heard_at = draft, now
        self._changed.set()

    async def drop(self, turn: TurnId) -> None:
        """Take away what was shown of a turn's answer."""
        await self._end(turn)
        self._delete(await self._unfinished.forget(turn, "answer"))

    async def claim(self, turn: TurnId) -> int | None:
        """End a turn's draft, and return the message that its answer is to be put into, if there's one."""
        await self._end(turn)
        return self._unfinished.find(turn, "answer")

    async def finish(self, turn: TurnId | None) -> None:
        """Take note that a turn's answer is delivered."""
        if turn is not None:
            await self._unfinished.forget(turn, "answer")

    async def run(self) -> None:
        """Show what's due until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tidy())
            while True:
                self._changed.clear()
                now = self._clock.monotonic()
                for live in self._lives.values():
                    if not live.busy.locked() and _due(live) <= now:
                        await live.busy.acquire()
                        group.create_task(self._show(live))
                await self._wait()

    async def _end(self, turn: TurnId) -> None:
        live = self._lives.pop(turn, None)
        if live is not None:
            live.ended = True
            async with live.busy:  # what's on its way has arrived then
                return

    def _delete(self, shown: Shown | None) -> None:
        if shown is not None:
            self._replies.put(shown.chat, DeleteMessage(chat_id=shown.chat, message_id=shown.message))

    async def _wait(self) -> None:
        now = self._clock.monotonic()
        due = min((_due(live) for live in self._lives.values() if not live.busy.locked()), default=inf)
        try:
            async with asyncio.timeout(None if due == inf else max(due - now, LEAST)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _tidy(self) -> None:
        """Take away what nobody ended: drafts that went silent, messages of a turn that wasn't taken again."""
        while True:
            await self._clock.sleep(FORGOTTEN)
            try:
                for shown in await self._unfinished.abandoned():
                    self._delete(shown)
                silent = self._clock.monotonic() - FORGOTTEN
                for live in [live for live in self._lives.values() if live.heard_at < silent]:
                    await self._end(live.draft.turn)
                    self._delete(await self._unfinished.forget(live.draft.turn, "answer"))
            except StoreError as error:
                log.warning("unfinished messages can't be tidied up: %s", error)

    async def _show(self, live: Live) -> None:
        """Show a draft that's marked as busy, and let go of it."""
        draft, chat = live.draft, int(live.draft.address.chat)
        edited = self._is_edited(draft)
        wait = 0.0
        try:
            if live.ended or (wait := self._pace.wait(chat, minor=True)):
                return
            wait = max(self._every, SLOW) if chat < 0 else self._every
            await self._put(draft, chat, edited=edited)
            live.shown = draft.text
        except Fault as fault:
            # Who's told "not now" asks again; a message that's perhaps there isn't made twice.
            live.ended = fault.kind == "refused" or (fault.kind == "unsure" and edited)
            if fault.kind == "slow":
                self._pace.slow_down(chat, fault.after)
            log.info("a draft wasn't shown: %s", fault)
        except StoreError as error:
            log.info("a draft wasn't shown: %s", error)
        finally:
            live.due = self._clock.monotonic() + wait
            live.busy.release()
            self._changed.set()

    async def _put(self, draft: Draft, chat: int, *, edited: bool) -> None:
        own = await self._topics.of(draft.task, draft.address, draft.thread, tagged=draft.tagged)
        thread = own or (int(draft.address.thread) if draft.address.thread else None)
        words = wording.draft(draft.text, draft.task, tagged=draft.tagged and own is None)
        if edited:
            await self._edit(draft, words, Place(chat=chat, thread=thread))
        else:
            rich = words.rich and self._api.knows(SendRichMessageDraft)
            await self._api.call((_rich if rich else _plain)(draft.turn, words, chat, thread))

    async def _edit(self, draft: Draft, words: wording.Words, place: Place) -> None:
        now = wording.Words(text=wording.shortened(f"{words.text}{WRITING}"))
        message = self._unfinished.find(draft.turn, "answer")
        if message is not None:
            await self._poster.edit(now, place, message)
            return
        reply = number_of(draft.reply_to) if place.chat < 0 else None
        sent = await self._poster.post(now, replace(place, reply_to=reply))
        await self._unfinished.keep(Shown(chat=place.chat, message=sent[0], kind="answer", of=draft.turn))

    def _is_edited(self, draft: Draft) -> bool:
        private = int(draft.address.chat) > 0
        return not private or not self._api.knows(SendMessageDraft)


def draft_id(turn: TurnId) -> int:
    """Return what Telegram calls a turn's draft: always the same, and never 0."""
    return int.from_bytes(sha256(turn.encode()).digest()[:4]) >> 1 or 1


def _due(live: Live) -> float:
    if live.ended:
        return inf
    if live.draft.text != live.shown:
        return live.due
    # Without a change a native draft has to be shown again; for an edited message that does no harm.
    return live.due + ALIVE if int(live.draft.address.chat) > 0 else inf


def _rich(turn: TurnId, words: wording.Words, chat: int, thread: int | None) -> TelegramMethod[bool]:
    return SendRichMessageDraft(
        chat_id=chat,
        draft_id=draft_id(turn),
        rich_message=InputRichMessage(html=words.rich),
        message_thread_id=thread,
        can_stop=True,
        keep_on_stop=True,
    )


def _plain(turn: TurnId, words: wording.Words, chat: int, thread: int | None) -> TelegramMethod[bool]:
    text = wording.shortened(words.text)
    return SendMessageDraft(
        chat_id=chat,
        draft_id=draft_id(turn),
        text=text,
        entities=list(words.entities) or None if text == words.text else None,
        parse_mode=None,
        message_thread_id=thread,
        can_stop=True,
        keep_on_stop=True,
    )
