"""Send one piece of a message, in the best form that the server and the chat take."""

from collections.abc import Sequence
from typing import Any

from aiogram.methods import (
    EditMessageText,
    SendAnimation,
    SendAudio,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendRichMessage,
    SendVideo,
    SendVoice,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    InputRichMessage,
    MediaUnion,
    Message,
    ReplyParameters,
)
from msgspec import Struct

from bridges.telegram.api import UPLOADING, Api, Fault
from bridges.telegram.wording import Letter, Media, Piece, Words
from hub.ports import Files
from hub.records import File

NOT_THE_TEXT = (
    *("chat not found", "thread", "topic", "reply", "replied", "rights", "deactivated", "peer_id", "kicked"),
    *("blocked", "forbidden", "not enough", "not found: bot", "supergroup"),
)
"""Refusals that another form of the same text wouldn't mend."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a piece goes, and what hangs on it."""

    chat: int
    thread: int | None = None
    reply_to: int | None = None
    buttons: InlineKeyboardMarkup | None = None
    silent: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """What all methods that send have in common."""
        reply = ReplyParameters(message_id=self.reply_to, allow_sending_without_reply=True) if self.reply_to else None
        return {
            "chat_id": self.chat,
            "message_thread_id": self.thread,
            "reply_parameters": reply,
            "reply_markup": self.buttons,
            "disable_notification": self.silent or None,
        }


def is_about_the_text(fault: Fault) -> bool:
    """Say whether another form of the same text may be taken."""
    return fault.kind == "lacking" or (fault.kind == "refused" and not fault.says(*NOT_THE_TEXT))


class Poster:
    """Sends pieces; raises Fault."""

    def __init__(self, api: Api, files: Files) -> None:
        self._api = api
        self._files = files

    async def post(self, piece: Piece, place: Place) -> Sequence[int]:
        """Return the numbers of the messages that were made of a piece."""
        match piece:
            case Words():
                return [(await self._words(piece, place)).message_id]
            case Media():
                return await self._media(piece, place)
            case Letter():
                file = BufferedInputFile(piece.text.encode(), piece.name)
                return [await self._document(file, piece.caption, place)]

    def degraded(self, piece: Piece) -> tuple[Words, ...]:
        """Return what a rich message is replaced by on a server that doesn't know them; nothing if there's no need."""
        if isinstance(piece, Words) and piece.rich and not self._api.knows(SendRichMessage):
            return piece.instead
        return ()

    async def edit(self, words: Words, place: Place, id: int) -> None:
        """Put a text in the place of a message's; that it's the same already is no fault."""
        rich = InputRichMessage(html=words.rich) if words.rich and self._api.knows(SendRichMessage) else None
        method = EditMessageText(
            chat_id=place.chat,
            message_id=id,
            text=None if rich else words.text,
            entities=None if rich else list(words.entities) or None,
            rich_message=rich,
            parse_mode=None,
            reply_markup=place.buttons,
        )
        try:
            await self._api.call(method)
        except Fault as fault:
            if not fault.says("not modified"):
                raise

    async def _words(self, words: Words, place: Place) -> Message:
        if words.rich and self._api.knows(SendRichMessage):
            rich = InputRichMessage(html=words.rich)
            return await self._api.call(SendRichMessage(rich_message=rich, **place.fields))
        entities = list(words.entities) or None
        try:
            return await self._api.call(
                SendMessage(text=words.text, entities=entities, parse_mode=None, **place.fields)
            )
        except Fault as fault:
            if entities is None or not is_about_the_text(fault):
                raise
        return await self._api.call(SendMessage(text=words.text, parse_mode=None, **place.fields))

    async def _media(self, media: Media, place: Place) -> Sequence[int]:
        loaded = [await self._loaded(file) for file in media.files]
        if len(loaded) > 1:
            return await self._album(loaded, media.caption, place)
        try:
            return [await self._single(media, loaded[0], place)]
        except Fault as fault:
            if media.kind == "document" or not is_about_the_text(fault):
                raise
        # A picture of odd proportions, a sound that's no Opus: as a file it's taken.
        return [await self._document(loaded[0], media.caption, place)]

    async def _album(self, loaded: Sequence[BufferedInputFile], caption: Words, place: Place) -> Sequence[int]:
        fields = {key: value for key, value in place.fields.items() if key != "reply_markup"}
        first = InputMediaPhoto(media=loaded[0], parse_mode=None, **_captioned(caption))
        media: list[MediaUnion] = [first, *(InputMediaPhoto(media=file, parse_mode=None) for file in loaded[1:])]
        sent = await self._api.call(SendMediaGroup(media=media, **fields), patience=UPLOADING)
        return [message.message_id for message in sent]

    async def _single(self, media: Media, file: BufferedInputFile, place: Place) -> int:
        fields = {**place.fields, **_captioned(media.caption), "parse_mode": None}
        match media.kind:
            case "photo":
                method: Any = SendPhoto(photo=file, **fields)
            case "voice":
                method = SendVoice(voice=file, **fields)
            case "audio":
                method = SendAudio(audio=file, **fields)
            case "video":
                method = SendVideo(video=file, **fields)
            case "animation":
                method = SendAnimation(animation=file, **fields)
            case "document":
                return await self._document(file, media.caption, place)
        sent: Message = await self._api.call(method, patience=UPLOADING)
        return sent.message_id

    async def _document(self, file: BufferedInputFile, caption: Words, place: Place) -> int:
        method = SendDocument(document=file, parse_mode=None, **place.fields, **_captioned(caption))
        return (await self._api.call(method, patience=UPLOADING)).message_id

    async def _loaded(self, file: File) -> BufferedInputFile:
        return BufferedInputFile(await self._files.read(file.sha256), file.name)


def _captioned(caption: Words) -> dict[str, Any]:
    if not caption.text:
        return {}
    return {"caption": caption.text, "caption_entities": list(caption.entities) or None}
