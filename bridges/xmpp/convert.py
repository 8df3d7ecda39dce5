"""What was heard -> Incoming, and what goes out -> texts; pure functions."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from bridges.xmpp.hearing import Heard
from bridges.xmpp.styling import pieces, styled
from hub.ports import Outgoing
from hub.records import Address, Choice, File, Incoming, Part, Task, Text

LONGEST = 6_000
"""Characters in one message: servers and phones take more, but people scroll."""
UPLOADED = 24_000
"""A longer text goes as a file, if there's a place for files; a stream dies of 400 kB."""
LEAST_ID = 12
"""A shorter id may be a client's counter, which begins anew each day: the archive's id is taken then."""
# XML 1.0 knows no other characters below the space; halves of surrogate pairs have no UTF-8.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CONTROLS = re.compile("[\x7f-\x9f]")
"""XML knows them, and nobody means them."""
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class Place(Struct, frozen=True, kw_only=True):
    """Where the bridge hears a message."""

    bridge: str
    chat: str
    """Of the Address: a bare JID, for components followed by the agent's name."""
    sender: str
    """Who wrote it, as access lists know them: the bare JID where the room tells it, else room/nick."""
    name: str
    archive: str
    """Whose archive ids are good here: our own server's account, or the room."""
    room: str | None = None
    """The room's title."""
    nick: str = ""
    """Ours in the room."""
    agent: str | None = None


def clean(text: str) -> str:
    """Return a text without what XML forbids: a single such character would end the stream."""
    return FORBIDDEN.sub("", ANSI.sub("", text))


def external_id(said: Heard, archive: str, archived_as: str = "") -> str:
    """Return what a message is called by: the same whether it comes live, late or from the archive.

    In rooms that's the room's own id, which replies name there; else the sender's, if it's one of a kind. Empty if
    there's none, and then it can't come twice either: only archives and spools do that, and they name things.
    """
    id = said.id or said.origin_id
    kept_as = archived_as or said.stanza_ids.get(archive, "")
    if said.kind == "groupchat" and kept_as:
        return kept_as
    if len(id) >= LEAST_ID:
        return id
    return kept_as or id or (_digest(said) if said.delayed_at else "")


def incoming(
    said: Heard, place: Place, *, parts: Sequence[Part], id: str, now: datetime, corrects: str | None, threads: bool
) -> Incoming:
    """Return a message as the inbox takes it."""
    return Incoming(
        address=Address(bridge=place.bridge, chat=place.chat, thread=said.thread if threads else None),
        external_id=id,
        sender=place.sender,
        name=place.name,
        group=place.room,
        parts=tuple(parts),
        sent_at=min(said.delayed_at, now) if said.delayed_at else now,
        reply_to=said.reply_to,
        corrects=corrects,
        agent=place.agent,
    )


def addressed(text: str, nick: str) -> str | None:
    """Return what's said to a nick in a room ("nick: text", "@nick text", "text, @nick"); None if it isn't to it."""
    name = re.escape(nick)
    if found := re.match(rf"\s*@?{name}\s*(?:[:,;>]\s*|\s+|$)", text, re.IGNORECASE):
        return text[found.end() :]
    if re.search(rf"(?<!\w)@{name}(?!\w)", text, re.IGNORECASE):
        return text
    return None


def words(said: Heard) -> str:
    """Return what a message says in words: not the addresses of the files that come along."""
    body = said.body.strip()
    return "" if body in said.urls else CONTROLS.sub("", clean(said.body))


def texts(outgoing: Outgoing, *, tag: bool) -> list[str]:
    """Return the messages that a person gets to read: styled, tagged, with numbered choices, none too long."""
    message = outgoing.message
    said = [_styled(clean(part.text)) for part in message.parts if isinstance(part, Text) and part.text.strip()]
    if tag and outgoing.task and said:
        said.insert(0, tag_line(outgoing.task))
    if message.choices:
        said.append(numbered(message.choices))
    text = clean("\n\n".join(said))
    return pieces(text, LONGEST) if text.strip() else []


def files(parts: Iterable[Part]) -> list[File]:
    """Return the files among a message's parts."""
    return [part for part in parts if isinstance(part, File)]


def numbered(choices: Sequence[Choice]) -> str:
    """Return choices as lines, to be answered by a number."""
    return "\n".join(f"{number}. {choice.text}" for number, choice in enumerate(choices, 1))


def tag_line(task: Task) -> str:
    """Return the line that says which task a message is about."""
    return f"#{task.number} {' '.join(task.title.split())}"


def too_large(name: str, size: int | None, limit_mb: int) -> str:
    """Return the words that stand in a file's place."""
    how_large = f", {size / 1_000_000:.0f} MB" if size else ""
    return f"[file too large: {clean(name)}{how_large}; the limit is {limit_mb} MB]"


def not_sealed(file: File) -> str:
    """Return the words that stand in a file's place in an encrypted chat."""
    size = f", {file.size / 1_000_000:.1f} MB" if file.size else ""
    return (
        f"[a file: {clean(file.name)}{size}; it isn't sent here, for it can't be encrypted: fetch it from the web page]"
    )


def _styled(text: str) -> str:
    return styled(text) or text


def _digest(said: Heard) -> str:
    told = "\n".join((said.sender, said.body, *said.urls, str(said.delayed_at or "")))
    return f"sha-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
