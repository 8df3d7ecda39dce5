"""What Telegram tells -> Incoming; pure functions."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from aiogram.types import (
    CallbackQuery,
    InaccessibleMessage,
    Message,
    MessageGenerationStopped,
    User,
)
from msgspec import Struct

from bridges.telegram.reading import Attachment, attachments, words
from hub.records import Address, Incoming, Part, Text

COMMANDS = (
    *("new", "tasks", "task", "move", "stop", "resume", "status", "agent", "model"),
    *("approve", "deny", "schedule", "follow", "unfollow"),
)
"""What counts as addressed to us in a group though it names no bot."""
NOBODY = User(id=0, is_bot=True, first_name="")
"""Never let in; what nobody said is no message (see is_said)."""
OFFERED, WRONG, USED = "c", "w", "-"
"""What a button's data begin with: a choice's number, the wish to move an answer elsewhere, a button that's spent."""


class Me(Struct, frozen=True, kw_only=True):
    """Who the bot is."""

    id: int
    username: str = ""
    """In lower case."""
    topics: bool = False
    """Topics are switched on in private chats."""

    @property
    def account(self) -> str:
        """How people find it."""
        return f"@{self.username}" if self.username else str(self.id)


def me(user: User) -> Me:
    """Return who getMe says that we are."""
    return Me(id=user.id, username=(user.username or "").lower(), topics=bool(user.has_topics_enabled))


def address(bridge: str, message: Message | InaccessibleMessage) -> Address:
    """Return where a message was said. A thread of replies in a plain group is no topic."""
    thread = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
    return Address(bridge=bridge, chat=str(message.chat.id), thread=str(thread) if thread else None)


def is_said(message: Message) -> bool:
    """Say whether a person said something: no service message, no channel, no other bot."""
    author = message.from_user
    if author is None or author.is_bot or message.chat.type == "channel" or message.is_automatic_forward:
        return False
    if message.sender_chat is not None:
        return False
    return bool(words(message) or attachments(message))


def is_addressed(messages: Sequence[Message], bot: Me) -> bool:
    """Say whether a message, or an album of several, is for the bot: always in a private chat."""
    return any(_is_addressed(message, bot) for message in messages)


def said(
    bridge: str, messages: Sequence[Message], parts: Iterable[Part], bot: Me, *, corrects: bool = False
) -> Incoming:
    """Return a message, or the messages of an album, as one Incoming."""
    first = messages[0]
    author = first.from_user or NOBODY
    where = address(bridge, first)
    id = str(first.message_id)
    edited_at = first.edit_date or 0
    return Incoming(
        address=where,
        external_id=f"{id}/e{edited_at}" if corrects else id,
        sender=str(author.id),
        parts=tuple(parts),
        sent_at=datetime.fromtimestamp(edited_at, UTC) if corrects else first.date,
        name=author.full_name,
        handle=f"@{author.username.lower()}" if author.username else "",
        group=_title(first),
        reply_to=replied_to(messages, bot),
        corrects=id if corrects else None,
    )


def texts(messages: Sequence[Message], bot: Me) -> list[Text]:
    """Return what was said in words, with what it quotes, as parts."""
    found = [text for text in (_addressless(words(message), bot) for message in messages) if text]
    quoted = "" if any(text.startswith("/") for text in found) else _quoted(messages[0], bot)
    if quoted:
        found.insert(0, quoted)
    return [Text("\n\n".join(found))] if found else []


def files(messages: Sequence[Message]) -> list[Attachment]:
    """Return what has to be downloaded, in order."""
    return [attachment for message in messages for attachment in attachments(message)]


def replied_to(messages: Sequence[Message], bot: Me) -> str | None:
    """Return the id of the message replied to. That a topic's messages "reply" to its first one means nothing."""
    for message in messages:
        reply = message.reply_to_message
        if reply is not None and reply.forum_topic_created is None:
            return str(reply.message_id)
    return None


def pressed(bridge: str, query: CallbackQuery, now: datetime, *, choice: str | None) -> Incoming | None:
    """Return a pressed button as Incoming: a choice taken, or the wish to move an answer; None for a spent button.

    A callback has no time of its own: `now` is taken for it.
    """
    message, data = query.message, query.data or ""
    if message is None or query.from_user.is_bot or data.startswith(USED):
        return None
    if data.startswith(OFFERED) and choice is None:
        return None
    user = query.from_user
    return Incoming(
        address=address(bridge, message),
        external_id=f"cb{query.id}",
        sender=str(user.id),
        parts=(Text("/move" if data == WRONG else label(query)),),
        sent_at=now,
        name=user.full_name,
        handle=f"@{user.username.lower()}" if user.username else "",
        group=_title(message),
        reply_to=str(message.message_id),
        choice=choice,
    )


def label(query: CallbackQuery) -> str:
    """Return what's written on the button that was pressed."""
    message = query.message
    markup = message.reply_markup if isinstance(message, Message) else None
    buttons = [button for row in markup.inline_keyboard for button in row] if markup else []
    return next((button.text for button in buttons if button.callback_data == query.data), "")


def stopped(bridge: str, update_id: int, stop: MessageGenerationStopped, now: datetime) -> Incoming:
    """Return the native stop button as a command. Drafts are in private chats: the chat is the person."""
    thread = str(stop.message_thread_id) if stop.message_thread_id else None
    return Incoming(
        address=Address(bridge=bridge, chat=str(stop.chat.id), thread=thread),
        external_id=f"stop{update_id}",
        sender=str(stop.chat.id),
        parts=(Text("/stop"),),
        sent_at=now,
        name=stop.chat.full_name,
    )


def number_of(external_id: str | None) -> int | None:
    """Return Telegram's number of a message by its external id; None for what's no message: a button, a stop."""
    found = re.match(r"\d+", external_id or "")
    return int(found[0]) if found else None


def _is_addressed(message: Message, bot: Me) -> bool:
    if message.chat.type == "private":
        return True
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and reply.from_user.id == bot.id:
        # Also a topic that the bot itself made: each of its messages "replies" to the first.
        return True
    return _is_mentioned(message, bot) or _is_command(message, bot)


def _is_mentioned(message: Message, bot: Me) -> bool:
    text = message.text or message.caption or ""
    for entity in message.entities or message.caption_entities or ():
        if entity.type == "text_mention" and entity.user is not None and entity.user.id == bot.id:
            return True
        if entity.type == "mention" and entity.extract_from(text).lower() == f"@{bot.username}":
            return True
    return False


def _is_command(message: Message, bot: Me) -> bool:
    found = re.match(r"/(\w+)(?:@(\w+))?", message.text or "")
    if found is None:
        return False
    word, name = found[1].lower(), (found[2] or "").lower()
    return name == bot.username if name else word in COMMANDS


def _addressless(text: str, bot: Me) -> str:
    """Return a text without the bot's own name: people write it to reach the bot, and mean nothing by it."""
    if not bot.username:
        return text
    name = rf"@{re.escape(bot.username)}\b"
    text = re.sub(rf"^(/\w+){name}", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(rf"^{name}[\s,:]*", "", text, flags=re.IGNORECASE)
    return re.sub(rf"\s*{name}\s*$", "", text, flags=re.IGNORECASE)


def _quoted(message: Message, bot: Me) -> str:
    """Return what a reply quotes, where the hub hasn't the whole of it in its own records."""
    if message.quote is not None and (message.quote.is_manual or message.external_reply is not None):
        return _as_quote(message.quote.text)
    reply = message.reply_to_message
    if reply is None or message.chat.type == "private" or reply.from_user is None or reply.from_user.id == bot.id:
        return ""
    return _as_quote(f"{reply.from_user.full_name}: {words(reply)}") if words(reply) else ""


def _as_quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _title(message: Message | InaccessibleMessage) -> str | None:
    return None if message.chat.type == "private" else message.chat.title or str(message.chat.id)
