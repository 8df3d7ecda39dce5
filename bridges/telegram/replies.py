"""Small things said and shown beside the answers: refusals, receipts, spent buttons. Nobody waits for them."""

import asyncio
import logging
from collections import OrderedDict
from typing import Any

from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageReplyMarkup,
    SendMessage,
    SetMessageReaction,
    TelegramMethod,
)
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReactionTypeEmoji,
    ReactionTypeUnion,
    ReplyParameters,
)

from bridges.telegram.api import Api, Fault
from bridges.telegram.convert import USED, number_of
from bridges.telegram.pace import Pace
from hub.ports import Clock
from hub.records import Incoming

log = logging.getLogger(__name__)

SEEN, DONE = "👀", "👌"
"""Of the few reactions that bots may use."""
WAITING = 300
"""More chores than that aren't remembered."""
HANDS = 4
TRIES = 3
SAME, TOLD = 60.0, 500
"""For so many seconds nobody is told the same again; of so many chats it's remembered what they were told."""


class Replies:
    """A queue of calls that may be left out. What must arrive goes through `deliver`."""

    def __init__(self, api: Api, pace: Pace, clock: Clock, *, receipts: bool) -> None:
        self._api = api
        self._pace = pace
        self._clock = clock
        self._receipts = receipts
        self._waiting: asyncio.Queue[tuple[int | None, TelegramMethod[Any]]] = asyncio.Queue(WAITING)
        self._quiet_until = 0.0
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def run(self) -> None:
        """Make the calls, a few at a time, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(HANDS):
                group.create_task(self._work())

    def put(self, chat: int | None, method: TelegramMethod[Any]) -> None:
        """Have a call made soon, or never."""
        if self._waiting.full():
            log.info("%s: left out, there's too much to do", method.__api_method__)
            return
        self._waiting.put_nowait((chat, method))

    async def tell(self, incoming: Incoming, text: str) -> None:
        """Tell the sender why their message wasn't taken; not the same again and again.

        It's tried at once, for the message counts as acknowledged once they know; if that fails, now and then.
        """
        now, what = self._clock.monotonic(), (incoming.address.chat, text)
        if now - self._told.get(what, -SAME) < SAME:
            return
        self._told[what] = now
        if len(self._told) > TOLD:
            self._told.popitem(last=False)
        chat, number = int(incoming.address.chat), number_of(incoming.external_id)
        reply = ReplyParameters(message_id=number, allow_sending_without_reply=True) if number else None
        thread = int(incoming.address.thread) if incoming.address.thread else None
        method = SendMessage(chat_id=chat, text=text[:4000], message_thread_id=thread, reply_parameters=reply)
        if self._pace.wait(chat) or not await self._called(None, method):
            self.put(chat, method)

    def seen(self, incoming: Incoming) -> None:
        """Show that a message is kept."""
        self._react(incoming.address.chat, incoming.external_id, SEEN)

    def done(self, chat: str, external_id: str | None) -> None:
        """Show that a message is answered."""
        self._react(chat, external_id, DONE)

    def answer(self, query: CallbackQuery, text: str) -> None:
        """Take the waiting sign off a button."""
        self.put(None, AnswerCallbackQuery(callback_query_id=query.id, text=text or None))

    def mark(self, query: CallbackQuery, label: str) -> None:
        """Leave of a message's buttons only the one that was pressed, spent."""
        if query.message is None:
            return
        chat, id = query.message.chat.id, query.message.message_id
        spent = InlineKeyboardButton(text=f"✓ {label}"[:64] if label else "✓", callback_data=USED)
        markup = InlineKeyboardMarkup(inline_keyboard=[[spent]])
        self.put(chat, EditMessageReplyMarkup(chat_id=chat, message_id=id, reply_markup=markup))

    def _react(self, chat: str, external_id: str | None, emoji: str) -> None:
        number = number_of(external_id)
        if not self._receipts or number is None or not self._api.knows(SetMessageReaction):
            return
        if self._clock.monotonic() < self._quiet_until:
            return  # too many receipts: none of them may cost an answer its turn
        reaction: list[ReactionTypeUnion] = [ReactionTypeEmoji(emoji=emoji)]
        self.put(int(chat), SetMessageReaction(chat_id=int(chat), message_id=number, reaction=reaction))

    async def _work(self) -> None:
        while True:
            chat, method = await self._waiting.get()
            for _ in range(TRIES):
                if await self._called(chat, method):
                    break

    async def _called(self, chat: int | None, method: TelegramMethod[Any]) -> bool:
        """Return False if it's worth another try."""
        is_message = isinstance(method, SendMessage)
        try:
            while wait := self._pace.wait(chat) if is_message and chat is not None else self._pace.aside():
                await self._clock.sleep(wait)
            await self._api.call(method)
        except Fault as fault:
            if fault.kind == "slow" and is_message:
                self._pace.slow_down(chat, fault.after)
            elif fault.kind == "slow":
                self._quiet_until = self._clock.monotonic() + fault.after
            log.info("left out: %s", fault)
            return not (is_message and fault.kind in ("slow", "unsent"))
        except Exception:
            log.exception("left out: %s", method.__api_method__)
        return True
