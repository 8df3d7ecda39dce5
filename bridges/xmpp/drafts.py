"""An answer while it's written: one message that's corrected again and again (XEP-0308), for clients that know that."""

import asyncio
from contextlib import suppress

from msgspec import Struct
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import JID

from bridges.xmpp import convert, saying
from bridges.xmpp.backlog import Recent
from bridges.xmpp.chats import Chats
from bridges.xmpp.hearing import CORRECT
from bridges.xmpp.post import Post
from bridges.xmpp.saying import Words
from bridges.xmpp.sealing import Sealing
from bridges.xmpp.stream import Client, Component
from bridges.xmpp.styling import pieces, styled
from hub.accounts import XmppAccount, name_of
from hub.errors import StoreError
from hub.ports import Clock, Documents, Draft
from hub.records import Message, TurnId, new_id

SHOWN = 3_000
"""Characters of a draft: each correction sends all of them again."""
ASKED = 0.8
"""Seconds that a client is given to say what it can do."""
STOPPED = "_stopped_"


class Shown(Struct, kw_only=True):
    """A message that's being written."""

    id: str
    chat: str
    thread: str | None
    text: str
    at: float
    said: bool = False
    """Its first words are on their way: what's delivered corrects them."""


class Drafts:
    """Shows drafts, as often as the account's pace allows."""

    def __init__(
        self,
        account: XmppAccount,
        stream: Client | Component,
        chats: Chats,
        post: Post,
        clock: Clock,
        documents: Documents,
        sealing: Sealing,
    ) -> None:
        self._account = account
        self._sealing = sealing
        self._documents = documents
        self._owner = f"bridges/{name_of(account)}/drafts"
        self._stream = stream
        self._chats = chats
        self._post = post
        self._clock = clock
        self._shown: dict[str, Shown] = {}
        self._able: Recent[str, bool] = Recent(500)
        self._over: Recent[str, bool] = Recent(500)
        """Turns that have their message, or will have none: a draft that comes late isn't shown any more."""

    async def load(self) -> None:
        """Remember what a run before this one had begun to show: its turn is taken again, and ends that message."""
        for key, kept in await self._documents.all(self._owner):
            id, chat, thread = str(kept.get("id")), str(kept.get("chat")), kept.get("thread")
            place = str(thread) if thread else None
            self._shown[key] = Shown(id=id, chat=chat, thread=place, text="", at=0.0, said=True)

    async def show(self, draft: Draft) -> None:
        """See Drafting.show."""
        key = draft.turn
        shown = self._shown.get(key)
        now = self._clock.monotonic()
        if shown is not None and now - shown.at < self._account.pace:
            return
        text = self._text(draft)
        chat = draft.address.chat
        if not text.strip() or (shown is not None and shown.text == text) or not await self.can_correct(chat):
            return
        if self._over.get(draft.turn):
            return  # it's being delivered since we asked what the client can do
        id = new_id()
        if shown is None:
            thread = draft.thread or draft.address.thread
            self._shown[key] = Shown(id=id, chat=chat, thread=thread, text=text, at=now)
            with suppress(StoreError):
                await self._documents.put(self._owner, key, {"id": id, "chat": chat, "thread": thread})
        else:
            shown.text, shown.at = text, now
        if key in self._shown and not self._over.get(draft.turn):
            self._say(self._shown[key], id, text)

    async def drop(self, turn: TurnId) -> None:
        """See Drafting.drop."""
        self._over.put(turn, value=True)
        if shown := await self._forget(turn):
            self._say(shown, new_id(), f"{shown.text}\n\n{STOPPED}".strip())

    def close(self, message: Message) -> None:
        """Show nothing more of a turn: its message is about to be sent."""
        if message.turn:
            self._over.put(message.turn, value=True)

    def written(self, message: Message) -> str | None:
        """Return the id of the message that's been written for a turn, to be corrected for the last time."""
        shown = self._shown.get(message.turn) if message.turn else None
        return shown.id if shown and shown.said else None

    async def end(self, message: Message) -> None:
        """Forget what was written for a message that's delivered."""
        if message.turn:
            await self._forget(message.turn)

    async def _forget(self, key: str) -> Shown | None:
        shown = self._shown.pop(key, None)
        if shown is not None:
            with suppress(StoreError):
                await self._documents.remove(self._owner, key)
        return shown

    def _text(self, draft: Draft) -> str:
        tag = draft.tagged and draft.thread is None and draft.address.thread is None
        text = convert.clean(styled(draft.text))
        if len(text) > SHOWN:
            text = f"{pieces(text, SHOWN)[0]}\n\n[…]"
        return f"{convert.tag_line(draft.task)}\n\n{text}" if tag and text else text

    def _say(self, shown: Shown, id: str, text: str) -> None:
        if self._sealing.sealed(shown.chat):
            # It was begun before the chat was encrypted: it mustn't go on as plain text.
            return
        shown.said = True
        first = id == shown.id
        # The archive needn't keep every state of it.
        said = Words(
            id=id,
            body=text,
            thread=shown.thread,
            replaces=None if first else shown.id,
            hint=None if first else "no-permanent-store",
        )
        self._post.drop(saying.words(self._chats.namespace, self._chats.target(shown.chat), said))

    def writes_in(self, chat: str) -> bool:
        """Say whether an answer is being written in a chat: that's the newest message there, until it's delivered."""
        return any(shown.chat == chat for shown in self._shown.values())

    async def can_correct(self, chat: str) -> bool:
        """Say whether the client that wrote last shows a corrected message as one: others would see dozens."""
        voice = self._chats.voice(chat)
        if voice is None or self._chats.is_room(chat) or self._sealing.sealed(chat):
            return False
        able = self._able.get(voice)
        if able is None:
            able = await self._asked(voice, chat)
            self._able.put(voice, value=able)
        return able

    async def _asked(self, voice: str, chat: str) -> bool:
        disco = self._stream.plugin["xep_0030"]
        ours = self._chats.target(chat).sender or self._stream.boundjid.full
        with suppress(IqError, IqTimeout, TimeoutError):
            async with asyncio.timeout(ASKED):
                found = await disco.get_info(jid=JID(voice), ifrom=JID(ours), timeout=5)
                return CORRECT in found["disco_info"]["features"]
        return False
