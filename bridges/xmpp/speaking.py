"""What the hub says -> messages on the network: in pieces, with its task to be seen, each piece sent once."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bridges.xmpp import convert, saying
from bridges.xmpp.archive import Archive, NoArchive, Silent
from bridges.xmpp.backlog import Recent
from bridges.xmpp.chats import Chats
from bridges.xmpp.drafts import Drafts
from bridges.xmpp.files import Exchange
from bridges.xmpp.post import Post
from bridges.xmpp.saying import Target, Words
from bridges.xmpp.sealing import Sealing
from bridges.xmpp.styling import pieces
from hub.accounts import XmppAccount
from hub.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, NotFound
from hub.ports import Delivered, Files, Outgoing
from hub.records import File, Text, new_id

log = logging.getLogger(__name__)

MIRRORED = 5.0
"""Seconds until a room must have shown our message for its id there to be learned."""
AGAIN = "↻ "
"""Before what may have been delivered before, where no archive can tell."""
ANSWERED = "✅"
LONG_ANSWER = "answer.md"
FIRST_WORDS = 600


class Piece(Struct, frozen=True, kw_only=True):
    """One message of those that an Outgoing becomes."""

    id: str
    body: str = ""
    file: File | None = None
    data: bytes | None = None
    """Of a file that isn't in the file store."""


class Speaking:
    """Delivers what the hub says."""

    def __init__(
        self,
        account: XmppAccount,
        files: Files,
        *,
        chats: Chats,
        post: Post,
        exchange: Exchange,
        drafts: Drafts,
        archives: dict[str, Archive],
        sealing: Sealing,
    ) -> None:
        self._account = account
        self._files = files
        self._chats = chats
        self._post = post
        self._exchange = exchange
        self._drafts = drafts
        self._archives = archives
        self._sealing = sealing
        self._sent: Recent[str, tuple[str, ...]] = Recent(2_000)
        """Pieces that arrived, with all their ids: if a later piece has to wait, they aren't sent again."""

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        """See Bridge.deliver."""
        message = outgoing.message
        chat = message.address.chat
        self._drafts.close(message)
        thread = self._thread(outgoing)
        made = await self._pieces(outgoing, tag=outgoing.tagged and thread is None)
        if not made:
            raise DeliveryRefused("there's nothing in it that can be shown")
        ids: list[str] = []
        for number, piece in enumerate(made):
            known = self._sent.get(piece.id)
            if known is None:
                known = await self._send(outgoing, piece, thread, first=number == 0)
                self._sent.put(piece.id, known)
            ids += known
        if thread:
            self._chats.speak_in(chat, thread)
        await self._drafts.end(message)
        self._mark_answered(outgoing)
        return Delivered(ids=tuple(dict.fromkeys(ids)), thread=thread if self._account.threads else None)

    async def edit(self, outgoing: Outgoing) -> None:
        """Correct a message (XEP-0308), if its chat's client shows that as one, and it's the last we said there."""
        chat, id = outgoing.message.address.chat, outgoing.message.id
        if not outgoing.newest or self._drafts.writes_in(chat) or not await self._drafts.can_correct(chat):
            raise DeliveryRefused("only the last message can be corrected, and for clients that show it")
        thread = self._thread(outgoing)
        texts = convert.texts(outgoing, tag=outgoing.tagged and thread is None)
        target = self._chats.target(chat)
        # The archive needn't keep every state of it.
        said = Words(id=new_id(), body=texts[0], thread=thread, replaces=id, hint="no-permanent-store")
        await self._posted(target, said, ())

    def _thread(self, outgoing: Outgoing) -> str | None:
        address = outgoing.message.address
        if not self._account.threads:
            # Clients that put everything into one thread show nothing else.
            return self._chats.thread(address.chat)
        return outgoing.thread or address.thread

    async def _pieces(self, outgoing: Outgoing, *, tag: bool) -> list[Piece]:
        texts = convert.texts(outgoing, tag=tag)
        id = outgoing.message.id
        whole = "\n".join(part.text for part in outgoing.message.parts if isinstance(part, Text))
        made = [Piece(id=id if number == 0 else f"{id}-{number}", body=text) for number, text in enumerate(texts)]
        sealed = self._sealing.sealed(outgoing.message.address.chat)
        if not sealed and len(whole) > convert.UPLOADED and await self._exchange.available():
            first = pieces(texts[0], FIRST_WORDS)[0]
            made = [
                Piece(id=id, body=f"{first}\n\n[…]"),
                Piece(id=f"{id}-all", file=_file_of(whole), data=whole.encode("utf-8", "replace")),
            ]
        files = convert.files(outgoing.message.parts)
        for number, file in enumerate(files):
            # A file would lie on the server as it is.
            piece = Piece(id=f"{id}-f{number}", body=convert.not_sealed(file)) if sealed else None
            made.append(piece or Piece(id=f"{id}-f{number}", file=file))
        return made

    async def _send(self, outgoing: Outgoing, piece: Piece, thread: str | None, *, first: bool) -> tuple[str, ...]:
        """Send a piece, and return the ids by which it may be replied to."""
        message = outgoing.message
        target = self._chats.target(message.address.chat)
        certain = False
        if outgoing.again:
            held = await self._held(target, piece.id, message.created_at)
            if held:
                return (piece.id,)
            certain = held is False
        shown = self._drafts.written(message) if first else None
        url = await self._uploaded(piece.file, piece.data) if piece.file else None
        body = url or piece.body
        said = Words(
            id=piece.id,
            body=f"{AGAIN}{body}" if outgoing.again and not certain and url is None else body,
            thread=thread,
            replaces=shown,
            url=url,
        )
        if first:
            said = self._as_reply(said, outgoing, target)
        ids = (piece.id, shown) if shown else (piece.id,)
        return await self._posted(target, said, ids)

    async def _posted(self, target: Target, said: Words, ids: tuple[str, ...]) -> tuple[str, ...]:
        element = await self._sealing.close(target.to, saying.words(self._chats.namespace, target, said))
        if target.kind == "chat":
            await self._post.send(element)
            return ids
        mirror = self._post.mirror(said.id)
        try:
            await self._post.send(element)
            with suppress(TimeoutError):
                theirs = await asyncio.wait_for(mirror, MIRRORED)
                return tuple(id for id in (theirs, *ids) if id)
        finally:
            self._post.forget_mirror(said.id)
        return ids

    def _as_reply(self, said: Words, outgoing: Outgoing, target: Target) -> Words:
        """Make a message a reply to what it answers: where others come between, and where others speak."""
        chat, id = outgoing.message.address.chat, outgoing.reply_to
        if id is None or not (outgoing.tagged or target.kind == "groupchat" or id != self._chats.latest(chat)):
            return said
        return replace(said, reply_to=self._chats.called(chat, id), reply_author=self._chats.author(chat, id))

    async def _held(self, target: Target, id: str, since: datetime) -> bool | None:
        """Say whether the archive has a message of ours; None if there's no archive to tell."""
        archive = self._archives.get(target.to if target.kind == "groupchat" else "")
        if archive is None:
            return None
        try:
            return await archive.holds(target.to, id, since)
        except (NoArchive, Silent):
            return None

    async def _uploaded(self, file: File, data: bytes | None) -> str:
        try:
            bytes_ = data if data is not None else await self._files.read(file.sha256)
        except NotFound:
            raise DeliveryRefused(f"the file {file.name} is gone") from None
        return await self._exchange.upload(file.name, file.media_type, bytes_)

    def _mark_answered(self, outgoing: Outgoing) -> None:
        chat, id = outgoing.message.address.chat, outgoing.reply_to
        if outgoing.message.role == "agent" and id and self._account.receipts and self._chats.was_seen(chat, id):
            of = self._chats.called(chat, id)
            target = self._chats.target(chat)
            self._post.drop(saying.reaction(self._chats.namespace, target, new_id(), of, [ANSWERED]))

    async def take_back(self, chat: str, ids: Iterator[str], words: str, thread: str | None) -> None:
        """Take messages back: those who can't do that see them changed. Raises DeliveryError."""
        target = self._chats.target(chat)
        namespace = self._chats.namespace
        first = next(ids, None)
        if first is None:
            return
        change = Words(id=new_id(), body=words, replaces=first, thread=thread)
        await self._post.send(await self._sealing.close(chat, saying.words(namespace, target, change)))
        for id in (first, *ids):
            try:
                await self._post.send(saying.retraction(namespace, target, new_id(), id))
            except DeliveryDelayed:
                raise
            except DeliveryError as error:
                log.info("message %s isn't taken back: %s", id, error)


def _file_of(text: str) -> File:
    return File(name=LONG_ANSWER, media_type="text/markdown", size=len(text), sha256="")
