"""What the hub says -> what Telegram shows: pieces of text with entities, files, buttons; pure functions."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import telegramify_markdown as markdown
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from msgspec import Struct
from msgspec.structs import replace

from bridges.telegram.convert import OFFERED, WRONG
from hub.ports import Outgoing
from hub.records import File, Message, Task, Text

TEXT, CAPTION = 4096, 1024
"""UTF-16 units that a message and a caption may have."""
RICH_BYTES = 30_000
"""Of 32,768 that a rich message may have."""
PIECES = 4
"""A text that would be more messages than this is sent as a file."""
TEASER = 300
PHOTO, UPLOAD = 10_000_000, 50_000_000
"""Bytes of a photo and of any other file that Telegram takes."""
ALBUM = 10
LABEL, WIDE = 60, 18
"""Characters of a button; with longer ones each has a row of its own."""
AGAIN = "(Sent again: you may have read this before.)"
WRONG_TASK = "↪ Wrong task?"
SECTIONS = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*\|", re.MULTILINE)
MATHS = re.compile(r"\$\$|\\\[|\\begin\{")

FileKind = Literal["photo", "voice", "audio", "video", "animation", "document"]


class Words(Struct, frozen=True, kw_only=True):
    """A text as one message."""

    text: str
    entities: tuple[MessageEntity, ...] = ()
    rich: str = ""
    """The same as a rich message's HTML, if that shows it better."""
    instead: tuple["Words", ...] = ()
    """What it's replaced by where rich messages aren't known."""


class Media(Struct, frozen=True, kw_only=True):
    """A file, or an album of photos."""

    files: tuple[File, ...]
    kind: FileKind
    caption: Words = Words(text="")


class Letter(Struct, frozen=True, kw_only=True):
    """A text too long for messages, as a file of its own."""

    name: str
    text: str
    caption: Words


Piece = Words | Media | Letter


def pieces(outgoing: Outgoing, *, own_thread: bool) -> list[Piece]:
    """Return a message as what's sent, in order; never nothing."""
    message = outgoing.message
    head = _head(outgoing, own_thread=own_thread)
    text = "\n\n".join(part.text for part in message.parts if isinstance(part, Text)).strip()
    media = _media([part for part in message.parts if isinstance(part, File)])
    if not media:
        return _texts(head, text or "…", marked_up=message.role == "agent")
    words = _words(head, text, marked_up=message.role == "agent")
    if utf16(words.text) <= CAPTION and isinstance(media[0], Media) and media[0].kind != "voice" and not words.rich:
        return [replace(media[0], caption=words), *media[1:]]
    return [*_texts(head, text or "…", marked_up=message.role == "agent"), *media]


def draft(text: str, task: Task, *, tagged: bool) -> Words:
    """Return an answer so far: what's too long for one message shows its end."""
    head = tag(task) if tagged else ""
    whole = _words(head, text, marked_up=True)
    return whole if whole.rich or utf16(whole.text) <= TEXT else Words(text=shortened(text))


def again(piece: Piece) -> list[Piece]:
    """Return a piece that may have arrived before, with a word on that in it or before it."""
    words = piece if isinstance(piece, Words) else piece.caption
    if words.text.startswith(AGAIN):
        return [piece]
    marked = _marked(words)
    if isinstance(piece, Words) and (marked.rich or utf16(marked.text) <= TEXT):
        return [marked]
    if not isinstance(piece, Words) and utf16(marked.text) <= CAPTION:
        return [replace(piece, caption=marked)]
    return [Words(text=AGAIN), piece]


def shortened(text: str) -> str:
    """Return a text that fits into one message: of one that's too long, the end."""
    return text if utf16(text) <= TEXT else f"…{text[-TEXT // 2 :]}"


def keyboard(message: Message, *, tagged: bool) -> InlineKeyboardMarkup | None:
    """Return the buttons: for each choice one, and one to move an answer to another task."""
    buttons = [
        InlineKeyboardButton(text=_cut(choice.text, LABEL), callback_data=f"{OFFERED}{number}")
        for number, choice in enumerate(message.choices)
    ]
    narrow = all(len(button.text) <= WIDE for button in buttons)
    rows = [buttons[at : at + 2] for at in range(0, len(buttons), 2)] if narrow else [[button] for button in buttons]
    if tagged and message.role == "agent":
        rows.append([InlineKeyboardButton(text=WRONG_TASK, callback_data=WRONG)])
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def tag(task: Task) -> str:
    """Return the line that says which task something is about."""
    return f"#{task.number} {_cut(' '.join(task.title.split()), 80)}"


def topic_name(task: Task, *, done: bool) -> str:
    """Return what a task's topic is called."""
    return f"{'✅ ' if done else ''}{_cut(f'#{task.number} ' + ' '.join(task.title.split()), 120)}"


def utf16(text: str) -> int:
    """Return a text's length as Telegram counts."""
    return markdown.utf16_len(text)


def _head(outgoing: Outgoing, *, own_thread: bool) -> str:
    return tag(outgoing.task) if outgoing.tagged and outgoing.task is not None and not own_thread else ""


def _texts(head: str, text: str, *, marked_up: bool) -> list[Piece]:
    words = _words(head, text, marked_up=marked_up)
    if words.rich:
        return [words]
    return [*_split(words)] or [_letter(head, text)]


def _words(head: str, text: str, *, marked_up: bool) -> Words:
    """Return a text with a line before it; as a rich message too, if that shows more than entities can."""
    plain, entities = _converted(text) if marked_up else _coded(text)
    before = f"{head}\n" if head and plain else head
    bold = [MessageEntity(type="bold", offset=0, length=utf16(head))] if head else []
    shifted = [_moved(entity, utf16(before)) for entity in entities]
    words = Words(text=f"{before}{plain}", entities=(*bold, *shifted))
    if not marked_up or not (SECTIONS.search(text) or MATHS.search(text) or utf16(words.text) > TEXT):
        return words
    html = markdown.richify(text).html or ""
    rich = f"<p><b>{_escaped(head)}</b></p>{html}" if head else html
    if len(rich.encode()) > RICH_BYTES:
        return words
    return replace(words, rich=rich, instead=tuple(_split(words)) or (_teaser(head, text),))


def _split(words: Words) -> list[Words]:
    """Return a text as messages; none if they'd be too many."""
    entities = [
        markdown.MessageEntity(
            type=entity.type, offset=entity.offset, length=entity.length, url=entity.url, language=entity.language
        )
        for entity in words.entities
    ]
    found = [
        Words(text=text, entities=tuple(MessageEntity(**entity.to_dict()) for entity in inside))
        for text, inside in markdown.split_entities(words.text, entities, TEXT)
    ]
    return found if len(found) <= PIECES else []


def _letter(head: str, text: str) -> Letter:
    return Letter(name="answer.md", text=text, caption=_teaser(head, text))


def _teaser(head: str, text: str) -> Words:
    return _words(head, f"{_cut(text, TEASER)}\n\n(It's long: all of it is in the file.)", marked_up=False)


def _converted(text: str) -> tuple[str, list[MessageEntity]]:
    plain, found = markdown.convert(text, config=_symbols())
    if not plain.strip():
        return text, []  # nothing but marks: shown as it is
    return plain, [MessageEntity(**entity.to_dict()) for entity in found]


def _coded(text: str) -> tuple[str, list[MessageEntity]]:
    """Return a text of the hub's own with what stands in backticks as code: the rest of it is no Markdown."""
    plain, entities = "", []
    for number, part in enumerate(text.split("`")):
        if number % 2 and part.strip() and "\n" not in part:
            entities.append(MessageEntity(type="code", offset=utf16(plain), length=utf16(part)))
        plain += part
    return (plain, entities) if text.count("`") == 2 * len(entities) else (text, [])


def _symbols() -> markdown.RenderConfig:
    """Headings are bold enough: the library would put a drawing pin before them."""
    config = markdown.RenderConfig.isolated()
    symbols = config.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.unordered_list_item = "•"
    return config


def _moved(entity: MessageEntity, by: int) -> MessageEntity:
    return entity.model_copy(update={"offset": entity.offset + by})


def _marked(words: Words) -> Words:
    before = f"{AGAIN}\n"
    entities = tuple(_moved(entity, utf16(before)) for entity in words.entities)
    return Words(
        text=f"{before}{words.text}",
        entities=entities,
        rich=f"<p><i>{AGAIN}</i></p>{words.rich}" if words.rich else "",
        instead=(Words(text=AGAIN), *words.instead) if words.instead else (),
    )


def _media(files: Sequence[File]) -> list[Piece]:
    found: list[Piece] = []
    photos: list[File] = []
    for file in files:
        kind = _kind(file)
        if kind == "photo":
            photos.append(file)
        elif file.size > UPLOAD:
            text = f"[{file.name} has {file.size / 1_000_000:.0f} MB; Telegram takes {UPLOAD // 1_000_000}]"
            found.append(Words(text=text))
        else:
            found.append(Media(files=(file,), kind=kind))
    albums = [Media(files=tuple(group), kind="photo") for group in _groups(photos)]
    return [*albums, *found]


def _groups(photos: Sequence[File]) -> Iterable[Sequence[File]]:
    return (photos[at : at + ALBUM] for at in range(0, len(photos), ALBUM))


def _kind(file: File) -> FileKind:
    match file.media_type.partition(";")[0]:
        case "image/jpeg" | "image/png" | "image/webp" if file.size <= PHOTO:
            return "photo"
        case "image/gif":
            return "animation"
        case "audio/ogg" | "audio/opus":
            return "voice"
        case "audio/mpeg" | "audio/mp4" | "audio/x-m4a":
            return "audio"
        case "video/mp4":
            return "video"
        case _:
            return "document"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
