"""A <message/> as XML -> what it says; pure functions that read the elements of a dozen XEPs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal
from xml.etree.ElementTree import Element

from msgspec import Struct

Kind = Literal["normal", "chat", "groupchat", "headline", "error"]
KINDS: tuple[Kind, ...] = ("normal", "chat", "groupchat", "headline", "error")

CLIENT, COMPONENT = "jabber:client", "jabber:component:accept"
SIDS = "urn:xmpp:sid:0"
DELAY = "urn:xmpp:delay"
CORRECT = "urn:xmpp:message-correct:0"
REPLY = "urn:xmpp:reply:0"
FALLBACK = "urn:xmpp:fallback:0"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
OOB = "jabber:x:oob"
SHARES = "urn:xmpp:sfs:0"
URL_DATA = "http://jabber.org/protocol/url-data"
ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
FORWARD = "urn:xmpp:forward:0"
CARBONS = "urn:xmpp:carbons:2"
MAM = "urn:xmpp:mam:2"
CIPHERS = ("eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2", "jabber:x:encrypted", "urn:xmpp:openpgp:0")
# Messages of machines about messages: none of them says anything.
ASIDES = (
    f"{{{RECEIPTS}}}received",
    "{urn:xmpp:reactions:0}reactions",
    "{urn:xmpp:message-retract:0}retract",
    "{urn:xmpp:message-retract:1}retract",
    "{urn:xmpp:fasten:0}apply-to",
    "{urn:xmpp:jingle-message:0}propose",
)


class Fault(Struct, frozen=True, kw_only=True):
    """Why a message came back."""

    kind: str
    """cancel, wait, auth, modify or continue: what the XMPP standard says may be done about it."""
    condition: str
    text: str = ""


class Heard(Struct, frozen=True, kw_only=True):
    """What a <message/> says."""

    kind: Kind
    sender: str
    to: str = ""
    id: str = ""
    origin_id: str = ""
    stanza_ids: dict[str, str] = {}
    """By whom -> the id that they archived it under. Only our own server's and our rooms' may be believed."""
    body: str = ""
    """Without what clients put in for others that can't show replies."""
    subject: str = ""
    thread: str | None = None
    delayed_at: datetime | None = None
    replaces: str | None = None
    reply_to: str | None = None
    reply_author: str = ""
    urls: tuple[str, ...] = ()
    """Of files that came along."""
    wants_receipt: bool = False
    encrypted: bool = False
    envelope: Element | None = None
    """The whole message, if it's encrypted."""
    aside: bool = False
    """It's about another message, and says nothing itself."""
    fault: Fault | None = None

    @property
    def bare(self) -> str:
        """The sender without the resource."""
        return self.sender.partition("/")[0].lower()

    @property
    def resource(self) -> str:
        """What follows the sender's slash: a client, or somebody's nick in a room."""
        return self.sender.partition("/")[2]


class Archived(Struct, frozen=True, kw_only=True):
    """A message as an archive gives it out."""

    id: str
    heard: Heard
    message: Element
    """What it came in."""


def heard(message: Element) -> Heard:
    """Return what a <message/> says."""
    kind = message.get("type", "normal")
    reply = message.find(f"{{{REPLY}}}reply")
    replace = message.find(f"{{{CORRECT}}}replace")
    encrypted = any(child.tag[1:].partition("}")[0] in CIPHERS for child in message)
    origin = message.find(f"{{{SIDS}}}origin-id")
    return Heard(
        kind=kind if kind in KINDS else "normal",
        sender=message.get("from", ""),
        to=message.get("to", ""),
        id=message.get("id", ""),
        origin_id=origin.get("id", "") if origin is not None else "",
        stanza_ids={
            found.get("by", "").lower(): found.get("id", "") for found in message.iterfind(f"{{{SIDS}}}stanza-id")
        },
        body=_body(message),
        subject=_text(message, "subject"),
        thread=_text(message, "thread") or None,
        delayed_at=_stamp(message.find(f"{{{DELAY}}}delay")),
        replaces=replace.get("id") if replace is not None else None,
        reply_to=reply.get("id") if reply is not None else None,
        reply_author=reply.get("to", "") if reply is not None else "",
        urls=tuple(dict.fromkeys(_urls(message))),
        wants_receipt=message.find(f"{{{RECEIPTS}}}request") is not None,
        encrypted=encrypted,
        envelope=message if encrypted else None,
        aside=any(message.find(tag) is not None for tag in ASIDES),
        fault=_fault(message) if kind == "error" else None,
    )


def carbon(message: Element) -> tuple[Literal["received", "sent"], Element] | None:
    """Return the message that a carbon copies, with what our other client did: received or sent it."""
    for child in message:
        if child.tag in (f"{{{CARBONS}}}received", f"{{{CARBONS}}}sent"):
            inner = _forwarded(child)
            kind: Literal["received", "sent"] = "sent" if child.tag.endswith("sent") else "received"
            return None if inner is None else (kind, inner)
    return None


def archived(message: Element) -> Archived | None:
    """Return the message that an archive's result holds, with the time at which it came."""
    result = message.find(f"{{{MAM}}}result")
    inner = None if result is None else _forwarded(result)
    if result is None or inner is None:
        return None
    said = heard(inner)
    stamp = _stamp(result.find(f"{{{FORWARD}}}forwarded/{{{DELAY}}}delay"))
    fields = {name: getattr(said, name) for name in Heard.__struct_fields__}
    said = Heard(**fields | {"delayed_at": said.delayed_at or stamp})
    return Archived(id=result.get("id", ""), heard=said, message=message)


def to_us(message: Element, own: str) -> Element | None:
    """Return what a live <message/> brings to an account: itself, or what it copies; None for what others may not say.

    Only our own account may say what our other clients received; what they sent is ours.
    """
    copy = carbon(message)
    if copy is None:
        return message
    what, inner = copy
    return None if what == "sent" or message.get("from", "").lower() != own else inner


def is_result(message: Element) -> bool:
    """Say whether a message brings something out of an archive."""
    return message.find(f"{{{MAM}}}result") is not None


def _forwarded(element: Element) -> Element | None:
    forwarded = element.find(f"{{{FORWARD}}}forwarded")
    return None if forwarded is None else _child(forwarded, "message")


def _child(element: Element, name: str) -> Element | None:
    for namespace in (CLIENT, COMPONENT):
        if (found := element.find(f"{{{namespace}}}{name}")) is not None:
            return found
    return None


def _text(message: Element, name: str) -> str:
    found = _child(message, name)
    return "" if found is None or found.text is None else found.text


def _body(message: Element) -> str:
    body = _text(message, "body")
    for fallback in message.iterfind(f"{{{FALLBACK}}}fallback"):
        if fallback.get("for") != REPLY:
            continue
        span = fallback.find(f"{{{FALLBACK}}}body")
        start, end = (_number(span.get("start")), _number(span.get("end"))) if span is not None else (0, 0)
        if 0 <= start < end <= len(body):
            body = body[:start] + body[end:]
    return body


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 8 else -1


def _stamp(delay: Element | None) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(delay.get("stamp", "")) if delay is not None else None
    except ValueError:
        return None
    if stamp is None:
        return None
    return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _urls(message: Element) -> Iterator[str]:
    for url in message.iterfind(f"{{{OOB}}}x/{{{OOB}}}url"):
        yield (url.text or "").strip()
    for source in message.iterfind(f"{{{SHARES}}}file-sharing/{{{SHARES}}}sources/{{{URL_DATA}}}url-data"):
        yield source.get("target", "").strip()


def _fault(message: Element) -> Fault:
    error = _child(message, "error")
    if error is None:
        return Fault(kind="cancel", condition="undefined-condition")
    conditions = [child.tag.rpartition("}")[2] for child in error if child.tag.startswith(f"{{{ERRORS}}}")]
    words = error.find(f"{{{ERRORS}}}text")
    return Fault(
        kind=error.get("type", "cancel"),
        condition=next((name for name in conditions if name != "text"), "undefined-condition"),
        text=(words.text or "") if words is not None else "",
    )
