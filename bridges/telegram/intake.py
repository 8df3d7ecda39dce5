"""What comes in, by polling or by webhook alike: each chat's updates in order, each kept before it's acknowledged."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal
from weakref import WeakValueDictionary

from aiogram.types import CallbackQuery, Message, Update
from pydantic import ValidationError

from bridges.telegram import convert
from bridges.telegram.albums import Albums
from bridges.telegram.api import Api, Fault
from bridges.telegram.fetching import Fetcher, named
from bridges.telegram.replies import Replies
from bridges.telegram.topics import Topics
from hub.accounts import TelegramAccount
from hub.errors import PersonError, StoreUnavailable, Stranger
from hub.ports import Accept, Clock, Desk
from hub.records import File, Incoming, Part, Text

log = logging.getLogger(__name__)

Raw = dict[str, Any]
Settled = Literal["settled", "later"]
AT_ONCE = 32
"""Chats that are worked on side by side."""
ATTEMPTS = 6
"""So often an update is tried that can't be had in full or that we stumble over; then it's taken as is, or skipped."""
PATIENCE = 60.0
"""Seconds that a chat's later updates wait for one that couldn't be kept."""


class Intake:
    """Takes updates, and says of each whether the hub answers for it now."""

    def __init__(
        self,
        account: TelegramAccount,
        name: str,
        *,
        api: Api,
        fetcher: Fetcher,
        albums: Albums,
        replies: Replies,
        topics: Topics,
        desk: Desk,
        clock: Clock,
        bot: Callable[[], convert.Me],
        accept: Accept,
        noted: Callable[[float], None],
    ) -> None:
        self._account = account
        self._name = name
        self._api = api
        self._fetcher = fetcher
        self._albums = albums
        self._replies = replies
        self._topics = topics
        self._desk = desk
        self._clock = clock
        self._bot = bot
        self._accept = accept
        self._noted = noted
        self._lanes: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._attempts: dict[int, int] = {}
        self._held: dict[int, tuple[int, float]] = {}

    async def take(self, raw: Raw) -> Settled:
        """Return "settled" once the update is kept, refused or of no interest; "later" if it must come again."""
        id = int(raw["update_id"])
        try:
            update = Update.model_validate(raw, context={"bot": self._api.bot})
        except ValidationError:
            log.error("update %d: can't be read, it's skipped", id)  # its text has what people wrote
            return "settled"
        chat = _chat(update)
        if chat is None:
            return "settled"
        lane = self._lanes.setdefault(chat, asyncio.Lock())
        async with lane, self._slots:
            if self._must_wait(chat, id):
                return "later"
            return await self._take(update, raw, chat)

    async def run(self) -> None:
        """Hand over albums once they're complete, until cancelled."""
        while True:
            chat = await self._albums.due()
            lane = self._lanes.setdefault(chat, asyncio.Lock())
            async with lane, self._slots:
                with suppress(StoreUnavailable, Fault):
                    await self._hand_over_albums(chat)

    async def _take(self, update: Update, raw: Raw, chat: int) -> Settled:
        tried = self._attempts.get(update.update_id, 0) + 1
        try:
            await self._dispatch(update, raw, chat, last=tried >= ATTEMPTS)
        except StoreUnavailable as error:
            log.warning("update %d: not kept: %s", update.update_id, error)
        except Fault as fault:
            log.warning("update %d: not had in full: %s", update.update_id, fault)
            self._attempts[update.update_id] = tried
        except Exception as error:
            if tried >= ATTEMPTS:
                log.error("update %d: skipped: %s", update.update_id, type(error).__name__)
                return self._settle(update.update_id, chat)
            log.exception("update %d: stumbled over it", update.update_id)
            self._attempts[update.update_id] = tried
        else:
            return self._settle(update.update_id, chat)
        self._held.setdefault(chat, (update.update_id, self._clock.monotonic() + PATIENCE))
        return "later"

    async def _dispatch(self, update: Update, raw: Raw, chat: int, *, last: bool) -> None:
        if update.message is not None:
            await self._message(update.message, raw, chat, last=last)
        elif update.edited_message is not None:
            await self._edited(update.edited_message, last=last)
        elif update.callback_query is not None:
            await self._pressed(update.callback_query)
        elif update.stopped_message_generation is not None:
            stop = update.stopped_message_generation
            await self._hand_over(convert.stopped(self._name, update.update_id, stop, self._clock.now()))
        elif update.my_chat_member is not None:
            log.info("chat %d: the bot is %s there now", chat, update.my_chat_member.new_chat_member.status)

    async def _message(self, message: Message, raw: Raw, chat: int, *, last: bool) -> None:
        if message.chat.is_forum:
            self._topics.is_forum(chat)
        if message.forum_topic_created and message.forum_topic_created.is_name_implicit and message.message_thread_id:
            self._topics.is_unnamed(chat, message.message_thread_id)
        if not convert.is_said(message):
            return
        if message.media_group_id and await self._knows(message):
            if self._albums.is_another(chat, message.media_group_id):
                await self._hand_over_albums(chat)
            if await self._albums.add(chat, message, raw["message"]):
                return
        else:
            await self._hand_over_albums(chat)
        await self._said([message], last=last)

    async def _hand_over_albums(self, chat: int) -> None:
        for album in self._albums.of(chat):
            messages = [Message.model_validate(part, context={"bot": self._api.bot}) for part in album.parts]
            try:
                await self._said(messages, last=album.tried >= ATTEMPTS)
            except (StoreUnavailable, Fault) as error:
                log.warning("an album: not kept yet: %s", error)
                self._albums.postpone(album)
                raise
            except Exception:
                log.exception("an album: stumbled over it")
                self._albums.postpone(album)
                if album.tried < ATTEMPTS:
                    continue
            await self._albums.remove(album)

    async def _said(self, messages: Sequence[Message], *, last: bool) -> None:
        bot = self._bot()
        if not convert.is_addressed(messages, bot):
            return
        texts, files = convert.texts(messages, bot), convert.files(messages)
        incoming = convert.said(self._name, messages, [*texts, *named(files)], bot)
        complaints: list[str] = []
        if files and await self._knows(messages[0]):
            parts, complaints = await self._fetcher.fetch(files, last=last)
            incoming = convert.said(self._name, messages, [*texts, *parts], bot)
        if not incoming.parts:
            return
        await self._hand_over(incoming, complaints)

    async def _edited(self, message: Message, *, last: bool) -> None:
        bot = self._bot()
        if not convert.is_said(message) or message.location is not None:
            return
        kept = await self._desk.message(convert.address(self._name, message), str(message.message_id))
        if kept is None:
            # It wasn't for us before it was edited, or it's an album's later part: then it has words of its own now.
            await self._said([message], last=last)
            return
        texts = convert.texts([message], bot)
        files: list[Part] = [part for part in kept.parts if isinstance(part, File)]
        before = [part for part in kept.parts if isinstance(part, Text)]
        if before[: len(texts)] == list(texts) and bool(texts) == bool(before):
            return  # Telegram tells of link previews and the like as edits too
        if convert.is_addressed([message], bot) and (texts or files):
            await self._hand_over(convert.said(self._name, [message], [*texts, *files], bot, corrects=True))

    async def _pressed(self, query: CallbackQuery) -> None:
        choice = await self._chosen(query)
        incoming = convert.pressed(self._name, query, self._clock.now(), choice=choice)
        if incoming is None:
            self._replies.answer(query, "" if (query.data or "").startswith(convert.USED) else "That's no longer open.")
            return
        if await self._hand_over(incoming):
            self._replies.answer(query, "")
            self._replies.mark(query, convert.label(query))

    async def _chosen(self, query: CallbackQuery) -> str | None:
        """Return the choice that a button stands for; None if it's none, or its message isn't known any more."""
        data = query.data or ""
        if query.message is None or not data.startswith(convert.OFFERED):
            return None
        where = convert.address(self._name, query.message)
        offering = await self._desk.message(where, str(query.message.message_id))
        number = data.removeprefix(convert.OFFERED)
        if offering is None or not number.isdecimal() or int(number) >= len(offering.choices):
            return None
        return offering.choices[int(number)].id

    async def _hand_over(self, incoming: Incoming, complaints: Sequence[str] = ()) -> bool:
        """Return whether it's kept; raises StoreUnavailable."""
        try:
            new = await self._accept(incoming)
        except Stranger:
            return False
        except PersonError as error:
            await self._replies.tell(incoming, str(error))
            return False
        self._noted((self._clock.now() - incoming.sent_at).total_seconds())
        if new:
            self._replies.seen(incoming)
            for complaint in complaints:
                await self._replies.tell(
                    incoming, f"I couldn't take this: {complaint}. The rest of your message I have."
                )
        return True

    async def _knows(self, message: Message) -> bool:
        """Say whether it may be somebody whom the hub lets in: for strangers nothing is downloaded or put by."""
        account, author = self._account, message.from_user
        if account.access == "open" or author is None:
            return account.access == "open"
        names = {str(author.id), f"@{(author.username or '').lower()}"}
        if names & {account.owner, *(name.lower() for name in account.allow)}:
            return True
        if await self._desk.person(self._name, str(author.id)) is not None:
            return True
        return await self._desk.person(self._name, f"group:{message.chat.id}") is not None

    def _must_wait(self, chat: int, update_id: int) -> bool:
        held = self._held.get(chat)
        if held is None:
            return False
        first, until = held
        if update_id <= first or self._clock.monotonic() >= until:
            self._held.pop(chat, None)
            return False
        return True

    def _settle(self, update_id: int, chat: int) -> Settled:
        self._attempts.pop(update_id, None)
        self._held.pop(chat, None)
        return "settled"


def _chat(update: Update) -> int | None:
    """Return the chat in whose order an update stands; None for one that's of no interest."""
    message = update.message or update.edited_message
    if message is not None:
        return message.chat.id
    if update.callback_query is not None and update.callback_query.message is not None:
        return update.callback_query.message.chat.id
    if update.stopped_message_generation is not None:
        return update.stopped_message_generation.chat.id
    return update.my_chat_member.chat.id if update.my_chat_member is not None else None
