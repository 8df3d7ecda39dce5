"""What stands in a Telegram message: its words, its files; pure functions."""

from collections.abc import Sequence
from typing import Protocol

from aiogram.types import (
    Checklist,
    Contact,
    Location,
    Message,
    MessageEntity,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    Poll,
    Venue,
)
from msgspec import Struct


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that lies at Telegram."""

    file_id: str
    name: str
    media_type: str
    size: int | None


class _Media(Protocol):
    @property
    def file_id(self) -> str: ...
    @property
    def file_unique_id(self) -> str: ...
    @property
    def file_size(self) -> int | None: ...


def words(message: Message) -> str:
    """Return what was said in words, with links and code as Markdown; what's neither text nor file is described."""
    text, entities = message.text or message.caption or "", message.entities or message.caption_entities or ()
    said = with_markdown(text, entities) or _described(message)
    return f"{_forwarded(message)}{said}" if said else ""


def attachments(message: Message) -> list[Attachment]:
    """Return the message's files: of a photo, the largest of its sizes."""
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size or 0))
        return [_attachment(largest, None, None, "photo.jpg", "image/jpeg")]
    if message.animation:  # comes with a document that's the same file
        moving = message.animation
        return [_attachment(moving, moving.file_name, moving.mime_type, "animation.mp4", "video/mp4")]
    found = []
    if voice := message.voice:
        found.append(_attachment(voice, None, voice.mime_type, "voice.ogg", "audio/ogg"))
    if audio := message.audio:
        found.append(_attachment(audio, audio.file_name, audio.mime_type, "audio.mp3", "audio/mpeg"))
    if video := message.video:
        found.append(_attachment(video, video.file_name, video.mime_type, "video.mp4", "video/mp4"))
    if message.video_note:
        found.append(_attachment(message.video_note, None, None, "video.mp4", "video/mp4"))
    if document := message.document:
        kind = document.mime_type
        found.append(_attachment(document, document.file_name, kind, "file.bin", "application/octet-stream"))
    return found


def with_markdown(text: str, entities: Sequence[MessageEntity]) -> str:
    """Return a text with its code in backticks and its hidden links written out; the rest as it was said."""
    units = text.encode("utf-16-le", "surrogatepass")
    marks: list[tuple[int, int, str]] = []
    for number, entity in enumerate(entities):
        start, end = entity.offset, entity.offset + entity.length
        if entity.type == "code":
            marks += [(start, number, "`"), (end, -number, "`")]
        elif entity.type == "pre":
            marks += [(start, number, f"```{entity.language or ''}\n"), (end, -number, "\n```")]
        elif entity.type == "text_link":
            marks.append((end, -number, f" ({entity.url})"))
    parts, at = [], 0
    for offset, _, mark in sorted(marks, key=lambda mark: (mark[0], mark[1])):
        parts += [units[2 * at : 2 * offset].decode("utf-16-le", "replace"), mark]
        at = offset
    parts.append(units[2 * at :].decode("utf-16-le", "replace"))
    return "".join(parts)


def _described(message: Message) -> str:
    found = ""
    if message.sticker:
        found = f"[sticker: {message.sticker.emoji or message.sticker.set_name or 'without a name'}]"
    elif message.venue:  # comes with its location
        found = _venue(message.venue)
    elif message.location:
        found = _location(message.location)
    elif message.contact:
        found = _contact(message.contact)
    elif message.poll:
        found = _poll(message.poll)
    elif message.dice:
        found = f"[{message.dice.emoji} shows {message.dice.value}]"
    elif message.checklist:
        found = _checklist(message.checklist)
    elif message.story:
        found = "[a story, which bots can't see]"
    return found


def _location(location: Location) -> str:
    return f"[location: {location.latitude:.5f}, {location.longitude:.5f}]"


def _venue(venue: Venue) -> str:
    return f"[place: {venue.title}, {venue.address} ({venue.location.latitude:.5f}, {venue.location.longitude:.5f})]"


def _contact(contact: Contact) -> str:
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    return f"[contact: {name}, {contact.phone_number}]"


def _poll(poll: Poll) -> str:
    return f"[poll: {poll.question} – {' / '.join(option.text for option in poll.options)}]"


def _checklist(checklist: Checklist) -> str:
    lines = [f"- [{'x' if task.completion_date else ' '}] {task.text}" for task in checklist.tasks]
    return "\n".join([checklist.title, *lines])


def _forwarded(message: Message) -> str:
    match message.forward_origin:
        case None:
            return ""
        case MessageOriginUser() as origin:
            source = origin.sender_user.full_name
        case MessageOriginHiddenUser() as origin:
            source = origin.sender_user_name
        case MessageOriginChat() as origin:
            source = origin.sender_chat.title or "a group"
        case MessageOriginChannel() as origin:
            source = origin.chat.title or "a channel"
    return f"[forwarded from {source}]\n"


def _attachment(media: _Media, name: str | None, media_type: str | None, unnamed: str, untyped: str) -> Attachment:
    """Return a file; one without a name is called by what it is and by Telegram's lasting id of it."""
    kind, _, ending = unnamed.partition(".")
    return Attachment(
        file_id=media.file_id,
        name=name or f"{kind}-{media.file_unique_id}.{ending}",
        media_type=media_type or untyped,
        size=media.file_size,
    )
